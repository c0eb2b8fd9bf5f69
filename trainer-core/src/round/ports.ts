/**
 * What the round client needs from the world. Hosts wire these in their compose.ts; the simulator wires twins.
 * The coordinator's port is `CoordinatorPort` of @starling/sdk, the network's is `PeerNetwork` of @starling/network.
 */

import type { Clock } from "@starling/sdk/clock";
import type { BlobGetOptions } from "@starling/network/blobs";
import type { BlobAddress } from "@starling/network/blobAddress";
import type { Signer } from "@starling/network/keys";
import type { PeerNetwork } from "@starling/network/port";
import type { CoordinatorPort } from "@starling/sdk/types";
import type { ModelTensor } from "../checkpoint/modelTensors.ts";
import type { VerifySignature } from "../protocol/commitment.ts";

/** The simulator injects its own. */
export type { Clock };

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

/** One short piece of inference beside the training, over the master parameters. The text is not longer than the run's sequences. */
export type InferenceRequest =
  /** the token that follows a text: `chance` in [0, 1) draws it; of the tokens below `vocabulary` */
  | { kind: "next"; tokens: readonly number[]; temperature: number; topP: number; chance: number; vocabulary: number }
  /** how likely `tokens[from]` and those after it are, given those before; `from` is at least 1 */
  | { kind: "score"; tokens: readonly number[]; from: number };

export type InferenceAnswer =
  /** kernels are being compiled beside the engine's other work: ask again later */
  | { kind: "preparing" }
  /** a piece is done; the same request goes on, or begins again where parameters have changed since */
  | { kind: "more" }
  | { kind: "next"; token: number }
  /** log of the probability of all of them together, nats */
  | { kind: "score"; logProbability: number };

/** The engine: parameters, gradients, residual. Calls are made one at a time, in order. */
export interface Engine {
  /** residual := 0; what was sent is forgotten. Parameters stay. */
  startEpoch(): Promise<void>;
  beginRound(round: BeginRound): Promise<void>;
  train(batch: TrainBatch): Promise<Trained>;
  /** Pure check of a peer's payload against the model's tensors; throws a typed error. Every client decides alike. */
  checkPayload(payload: Uint8Array): void;
  /**
   * It holds a part of the model alone (a sliced MatFormer client): then `parameterHash` is known only until a round is applied to
   * imported parameters, and rejects after that; there are no `parameterLeaves`; and what it exports is that part.
   */
  readonly holdsPart?: boolean;
  /** Whether the part held here is that of the model with these leaves, (tiles, 32). An engine that `holdsPart` has this. */
  matchesLeaves?(leaves: Uint8Array): Promise<boolean>;
  /** (32) Merkle root over the master parameters, DESIGN.md section 4 */
  parameterHash(): Promise<Uint8Array>;
  /** (tiles, 32) leaves under that root: tensors by ascending name, tiles row-major */
  parameterLeaves(): Promise<Uint8Array>;
  /** mean loss in nats a token, over the master parameters */
  evaluate(sequences: readonly Int32Array[]): Promise<number>;
  /** master parameters by ascending name */
  exportParameters(): Promise<Map<string, Float32Array>>;
  /** The whole model's; `partOf` (32): an engine that `holdsPart` is given its part alone, of the model with this hash. */
  importParameters(parameters: ReadonlyMap<string, Float32Array>, partOf?: Uint8Array): Promise<void>;
  /** Puts the run's own initial parameters, those of its first epoch, into the engine. Absent: they can only come from peers. */
  importStart?(): Promise<void>;
  /** Takes as long as a token, or a piece of a prompt, and changes nothing that trains. Absent: this engine only trains. */
  infer?(request: InferenceRequest): Promise<InferenceAnswer>;
}

/** What an engine does while the round waits for others. */
export interface IdleWork {
  /**
   * One short piece of work; work of the round waits for it. `step`: the coordinator's. Resolves to the ms after which the next
   * piece may begin, null: nothing to do before the next round.
   */
  piece(infer: NonNullable<Engine["infer"]>, step: number): Promise<number | null>;
}

/**
 * Where a host keeps the verified tensors of a model that is still being received, so that its own restart loses none of
 * them. Calls may overlap. What comes out is verified again; what rejects is told once and counts as absent.
 */
export interface ModelCache {
  /** The bytes saved for tensor `index` (by ascending name; after the last: the model's leaves) of the model with this hash (hex), or null. */
  load(parameterHash: string, index: number): Promise<Uint8Array | null>;
  /** `bytes` are read-only, and stay so. */
  save(parameterHash: string, index: number, bytes: Uint8Array): Promise<void>;
  /** Forgets every model but this one; null: all of them. Called when a model is complete or another one is wanted. */
  clear(exceptParameterHash: string | null): Promise<void>;
}

export interface EpochCheckpoint {
  epoch: number;
  /** last step whose results the parameters hold */
  step: number;
  parameterHash: Uint8Array; // (32)
  parameters: ReadonlyMap<string, Float32Array>;
}

/** Where the host keeps the checkpoint of each agreed epoch. */
export interface CheckpointSink {
  /** Resolves to a location that people can find. */
  save(checkpoint: EpochCheckpoint): Promise<string>;
  /** The parameters with this hash (hex) by tensor name, or null where none are kept. The engine hashes what comes out. */
  parametersOf?(parameterHash: string): Promise<ReadonlyMap<string, Float32Array> | null>;
}

/** The hash chain this member committed to when it joined (`Identity` of @starling/sdk). */
export interface RevealSource {
  /** (32) what to reveal when the coordinator holds `head`; null when `head` is not of our chain. */
  preimageOf(head: Uint8Array): Uint8Array | null;
}

/** The training data of the closed range [start, end] (`DataProvider`). */
export interface SequenceSource {
  getSequences(start: bigint, end: bigint, signal?: AbortSignal): Promise<Int32Array[]>;
}

/** What the client needs of `BlobService` of @starling/network. */
export interface BlobPort {
  put(bytes: Uint8Array): Promise<BlobAddress>;
  peek(address: BlobAddress): Uint8Array | undefined;
  remove(address: BlobAddress): void;
  get(address: BlobAddress, providers: readonly Uint8Array[], options?: BlobGetOptions): Promise<Uint8Array>;
}

/** Everything a round client reaches. */
export interface RoundPorts {
  coordinator: CoordinatorPort;
  network: PeerNetwork;
  blobs: BlobPort;
  engine: Engine;
  data: SequenceSource;
  /** the model's tensors by ascending name */
  tensors: readonly ModelTensor[];
  /** the peer id key */
  signer: Signer;
  reveals: RevealSource;
  clock: Clock;
  /** null: agreed epochs are served to peers but stored nowhere */
  checkpoints: CheckpointSink | null;
  /** absent or null: a restart in the middle of a model's transfer begins it again */
  modelCache?: ModelCache | null;
  /** absent: the engine rests */
  idle?: IdleWork;
  /** strict ed25519; default `verifySignature` of @starling/network */
  verify?: VerifySignature;
}
