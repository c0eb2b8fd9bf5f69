/**
 * What the round client needs from the world. Hosts wire these in their compose.ts; the simulator wires twins.
 * The coordinator's port is `CoordinatorPort` of @starling/sdk, the network's is `PeerNetwork` of @starling/network.
 */

export interface BeginRound {
  /** wire-encoded results to apply, in batch order; empty when the round applies nothing */
  results: readonly Uint8Array[];
  /** lr the results are applied with; null applies nothing (not even the fact that there were none) */
  applyLearningRate: number | null;
  /** decay of the master copy; null in drain rounds and where there is none */
  decayLearningRate: number | null;
  /** `overlapped`: decay comes after the copy to the compute weights; `sync`: decay, then apply, then the copy */
  pipeline: "overlapped" | "sync";
  /** lr(step - 1) of the look-ahead; null where the pipeline or the round has none */
  lookaheadLearningRate: number | null;
}

export interface TrainBatch {
  /** each exactly max_seq_len tokens */
  sequences: readonly Int32Array[];
  learningRate: number;
}

export interface Trained {
  /** mean loss over the batch's finite micro-batches, nats a token; null when none was finite */
  loss: number | null;
  /** wire-encoded DisTrO result */
  payload: Uint8Array;
  /** (32) Merkle root over the tiles of the residual after this round */
  residualRoot: Uint8Array;
  trainMs: number;
  tokens: number;
}

/** The engine: parameters, gradients, residual. Calls are made one at a time, in order. */
export interface Engine {
  /** residual := 0; what was sent is forgotten. Parameters stay. */
  startEpoch(): Promise<void>;
  beginRound(round: BeginRound): Promise<void>;
  train(batch: TrainBatch): Promise<Trained>;
  /** Pure check of a peer's payload against the model's tensors; throws a typed error. Every client decides alike. */
  checkPayload(payload: Uint8Array): void;
  /** (32) Merkle root over the master parameters, DESIGN.md section 4 */
  parameterHash(): Promise<Uint8Array>;
  /** mean loss in nats a token, over the master parameters */
  evaluate(sequences: readonly Int32Array[]): Promise<number>;
  /** master parameters by ascending name */
  exportParameters(): Promise<Map<string, Float32Array>>;
  importParameters(parameters: ReadonlyMap<string, Float32Array>): Promise<void>;
}

export interface Clock {
  nowMs(): number;
  /** returns a function that cancels */
  after(ms: number, run: () => void): () => void;
}
