/** A generator's work in short pieces, for an engine that trains: no piece takes longer than a token, or a piece of a prompt. */
import type { InferenceAnswer, InferenceRequest } from "../round/ports.ts";
import { GenerateError } from "./errors.ts";
import type { Generator } from "./generator.ts";
import { checkSampler, sampleToken } from "./sampler.ts";

export class Inference {
  readonly #generator: Generator;
  /** what the generator's cache holds */
  #cached: readonly number[] = [];
  /** scores so far of a request that goes on */
  #scored: { tokens: readonly number[]; from: number; logProbability: number } | null = null;

  constructor(generator: Generator) {
    this.#generator = generator;
  }

  /** The weights are others now: what is cached is worth nothing. */
  weightsChanged(): void {
    this.#keep(0);
    this.#scored = null;
  }

  /** Makes what `score` needs, which its first piece would wait for. Errors: DeviceError (too-large, out-of-memory, wgsl). */
  prepareScores(): Promise<void> {
    return this.#generator.prepareScores();
  }

  /** Errors: GenerateError (bad-prompt, bad-setting, not-finite). */
  async answer(request: InferenceRequest): Promise<InferenceAnswer> {
    const { contextTokens } = this.#generator;
    const { tokens, kind } = request;
    if (tokens.length < 1 || tokens.length > contextTokens + 1) {
      throw new GenerateError("bad-prompt", `a text has 1 to ${contextTokens} tokens here, got ${tokens.length}`);
    }
    switch (kind) {
      case "next":
        return this.#next(request);
      case "score":
        return this.#score(request);
      default:
        return kind satisfies never;
    }
  }

  dispose(): void {
    this.#generator.dispose();
  }

  async #next(request: InferenceRequest & { kind: "next" }): Promise<InferenceAnswer> {
    const { tokens, chance, vocabulary } = request;
    checkSampler(request);
    this.#scored = null;
    const from = Math.min(this.#common(tokens), tokens.length - 1);
    this.#keep(from);
    const piece = tokens.slice(from, from + this.#generator.pieceTokens);
    if (from + piece.length < tokens.length) {
      this.#generator.append(piece);
      this.#cached = tokens.slice(0, from + piece.length);
      await this.#generator.device.idle();
      return { kind: "more" };
    }
    const logits = await this.#generator.appendForLogits(piece);
    this.#cached = tokens;
    return { kind: "next", token: sampleToken(logits, request, chance, vocabulary) };
  }

  async #score({ tokens, from }: InferenceRequest & { kind: "score" }): Promise<InferenceAnswer> {
    if (!(Number.isInteger(from) && from >= 1 && from < tokens.length)) {
      throw new GenerateError(
        "bad-setting",
        `of ${tokens.length} tokens those from 1 to ${tokens.length - 1} on can be scored, got ${from}`,
      );
    }
    const before = this.#scored;
    const goesOn = before !== null && before.from === from && isSame(before.tokens, tokens);
    // the first scored token is told by the one before it, which must run once more
    const at = goesOn ? this.#cached.length : Math.min(this.#common(tokens), from - 1);
    this.#keep(at);
    const end = Math.min(at + this.#generator.pieceTokens, tokens.length - 1);
    const piece = tokens.slice(at, end);
    let logProbability = goesOn ? before.logProbability : 0;
    if (end < from) {
      this.#generator.append(piece);
      await this.#generator.device.idle();
    } else {
      const targets = piece.map((_, i) => (at + i + 1 >= from ? tokens[at + i + 1] : -1));
      const scores = await this.#generator.appendForScores(piece, targets);
      logProbability += scores.reduce((a, b) => a + b, 0);
    }
    this.#cached = tokens.slice(0, end);
    if (end < tokens.length - 1) {
      this.#scored = { tokens, from, logProbability };
      return { kind: "more" };
    }
    this.#scored = null;
    if (!Number.isFinite(logProbability)) {
      throw new GenerateError("not-finite", `the log-probability of a text is ${logProbability}: the model is broken`);
    }
    return { kind: "score", logProbability };
  }

  /** Tokens at the beginning of `tokens` that are cached. */
  #common(tokens: readonly number[]): number {
    let length = 0;
    while (length < tokens.length && length < this.#cached.length && tokens[length] === this.#cached[length]) length++;
    return length;
  }

  #keep(length: number): void {
    this.#generator.truncate(length);
    this.#cached = this.#cached.slice(0, length);
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
