/** What the trainers of `bench peers` have in common: the model, its data, one step, and what is said to the thread that runs it. */
import type { LlamaConfig } from "@starling/config/llamaConfig";

/** AdamW's settings, equal for all; without weight decay it is Adam, which is all that tfjs offers. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 } as const;

export interface PeerSize {
  name: string;
  why: string;
  config: LlamaConfig;
  sequences: number;
  sequenceTokens: number;
}

interface Widths {
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
  keyHeads: number;
}

/** Tied embeddings: tabgpt has no others, and then has exactly as many parameters. */
function size(
  name: string,
  why: string,
  sequences: number,
  sequenceTokens: number,
  { hidden, intermediate, layers, heads, keyHeads }: Widths,
): PeerSize {
  const config: LlamaConfig = {
    vocabSize: 256,
    hiddenSize: hidden,
    intermediateSize: intermediate,
    numLayers: layers,
    numHeads: heads,
    numKvHeads: keyHeads,
    headDim: hidden / heads,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: sequenceTokens,
    bosTokenId: null,
    eosTokenId: null,
  };
  return { name, why, config, sequences, sequenceTokens };
}

/** 12 C^2 values a layer, as in GPT, where intermediate = 3 C and half as many heads of keys as of queries. */
export const PEER_SIZES: readonly PeerSize[] = [
  size("nano", "nano-shakespeare's widths and the batch of its run, the model the demo trains", 12, 64, {
    hidden: 64,
    intermediate: 192,
    layers: 2,
    heads: 4,
    keyHeads: 2,
  }),
  size("small", "twice as wide, deep and long: products weigh more, launches less", 4, 128, {
    hidden: 128,
    intermediate: 384,
    layers: 4,
    heads: 4,
    keyHeads: 2,
  }),
];

/** Multiply-adds of forward and backward, times two: 6 a weight and token, 12 layers T C of attention unmasked. */
export function stepFlops({ config, sequences, sequenceTokens }: PeerSize): number {
  const { hiddenSize, intermediateSize, numLayers, numHeads, numKvHeads, headDim, vocabSize } = config;
  const layer = hiddenSize * headDim * (2 * numHeads + 2 * numKvHeads) + 3 * hiddenSize * intermediateSize;
  const tokens = sequences * sequenceTokens;
  return tokens * (6 * (numLayers * layer + vocabSize * hiddenSize) + 12 * numLayers * sequenceTokens * numHeads * headDim);
}

/** Tokens (sequences, tokens) of step `n`: mostly one rule, so that the loss falls, some noise; the same for all. */
export function batchTokens({ config, sequences, sequenceTokens }: PeerSize, n: number): Int32Array<ArrayBuffer> {
  let state = (n + 1) * 2654435761;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const tokens = new Int32Array(sequences * sequenceTokens);
  for (let i = 0; i < tokens.length; i++) {
    const fresh = i % sequenceTokens === 0 || random(10) === 0;
    tokens[i] = fresh ? random(config.vocabSize) : (tokens[i - 1] * 5 + 3) % config.vocabSize;
  }
  return tokens;
}

/** One trainer, ready. */
export interface Contestant {
  parameters: number;
  /** Forward, backward and update on `tokens` (sequences, tokens); the mean loss before the update, nats a target. */
  step(tokens: Int32Array<ArrayBuffer>): Promise<number>;
  /** Waits for everything that was queued. */
  settle(): Promise<void>;
}

export const CONTESTANTS = ["starling", "starling-clipped", "jax-js", "tfjs", "tabgpt"] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

export type ToContestant = { type: "create"; name: ContestantName; size: PeerSize } | { type: "run"; first: number; steps: number };

export type FromContestant =
  | { type: "created"; parameters: number; createMs: number; adapter: string }
  | { type: "ran"; ms: number; losses: number[] }
  | { type: "failed"; message: string };

/** Answers the messages of one contestant's thread. */
export function contestantThread(make: (name: ContestantName, size: PeerSize) => Promise<Contestant>, gpu: GPU) {
  let contestant: Contestant;
  let size: PeerSize;
  const answer = async (request: ToContestant): Promise<FromContestant> => {
    if (request.type === "create") {
      const startedMs = performance.now();
      size = request.size;
      contestant = await make(request.name, size);
      const info = (await gpu.requestAdapter())?.info;
      const adapter = info?.description || info?.architecture || info?.vendor || "unnamed";
      return { type: "created", parameters: contestant.parameters, createMs: performance.now() - startedMs, adapter };
    }
    const batches = Array.from({ length: request.steps }, (_, n) => batchTokens(size, request.first + n));
    const losses: number[] = [];
    const startedMs = performance.now();
    for (const tokens of batches) losses.push(await contestant.step(tokens));
    await contestant.settle();
    return { type: "ran", ms: performance.now() - startedMs, losses };
  };
  return (request: ToContestant): Promise<FromContestant> =>
    answer(request).catch((error: unknown) => {
      return { type: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) } as const;
    });
}
