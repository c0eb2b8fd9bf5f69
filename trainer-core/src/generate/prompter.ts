/** Lets a model in training continue a prompt now and then, in its engine's idle time, so that people see what it has learned. */
import type { IdleWork } from "../round/ports.ts";
import { chanceOf } from "./sampler.ts";
import { TextStream, type TextModel } from "./textModel.ts";

export const BUILTIN_PROMPTS: readonly string[] = [
  "The sea was calm, and",
  "Once there was a machine that",
  "My lord, I have come to",
  "In the beginning of winter",
  "She opened the letter and",
  "What we know of the stars is",
  "The recipe is simple: take",
  "Two travellers met at the",
];

export interface Sample {
  /** the coordinator's step in which it was completed */
  step: number;
  prompt: string;
  /** without the prompt */
  text: string;
}

export interface PrompterOptions {
  prompts: readonly string[];
  text: TextModel;
  /** longest text of the model */
  contextTokens: number;
  /** from one sample to the next */
  everyRounds: number;
  /** UTF-8 bytes of prompt and continuation together, about */
  maxBytes: number;
  onSample(sample: Sample): void;
  /** in [0, 1); default Math.random */
  random?: () => number;
}

const TEMPERATURE = 0.6;
const TOP_P = 0.95;
/** Until the engine's kernels are there. */
const PREPARING_MS = 200;
/** Bytes that no tokenizer packs into fewer tokens: an end for a model that writes nothing. */
const MOST_TOKENS = 256;

interface Writing {
  prompt: string;
  tokens: number[];
  /** the prompt's tokens */
  given: number;
  stream: TextStream;
  text: string;
  seed: number;
}

export function prompter(options: PrompterOptions): IdleWork {
  const { prompts, text: model, contextTokens, everyRounds, maxBytes, onSample, random = Math.random } = options;
  let writing: Writing | null = null;
  let nextStep = 0;

  const begin = (): Writing => {
    const prompt = prompts[Math.floor(random() * prompts.length)];
    // of a prompt that fills the context its end is taken, so that there is room to write
    const encoded = model.tokenizer.encode(prompt).slice(-Math.max(1, Math.floor(contextTokens / 2)));
    const tokens = [...model.prefix, ...encoded];
    const seed = Math.floor(random() * 2 ** 32);
    return { prompt, tokens, given: tokens.length, stream: new TextStream(model.tokenizer, tokens), text: "", seed };
  };
  const end = (w: Writing, step: number): null => {
    writing = null;
    nextStep = step + everyRounds;
    // a display may obey what a model that has not learned yet writes
    onSample({ step, prompt: w.prompt, text: (w.text + w.stream.end()).replaceAll(/(?![\n\t])\p{Cc}/gu, "\uFFFD") });
    return null;
  };

  return {
    async piece(infer, step) {
      // a run that went back counts its steps again
      if (writing === null && step < nextStep && nextStep - step <= everyRounds) return null;
      const w = (writing ??= begin());
      const written = w.tokens.length - w.given;
      const answer = await infer({
        ...{ kind: "next", tokens: w.tokens, temperature: TEMPERATURE, topP: TOP_P },
        chance: chanceOf(w.seed, written),
        vocabulary: model.vocabulary,
      });
      switch (answer.kind) {
        case "preparing":
          return PREPARING_MS;
        case "more":
          return 0;
        case "next": {
          if (model.stopTokens.includes(answer.token)) return end(w, step);
          w.tokens = [...w.tokens, answer.token];
          w.text += w.stream.push(answer.token);
          const isFull = w.tokens.length > contextTokens || written + 1 >= MOST_TOKENS;
          return isFull || new TextEncoder().encode(w.prompt + w.text).length >= maxBytes ? end(w, step) : 0;
        }
        case "score":
          throw new Error("asked for a token, the engine answered with a score");
        default:
          return answer satisfies never;
      }
    },
  };
}

/** The first of them that has something to do, does it. */
export function idleWorks(works: readonly IdleWork[]): IdleWork {
  return {
    async piece(infer, step) {
      for (const work of works) {
        const waitMs = await work.piece(infer, step);
        if (waitMs !== null) return waitMs;
      }
      return null;
    },
  };
}
