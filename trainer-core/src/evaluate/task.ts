/** One pass over a task's questions: which text is to be scored next, and what the scores come to. */
import { chanceOf } from "../generate/sampler.ts";
import type { TextModel } from "../generate/textModel.ts";
import type { InferenceRequest } from "../round/ports.ts";
import type { Question } from "./questions.ts";

export interface TaskOptions {
  name: string;
  questions: readonly Question[];
  text: TextModel;
  /** longest text of the model; of longer ones the beginning is left out */
  contextTokens: number;
  /** answered examples before each question; 0: none */
  fewshot: number;
  /** left out: all */
  maxDocs?: number;
}

export interface TaskResult {
  name: string;
  /** questions so far */
  asked: number;
  /** of this pass */
  total: number;
  /** share of questions whose likeliest choice is the right one */
  acc: number;
  /** the same by log-probability a character of the choice, so that short ones have no advantage */
  accNorm: number;
}

type ScoreRequest = InferenceRequest & { kind: "score" };

/** Questions are taken in an order drawn by chance, always the same. */
const ORDER_SEED = 1234;

export class Task {
  readonly name: string;
  readonly #options: TaskOptions;
  readonly #order: readonly number[];
  #asked = 0;
  #right = 0;
  #rightNorm = 0;
  /** of the question under way */
  #requests: ScoreRequest[] | null = null;
  #scores: number[] = [];

  constructor(options: TaskOptions) {
    this.name = options.name;
    this.#options = options;
    const order = options.questions
      .map((_, i) => ({ i, chance: chanceOf(ORDER_SEED, i) }))
      .sort((a, b) => a.chance - b.chance || a.i - b.i)
      .map(({ i }) => i);
    this.#order = order.slice(0, options.maxDocs ?? order.length);
  }

  /** What is to be scored now; the same until `take` was called. Null: the pass is over. Errors: TokenizerError. */
  get request(): ScoreRequest | null {
    if (this.#asked === this.#order.length) return null;
    this.#requests ??= this.#requestsOf(this.#order[this.#asked]);
    return this.#requests[this.#scores.length];
  }

  /** The log-probability that `request` asked for. True: that was a question's last choice. */
  take(logProbability: number): boolean {
    this.#scores.push(logProbability);
    const { choices, answer } = this.#options.questions[this.#order[this.#asked]];
    if (this.#scores.length < choices.length) return false;
    if (largest(this.#scores) === answer) this.#right++;
    if (largest(this.#scores.map((score, i) => score / [...choices[i]].length)) === answer) this.#rightNorm++;
    this.#asked++;
    this.#scores = [];
    this.#requests = null;
    return true;
  }

  get result(): TaskResult {
    const asked = this.#asked;
    return { name: this.name, asked, total: this.#order.length, acc: this.#right / asked, accNorm: this.#rightNorm / asked };
  }

  /** All questions again, from the first. */
  restart(): void {
    this.#asked = this.#right = this.#rightNorm = 0;
    this.#scores = [];
    this.#requests = null;
  }

  #requestsOf(index: number): ScoreRequest[] {
    const { questions, fewshot, text, contextTokens } = this.#options;
    const { context, choices } = questions[index];
    const examples: string[] = [];
    // the file's first questions, but never the one that is asked
    for (let i = 0; i < questions.length && examples.length < fewshot; i++) {
      const { context: before, choices: others, answer } = questions[i];
      if (i !== index) examples.push(`${before} ${others[answer]}`);
    }
    const asked = [...examples, context].join("\n\n");
    const start = [...text.prefix, ...text.tokenizer.encode(asked)];
    return choices.map((choice) => {
      const whole = [...text.prefix, ...text.tokenizer.encode(`${asked} ${choice}`)];
      // a tokenizer may join the context's last characters with the choice's first
      let common = 0;
      while (common < start.length && common < whole.length - 1 && start[common] === whole[common]) common++;
      const dropped = Math.max(0, whole.length - contextTokens - 1);
      return { kind: "score", tokens: whole.slice(dropped), from: Math.max(1, common - dropped) };
    });
  }
}

/** Of equals the first. */
function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
