/** What a transition asks for. `runner.ts` does it through the ports and answers with events. */
import type { BlobAddress } from "@starling/network/blobAddress";
import type { PeerAddress } from "@starling/sdk/types";
import type { Announce, CommitmentFields, Gossip } from "../protocol/messages.ts";
import type { TelemetryEvent } from "../telemetry/events.ts";
import type { BeginRound } from "./ports.ts";
import type { ModelBlobs } from "./states.ts";

/** One at a time, in order: they change, or read, the parameters. */
export type EngineJob =
  /** hash and put up the parameters the host loaded */
  | { kind: "load" }
  | { kind: "startEpoch"; epochId: string }
  | { kind: "import"; blobs: ModelBlobs; hash: string }
  /** the run's own initial parameters */
  | { kind: "importStart"; hash: string }
  /** from the host's own checkpoints, if one holds them */
  | { kind: "importStored"; hash: string }
  | {
      kind: "begin";
      step: number;
      appliedStep: number | null;
      batches: number[];
      results: BlobAddress[];
      round: Omit<BeginRound, "results">;
    }
  | {
      kind: "train";
      step: number;
      learningRate: number;
      fields: Omit<CommitmentFields, "residualRoot" | "payloadBytes">;
    }
  /** is the part of the model that the engine holds that of the model with this hash, whose leaves these are? */
  | { kind: "compare"; hash: string; leaves: BlobAddress }
  /** `step`: the round to note the hash at; null outside rounds */
  | { kind: "hash"; step: number | null }
  /** put the parameters up for others and, at the end of an epoch, hand them to the host as a checkpoint */
  | { kind: "export"; hash: string; epoch: number; step: number; checkpoint: boolean };

export type CoordinatorCall =
  | { name: "warmupWitness" }
  | {
      name: "witness";
      step: number;
      bitmap: Uint8Array;
      listRoot: Uint8Array;
      parameterHash: Uint8Array;
      bloom: Uint8Array;
      metadata: Uint8Array;
      /** the head the coordinator holds for our slot: the message reveals what comes before it */
      chainHead: Uint8Array;
    }
  | { name: "downloaded"; step: number; listsHeld: number }
  | { name: "healthCheck"; clients: number[] }
  | { name: "reportEquivocation"; client: number };

/** Names an attempt: a key within a round (by its step), or within the client (null). */
export interface AttemptId {
  step: number | null;
  key: string;
}

export type Effect =
  | { type: "setMembers"; members: readonly PeerAddress[] }
  | { type: "publish"; message: Gossip }
  | { type: "call"; attempt: AttemptId; call: CoordinatorCall }
  | { type: "fetchBlob"; attempt: AttemptId; step: number; candidate: string; announce: Announce; providers: Uint8Array[] }
  | { type: "fetchAnnounce"; attempt: AttemptId; step: number; batch: number; commitment: Uint8Array | null; peer: Uint8Array }
  | { type: "fetchList"; attempt: AttemptId; step: number; root: Uint8Array; peer: Uint8Array }
  | { type: "fetchRecord"; attempt: AttemptId; epoch: number; step: number; peer: Uint8Array }
  | { type: "fetchModel"; attempt: AttemptId; hash: string; peers: Uint8Array[] }
  | { type: "fetchLeaves"; attempt: AttemptId; hash: string; peers: Uint8Array[] }
  /** a model under way is of no use any more */
  | { type: "abandonModel" }
  | { type: "engine"; job: EngineJob }
  | { type: "forget"; addresses: BlobAddress[] }
  | { type: "leave" }
  | { type: "tell"; event: TelemetryEvent };
