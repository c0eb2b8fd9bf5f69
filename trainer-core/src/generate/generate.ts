/** Continues a text token by token. */
import { GenerateError } from "./errors.ts";
import type { Generator } from "./generator.ts";
import { chanceOf, checkSampler, sampleToken, type SamplerSettings } from "./sampler.ts";

export interface GenerateRequest extends SamplerSettings {
  /** the text so far, at least one token */
  tokens: readonly number[];
  maxNewTokens: number;
  /** u32; the same seed on the same device writes the same text */
  seed: number;
  /** any of these ends the text, and is not part of it */
  stopTokens?: readonly number[];
  /** only tokens below this are written; left out: all the model has */
  vocabulary?: number;
  signal?: AbortSignal;
  onToken?(token: number): void;
}

export interface Generated {
  /** without the prompt */
  tokens: number[];
  /** a stop token came; `maxNewTokens` are written; the model's context is full */
  ended: "stop" | "length" | "context";
}

/**
 * Takes what the generator's cache held before: one text at a time. Errors: GenerateError (bad-prompt, bad-setting, aborted, not-finite).
 */
export async function generate(generator: Generator, request: GenerateRequest): Promise<Generated> {
  const { tokens: prompt, maxNewTokens, seed, stopTokens = [], vocabulary, signal, onToken } = request;
  checkSampler(request);
  if (!(Number.isInteger(maxNewTokens) && maxNewTokens >= 1)) {
    throw new GenerateError("bad-setting", `at least one new token must be asked for, got ${maxNewTokens}`);
  }
  const { contextTokens } = generator;
  if (prompt.length < 1 || prompt.length > contextTokens) {
    throw new GenerateError(
      "bad-prompt",
      `the prompt must have 1 to ${contextTokens} tokens, the model's context; it has ${prompt.length}`,
    );
  }
  generator.truncate(0);
  let logits = await prefill(generator, prompt, signal);
  const written: number[] = [];
  for (;;) {
    const next = sampleToken(logits, request, chanceOf(seed, written.length), vocabulary);
    if (stopTokens.includes(next)) return { tokens: written, ended: "stop" };
    written.push(next);
    onToken?.(next);
    if (written.length >= maxNewTokens) return { tokens: written, ended: "length" };
    if (prompt.length + written.length > contextTokens) return { tokens: written, ended: "context" };
    throwIfAborted(signal);
    logits = await generator.appendForLogits([next]);
  }
}

/** Puts `tokens` behind what is cached, in pieces; the logits that follow. Errors: GenerateError (bad-prompt, aborted). */
export async function prefill(generator: Generator, tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
  const { pieceTokens } = generator;
  const lastPiece = Math.floor((tokens.length - 1) / pieceTokens) * pieceTokens;
  for (let at = 0; at < lastPiece; at += pieceTokens) {
    throwIfAborted(signal);
    generator.append(tokens.slice(at, at + pieceTokens));
    await generator.device.idle(); // one piece at a time: an end that was asked for is not far away
  }
  throwIfAborted(signal);
  return generator.appendForLogits(tokens.slice(lastPiece));
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new GenerateError("aborted", "the text was ended before it was complete", { cause: signal.reason });
}
