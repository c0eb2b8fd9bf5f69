/** Text to token files: reads, tokenises on all cores, writes in order, and can be killed at any moment. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { loadTokenizer, type Tokenizer } from "@starling/trainer-core/tokenizer/tokenizer";
import { HostError } from "../errors.ts";
import { makeWritableFolder } from "../platform/folders.ts";
import { takeLock } from "../platform/lockFile.ts";
import { findEndOfText } from "./endOfText.ts";
import { describeInputs, STDIN, type Input, type TextForm } from "./inputs.ts";
import { readManifest, requireSameSettings, writeManifest, type Counts, type Manifest, type Settings } from "./manifest.ts";
import { readPieces, type BadLine, type Piece, type Position } from "./pieces.ts";
import { ShardWriter, type SplitState } from "./shardWriter.ts";
import { TokenizePool } from "./tokenizePool.ts";
import { tokenizeTexts, type Tokenized } from "./tokenizeTexts.ts";

export interface PrepareOptions {
  input: readonly string[];
  tokenizer: string;
  output: string;
  format: TextForm | "auto";
  textField: string;
  tokenSize: "auto" | "2" | "4";
  shardTokens: number;
  appendEos: boolean;
  eosToken?: string | undefined;
  heldOutShare: number;
  /** 0 = one a core */
  workers: number;
  strict: boolean;
}

export interface Progress {
  /** of the input files, as they lie there */
  readBytes: number;
  /** null while stdin is among the inputs */
  totalBytes: number | null;
  /** of this start */
  tokens: number;
}

export interface PrepareHooks {
  onProgress?: (progress: Progress) => void;
  onWarning?: (message: string) => void;
  signal?: AbortSignal;
  /** what a kill costs at most; default 5 s */
  checkpointEveryMs?: number;
  /** text handed to a thread at a time; the files do not depend on it */
  batchCharacters?: number;
}

export interface Prepared extends Counts {
  /** false = stopped before the end; the same call goes on */
  complete: boolean;
  /** of this start; 0 when everything was there already */
  newTokens: number;
  trainTokens: number;
  heldOutTokens: number;
  trainShards: number;
  vocabSize: number;
  tokenBytes: 2 | 4;
  folder: string;
}

type Entry = Piece | BadLine;
interface Batch {
  entries: Entry[];
  tokenized: Promise<Tokenized>;
}

/** Enough for a thread to be busy for tens of milliseconds. */
const BATCH_CHARACTERS = 1 << 18;
const BATCH_ENTRIES = 4096;
const CHECKPOINT_EVERY_MS = 5_000;
const MAX_WARNINGS = 20;
const NO_FILES: SplitState = { shards: [], open: null };

/** Errors: HostError bad-option, data; TokenizerError. */
export async function prepareData(options: PrepareOptions, hooks: PrepareHooks = {}): Promise<Prepared> {
  const tokenizerText = readTokenizer(options.tokenizer);
  const tokenizer = loadTokenizer(tokenizerText);
  const inputs = describeInputs(options.input, options.format);
  const settings = settingsOf(options, tokenizer, tokenizerText, inputs);
  const folder = resolve(options.output);
  makeWritableFolder(folder, "--output");
  const lock = takeLock(join(folder, "manifest.json"));
  if ("heldBy" in lock) throw new HostError("bad-option", `${folder} is being written by another process (${lock.heldBy})`);
  try {
    const before = readManifest(folder);
    if (before !== null) requireSameSettings(before.settings, settings, folder);
    const run = await Run.restore(options, hooks, tokenizer, inputs, settings, folder, before);
    try {
      if (before?.complete !== true) await run.go();
      return run.result();
    } finally {
      await run.close();
    }
  } catch (error) {
    throw asHostError(error, folder);
  } finally {
    lock.release();
  }
}

class Run {
  readonly #options: PrepareOptions;
  readonly #hooks: PrepareHooks;
  readonly #tokenizer: Tokenizer;
  readonly #inputs: readonly Input[];
  readonly #settings: Settings;
  readonly #folder: string;
  readonly #train: ShardWriter;
  readonly #heldOut: ShardWriter;
  readonly #counts: Counts;
  readonly #progress: Progress;
  #manifest: Omit<Manifest, "version">;
  #savedMs = performance.now();
  #intoHeldOut = false;
  #warnings = 0;

  static async restore(
    options: PrepareOptions,
    hooks: PrepareHooks,
    tokenizer: Tokenizer,
    inputs: readonly Input[],
    settings: Settings,
    folder: string,
    before: Manifest | null,
  ): Promise<Run> {
    const { tokenBytes, shardTokens } = settings;
    const manifest = before ?? {
      settings,
      complete: false,
      next: { input: 0, bytes: 0, lines: 0 },
      counts: { documents: 0, units: 0, badLines: 0, mended: 0 },
      train: NO_FILES,
      heldOut: NO_FILES,
    };
    const train = await ShardWriter.restore(join(folder, "train"), "train", tokenBytes, shardTokens, manifest.train);
    const heldOut = await ShardWriter.restore(join(folder, "heldout"), "heldout", tokenBytes, shardTokens, manifest.heldOut);
    return new Run(options, hooks, tokenizer, inputs, manifest, folder, train, heldOut);
  }

  private constructor(
    options: PrepareOptions,
    hooks: PrepareHooks,
    tokenizer: Tokenizer,
    inputs: readonly Input[],
    manifest: Omit<Manifest, "version">,
    folder: string,
    train: ShardWriter,
    heldOut: ShardWriter,
  ) {
    this.#options = options;
    this.#hooks = hooks;
    this.#tokenizer = tokenizer;
    this.#inputs = inputs;
    this.#settings = manifest.settings;
    this.#folder = folder;
    this.#train = train;
    this.#heldOut = heldOut;
    this.#counts = { ...manifest.counts };
    this.#manifest = manifest;
    const sizes = inputs.map(({ sizeBytes }) => sizeBytes);
    const before = sizes.slice(0, manifest.next.input).reduce<number>((sum, size) => sum + (size ?? 0), 0);
    this.#progress = {
      readBytes: before,
      totalBytes: sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + size!, 0),
      tokens: 0,
    };
  }

  async go(): Promise<void> {
    const workers = this.#options.workers === 0 ? availableParallelism() : this.#options.workers;
    const { next } = this.#manifest;
    if (this.#inputs[next.input]?.path === STDIN && next.bytes > 0) {
      this.#hooks.onWarning?.(`stdin must bring the same text again: its first ${next.bytes} bytes are skipped`);
    }
    // a single thread is this one
    const pool = workers === 1 ? null : new TokenizePool(workers, resolve(this.#options.tokenizer));
    const reading = new AbortController();
    const stop = (): void => reading.abort();
    this.#hooks.signal?.addEventListener("abort", stop, { once: true });
    if (this.#hooks.signal?.aborted) stop();
    const ahead: Batch[] = [];
    try {
      for await (const entries of this.#batches(reading.signal)) {
        const texts = entries.flatMap((entry) => ("text" in entry ? [entry.text] : []));
        const tokenized = pool === null ? Promise.resolve(tokenizeTexts(this.#tokenizer, texts)) : pool.tokenize(texts);
        tokenized.catch(() => undefined); // it is awaited below, unless an earlier one failed
        ahead.push({ entries, tokenized });
        if (ahead.length >= 2 * workers && (await this.#write(ahead.shift()!))) return;
      }
      for (const batch of ahead) if (await this.#write(batch)) return;
      if (reading.signal.aborted) return;
      await this.#save({ input: this.#inputs.length, bytes: 0, lines: 0 }, true);
    } finally {
      reading.abort();
      this.#hooks.signal?.removeEventListener("abort", stop);
      await pool?.close();
    }
  }

  result(): Prepared {
    const { train, complete, settings, counts } = this.#manifest;
    const tokensIn = ({ shards, open }: SplitState): number =>
      [...shards, ...(open ? [open] : [])].reduce((sum, { tokens }) => sum + tokens, 0);
    return {
      complete,
      newTokens: this.#progress.tokens,
      trainTokens: tokensIn(train),
      heldOutTokens: tokensIn(this.#manifest.heldOut),
      trainShards: train.shards.length,
      vocabSize: settings.vocabSize,
      tokenBytes: settings.tokenBytes,
      folder: this.#folder,
      ...counts,
    };
  }

  async close(): Promise<void> {
    await this.#train.close();
    await this.#heldOut.close();
  }

  async *#batches(signal: AbortSignal): AsyncGenerator<Entry[]> {
    let entries: Entry[] = [];
    let characters = 0;
    const onRead = (bytes: number): void => void (this.#progress.readBytes += bytes);
    for await (const entry of readPieces(this.#inputs, this.#manifest.next, { textField: this.#options.textField, onRead, signal })) {
      entries.push(entry);
      characters += "text" in entry ? entry.text.length : 0;
      if (characters < (this.#hooks.batchCharacters ?? BATCH_CHARACTERS) && entries.length < BATCH_ENTRIES) continue;
      yield entries;
      [entries, characters] = [[], 0];
    }
    if (entries.length > 0) yield entries;
  }

  /** True when it was told to stop, and has saved where it is. */
  async #write({ entries, tokenized }: Batch): Promise<boolean> {
    const { tokens, counts, errors } = await tokenized;
    let at = 0;
    let text = 0;
    for (const entry of entries) {
      if ("bad" in entry) this.#bad(entry.where, entry.bad);
      else {
        const index = text++;
        const count = Math.max(0, counts[index]);
        if (errors[index] !== undefined) this.#bad(entry.where, errors[index]);
        else if (entry.text !== "") await this.#add(entry, tokens.subarray(at, at + count));
        at += count;
      }
      const stopping = this.#hooks.signal?.aborted === true;
      const due = performance.now() - this.#savedMs >= (this.#hooks.checkpointEveryMs ?? CHECKPOINT_EVERY_MS);
      if (entry.next === null || (!stopping && !due)) continue;
      await this.#save(entry.next, false);
      if (stopping) return true;
    }
    this.#hooks.onProgress?.({ ...this.#progress });
    return false;
  }

  async #add(piece: Piece, tokens: Uint32Array): Promise<void> {
    const { endOfText, heldOutShare } = this.#settings;
    if (piece.beginsUnit) {
      // whatever lags behind its share, but never the first: a short text is for training
      const after = this.#train.total + this.#heldOut.total + tokens.length;
      this.#intoHeldOut = this.#counts.units > 0 && this.#heldOut.total < heldOutShare * after;
      this.#counts.units++;
    }
    if (piece.mended && this.#counts.mended++ === 0) {
      const message = `${piece.where}: bytes that are not UTF-8 become U+FFFD`;
      if (this.#options.strict) throw new HostError("data", `${message}; --strict refuses them`);
      this.#hooks.onWarning?.(message);
    }
    const writer = this.#intoHeldOut ? this.#heldOut : this.#train;
    await writer.write(tokens);
    this.#progress.tokens += tokens.length;
    if (!piece.endsDocument) return;
    this.#counts.documents++;
    if (endOfText === null) return;
    await writer.write(Uint32Array.of(endOfText));
    this.#progress.tokens++;
  }

  #bad(where: string, why: string): void {
    if (this.#options.strict) throw new HostError("data", `${where}: ${why}; without --strict it would be left out`);
    this.#counts.badLines++;
    this.#warnings++;
    if (this.#warnings <= MAX_WARNINGS) this.#hooks.onWarning?.(`${where} is left out: ${why}`);
    if (this.#warnings === MAX_WARNINGS) this.#hooks.onWarning?.("further ones are only counted");
  }

  async #save(next: Position, complete: boolean): Promise<void> {
    const train = complete ? await this.#train.finish() : await this.#train.checkpoint();
    const heldOut = complete ? await this.#heldOut.finish() : await this.#heldOut.checkpoint();
    this.#manifest = { settings: this.#settings, complete, next, counts: { ...this.#counts }, train, heldOut };
    await writeManifest(this.#folder, this.#manifest);
    this.#savedMs = performance.now();
  }
}

function settingsOf(options: PrepareOptions, tokenizer: Tokenizer, tokenizerText: string, inputs: readonly Input[]): Settings {
  const { vocabSize } = tokenizer;
  const tokenBytes = options.tokenSize === "auto" ? (vocabSize > 65_536 ? 4 : 2) : options.tokenSize === "4" ? 4 : 2;
  if (tokenBytes === 2 && vocabSize > 65_536) {
    throw new HostError("bad-option", `--token-size 2 holds ids below 65536, this tokenizer has ${vocabSize}: use 4, or auto`);
  }
  return {
    tokenizerSha256: createHash("sha256").update(tokenizerText).digest("hex"),
    vocabSize,
    tokenBytes,
    shardTokens: options.shardTokens,
    endOfText: options.appendEos ? findEndOfText(options.tokenizer, tokenizerText, options.eosToken) : null,
    heldOutShare: options.heldOutShare,
    textField: options.textField,
    inputs: inputs.map(({ path, form, sizeBytes, modifiedMs }) => ({ path, form, sizeBytes, modifiedMs })),
  };
}

function readTokenizer(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HostError("bad-option", `--tokenizer ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** What the file system says while writing, as a sentence; what was written before stays good. */
function asHostError(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof HostError || !["ENOSPC", "EDQUOT", "EIO", "EACCES", "EROFS", "EFBIG"].includes(code ?? "")) return error;
  const disk = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : "it cannot be written";
  return new HostError("data", `${folder}: ${disk} (${message}); mend that and start the same command again, it goes on where it was`, {
    cause: error,
  });
}
