/** Writes tokens into files of a fixed size, so that what is on disk up to the last checkpoint is never lost and never doubled. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open, truncate, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import { makeFolder } from "../platform/folders.ts";

export interface Shard {
  /** file name inside its folder */
  file: string;
  tokens: number;
  /** hex, over the file's bytes */
  sha256: string;
}

/** What a folder holds, as the manifest says it; `open` is the file that is still being written, named `FILE.part`. */
export interface SplitState {
  shards: Shard[];
  open: Shard | null;
}

const BUFFER_BYTES = 1 << 20;
const PART = ".part";

export class ShardWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #tokenBytes: 2 | 4;
  readonly #shardTokens: number;
  readonly #shards: Shard[];
  #file: FileHandle | null = null;
  #hash: Hash = createHash("sha256");
  /** in the open shard, buffered ones included */
  #tokens = 0;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #bufferedBytes = 0;
  /** tokens of all shards */
  total: number;

  private constructor(folder: string, name: string, tokenBytes: 2 | 4, shardTokens: number, shards: readonly Shard[]) {
    this.#folder = folder;
    this.#name = name;
    this.#tokenBytes = tokenBytes;
    this.#shardTokens = shardTokens;
    this.#shards = [...shards];
    this.total = shards.reduce((sum, shard) => sum + shard.tokens, 0);
  }

  /**
   * Brings the folder back to `state`: later shards are deleted, the open one is cut off behind its last known token.
   * Errors: HostError data when the files are not those of the state.
   */
  static async restore(folder: string, name: string, tokenBytes: 2 | 4, shardTokens: number, state: SplitState): Promise<ShardWriter> {
    const writer = new ShardWriter(folder, name, tokenBytes, shardTokens, state.shards);
    const known = new Set(state.shards.map(({ file }) => file));
    for (const { file, tokens } of state.shards) {
      const size = statSync(join(folder, file), { throwIfNoEntry: false })?.size;
      if (size !== tokens * tokenBytes) throw changed(folder, file, `${tokens * tokenBytes} bytes were written, it has ${size ?? "gone"}`);
    }
    const part = state.open === null ? null : `${state.open.file}${PART}`;
    // killed between a shard's last name and the manifest that would have told of it
    if (state.open !== null && !existsSync(join(folder, part!)) && existsSync(join(folder, state.open.file))) {
      renameSync(join(folder, state.open.file), join(folder, part!));
    }
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      const ours = new RegExp(`^${name}-\\d{6}\\.bin(\\.part)?$`).test(file);
      if (ours && !known.has(file) && file !== part) rmSync(join(folder, file));
    }
    if (state.open !== null) await writer.#reopen(state.open);
    return writer;
  }

  async write(tokens: Uint32Array): Promise<void> {
    for (let at = 0; at < tokens.length;) {
      const count = Math.min(tokens.length - at, this.#shardTokens - this.#tokens);
      await this.#append(tokens.subarray(at, at + count));
      at += count;
      if (this.#tokens === this.#shardTokens) await this.#finishShard();
    }
    this.total += tokens.length;
  }

  /** What is written, safe on disk. */
  async checkpoint(): Promise<SplitState> {
    await this.#flush();
    await this.#file?.datasync();
    const open = this.#tokens === 0 ? null : { file: this.#fileName(), tokens: this.#tokens, sha256: this.#hash.copy().digest("hex") };
    return { shards: [...this.#shards], open };
  }

  /** The last shard gets its name, too, however short. */
  async finish(): Promise<SplitState> {
    if (this.#tokens > 0) await this.#finishShard();
    return this.checkpoint();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  #fileName(): string {
    return `${this.#name}-${String(this.#shards.length).padStart(6, "0")}.bin`;
  }

  async #append(tokens: Uint32Array): Promise<void> {
    if (this.#file === null) {
      makeFolder(this.#folder, "--output"); // only now: an empty folder of held-out text would be taken for one that has some
      this.#file = await open(join(this.#folder, this.#fileName() + PART), "a");
    }
    for (const token of tokens) {
      if (this.#bufferedBytes + this.#tokenBytes > BUFFER_BYTES) await this.#flush();
      if (this.#tokenBytes === 2) this.#buffer.writeUInt16LE(token, this.#bufferedBytes);
      else this.#buffer.writeUInt32LE(token, this.#bufferedBytes);
      this.#bufferedBytes += this.#tokenBytes;
    }
    this.#tokens += tokens.length;
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#bufferedBytes);
    for (let written = 0; written < bytes.length;) written += (await this.#file!.write(bytes, written)).bytesWritten;
    this.#hash.update(bytes);
    this.#bufferedBytes = 0;
  }

  async #finishShard(): Promise<void> {
    const file = this.#fileName();
    await this.#flush();
    await this.#file!.datasync();
    await this.close();
    renameSync(join(this.#folder, file + PART), join(this.#folder, file));
    this.#shards.push({ file, tokens: this.#tokens, sha256: this.#hash.digest("hex") });
    this.#hash = createHash("sha256");
    this.#tokens = 0;
  }

  async #reopen({ file, tokens, sha256 }: Shard): Promise<void> {
    const path = join(this.#folder, file + PART);
    const bytes = tokens * this.#tokenBytes;
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < bytes) throw changed(this.#folder, file + PART, `${bytes} bytes were written, it has ${size}`);
    await truncate(path, bytes);
    for await (const chunk of createReadStream(path)) this.#hash.update(chunk as Buffer);
    if (this.#hash.copy().digest("hex") !== sha256) throw changed(this.#folder, file + PART, "its hash is another");
    this.#file = await open(path, "a");
    this.#tokens = tokens;
    this.total += tokens;
  }
}

function changed(folder: string, file: string, how: string): HostError {
  return new HostError("data", `${join(folder, file)} was changed since it was written (${how}): delete the folder and start again`);
}
