/** `starling prepare-data`: text or JSONL and a tokenizer.json to token files. */
import type { OptionsOf, prepareDataOptions } from "@starling/config";
import { SingleBar } from "cli-progress";
import { prepareData as prepare, type Prepared, type Progress } from "../data/prepare.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { endNow, listenForStop, signalOf } from "../platform/parent.ts";

type PrepareDataOptions = OptionsOf<typeof prepareDataOptions>;

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5_000;

export async function prepareData(options: PrepareDataOptions): Promise<number> {
  const stop = listenForStop();
  const view = options.json ? silent : process.stderr.isTTY ? bar() : lines();
  let prepared: Prepared;
  try {
    prepared = await prepare(
      {
        ...options,
        format: options.format as "auto" | "text" | "jsonl",
        tokenSize: options.tokenSize as "auto" | "2" | "4",
      },
      { onProgress: view.progress, onWarning: view.warning, signal: stop.signal },
    );
  } catch (error) {
    // the tokenizer room's, whose sentence names the file's fault but not the file
    if ((error as Error).name !== "TokenizerError") throw error;
    throw new HostError("bad-option", `--tokenizer ${options.tokenizer}: ${(error as Error).message}`, { cause: error });
  } finally {
    view.end();
  }
  if (options.json) process.stdout.write(`${JSON.stringify(prepared)}\n`);
  else process.stdout.write(`${summary(prepared).join("\n")}\n`);
  if (prepared.complete) return EXIT_CODES.ok;
  // a script that goes on with these data must not take them for all
  endNow(signalOf(await stop.requested));
  return new Promise(() => undefined);
}

interface View {
  progress(progress: Progress): void;
  warning(message: string): void;
  end(): void;
}

const silent: View = {
  progress: () => undefined,
  warning: (message) => process.stderr.write(`warning: ${message}\n`),
  end: () => undefined,
};

function bar(): View {
  const sinceMs = performance.now();
  const shown = new SingleBar({
    format: "{bar} {percentage}% | {mb} MB | {tokens} tokens | {rate} tokens/s | {eta_formatted} left",
    barsize: 30,
    hideCursor: true,
    noTTYOutput: false,
    stopOnComplete: false,
    gracefulExit: false,
  });
  let started = false;
  return {
    progress(progress) {
      const total = progress.totalBytes ?? progress.readBytes;
      const payload = { mb: (progress.readBytes / 1e6).toFixed(1), ...figures(progress, sinceMs) };
      if (started) shown.setTotal(total);
      else shown.start(total, progress.readBytes, payload);
      started = true;
      shown.update(Math.min(progress.readBytes, total), payload);
    },
    warning: (message) => process.stderr.write(`\nwarning: ${message}\n`),
    end: () => shown.stop(),
  };
}

function lines(): View {
  const sinceMs = performance.now();
  let saidMs = sinceMs;
  return {
    progress(progress) {
      if (performance.now() - saidMs < LINE_EVERY_MS) return;
      saidMs = performance.now();
      const { tokens, rate } = figures(progress, sinceMs);
      const of = progress.totalBytes === null ? "" : ` of ${(progress.totalBytes / 1e6).toFixed(1)}`;
      process.stderr.write(`${(progress.readBytes / 1e6).toFixed(1)}${of} MB, ${tokens} tokens, ${rate} tokens/s\n`);
    },
    warning: silent.warning,
    end: () => undefined,
  };
}

function figures({ tokens }: Progress, sinceMs: number): { tokens: string; rate: string } {
  const rate = Math.round((1000 * tokens) / Math.max(1, performance.now() - sinceMs));
  return { tokens: tokens.toLocaleString("en"), rate: rate.toLocaleString("en") };
}

function summary(prepared: Prepared): string[] {
  const { complete, folder, trainTokens, heldOutTokens, trainShards, documents, vocabSize, tokenBytes, badLines, mended, newTokens } =
    prepared;
  const count = (n: number): string => n.toLocaleString("en");
  if (!complete) {
    return [`stopped: ${count(trainTokens + heldOutTokens)} tokens are in ${folder}; the same command goes on from there`];
  }
  const said = [
    newTokens === 0 ? `${folder} was complete already:` : `${folder} is complete:`,
    `  train/    ${count(trainTokens)} tokens in ${trainShards} files, from ${count(documents)} documents`,
    `  heldout/  ${count(heldOutTokens)} tokens${heldOutTokens === 0 ? ": a run with these data measures no loss" : ""}`,
    `  ${tokenBytes} bytes a token, vocabulary ${count(vocabSize)}: the model's vocab_size must be at least that`,
    `In the run config: [model.LLM.data_location] Local = "${folder}/train"`,
  ];
  if (badLines > 0) said.push(`${count(badLines)} lines were left out: they are no documents`);
  if (mended > 0) said.push(`${count(mended)} pieces held bytes that are not UTF-8, which became U+FFFD`);
  if (tokenBytes === 4 && vocabSize <= 65_536) {
    said.push(
      "Local reads tokens of 4 bytes only where the model's vocab_size is above 65,536; for others serve these files with Http, FourBytes",
    );
  }
  return said;
}
