/** `starling generate`: continues a text with a checkpoint's model. */
import { readFileSync } from "node:fs";
import type { OptionsOf, generateOptions } from "@starling/config";
import { generate as continueText } from "@starling/trainer-core/generate/generate";
import { GenerateError } from "@starling/trainer-core/generate/errors";
import { Generator } from "@starling/trainer-core/generate/generator";
import { TextStream } from "@starling/trainer-core/generate/textModel";
import { toJson } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { openModel } from "../inference/openModel.ts";
import { listenForStop } from "../platform/parent.ts";

export async function generate(options: OptionsOf<typeof generateOptions>): Promise<number> {
  const prompt = promptOf(options);
  const { signal } = listenForStop();
  await using model = await openModel(options, signal);
  const { device, config, text } = model;
  const tokens = [...text.prefix, ...text.tokenizer.encode(prompt)];
  if (tokens.length === 0) throw new HostError("bad-option", "the prompt is empty, and this model has no token that begins a text");
  if (tokens.length > config.maxPositionEmbeddings) {
    const { maxPositionEmbeddings: most } = config;
    throw new HostError("bad-option", `the prompt has ${tokens.length} tokens, the model reads at most ${most}: shorten it`);
  }
  const contextTokens = Math.min(config.maxPositionEmbeddings, tokens.length + options.maxNewTokens);
  const generator = await Generator.create(device, config, { weight: model.weight, contextTokens });
  const stream = new TextStream(text.tokenizer, tokens);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  let written = "";
  const write = (piece: string): void => {
    written += piece;
    if (!options.json) process.stdout.write(process.stdout.isTTY ? shown(piece) : piece);
  };
  if (!options.json) write(prompt);
  written = "";
  const startedMs = performance.now();
  let firstMs = startedMs;
  let count = 0;
  const onToken = (token: number): void => {
    if (count++ === 0) firstMs = performance.now();
    write(stream.push(token));
  };
  let ended: string;
  try {
    const { temperature, topP, maxNewTokens } = options;
    const { stopTokens, vocabulary } = text;
    ({ ended } = await continueText(generator, {
      ...{ tokens, maxNewTokens, temperature, topP, seed, stopTokens, vocabulary, signal, onToken },
    }));
  } catch (error) {
    if (!(error instanceof GenerateError) || error.code !== "aborted") throw error;
    ended = "aborted";
  } finally {
    generator.dispose();
  }
  write(stream.end());
  const promptMs = firstMs - startedMs;
  const perSecond = count > 1 ? ((count - 1) * 1_000) / (performance.now() - firstMs) : null;
  if (options.json) {
    const figures = {
      promptTokens: tokens.length,
      newTokens: count,
      ended,
      seed,
      promptMs: Math.round(promptMs),
      tokensPerSecond: perSecond,
    };
    process.stdout.write(`${toJson({ prompt, text: written, ...figures })}\n`);
  } else {
    process.stdout.write("\n");
    const speed = perSecond === null ? "" : `, ${perSecond.toFixed(perSecond < 10 ? 2 : 0)} tokens/s`;
    process.stderr.write(
      `${count} tokens${speed} after ${Math.round(promptMs)} ms for the prompt's ${tokens.length} (${ENDS[ended]}); seed ${seed}; ${model.adapter}\n`,
    );
  }
  return EXIT_CODES.ok;
}

/** A model may write whatever a terminal obeys. */
function shown(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, "\uFFFD");
}

const ENDS: Readonly<Record<string, string>> = {
  stop: "the model ended the text",
  length: "--max-new-tokens",
  context: "the model's context is full",
  aborted: "ended by you",
};

function promptOf({ prompt, promptFile }: OptionsOf<typeof generateOptions>): string {
  if (prompt !== undefined && promptFile !== undefined) throw new HostError("bad-option", "give --prompt or --prompt-file, not both");
  if (prompt !== undefined) return prompt;
  if (promptFile === undefined) throw new HostError("bad-option", "give the text to continue: --prompt TEXT, or --prompt-file FILE");
  try {
    return readFileSync(promptFile === "-" ? 0 : promptFile, "utf8");
  } catch (cause) {
    throw new HostError("bad-option", `--prompt-file ${promptFile} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
