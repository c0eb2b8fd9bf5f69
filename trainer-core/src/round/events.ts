/** What happens to a round client. `atMs`: local clock, never falling. */
import type { BlobAddress } from "@starling/network/blobAddress";
import type { Announce, RecordOfRound, WitnessList } from "../protocol/messages.ts";
import type { AttemptId, EngineJob } from "./effects.ts";
import type { CoordinatorView, ModelBlobs, Shown } from "./states.ts";

export type RoundEvent = { atMs: number } & (
  | { type: "start" }
  | { type: "tick" }
  | { type: "snapshot"; view: CoordinatorView }
  /** signature verified; `requested`: an answer to our own request, null = gossip */
  | { type: "announce"; announce: Announce; requested: AttemptId | null }
  /** `root`: recomputed from its entries, hex */
  | { type: "list"; list: WitnessList; root: string; requested: AttemptId | null }
  | { type: "blobHeld"; attempt: AttemptId; step: number; candidate: string }
  /** the payload is not what was committed to, or not a result of this model */
  | { type: "blobBad"; attempt: AttemptId; step: number; candidate: string; reason: string }
  /** `peer`: who says so, hex; `digest`: of all that it says, hex */
  | { type: "record"; attempt: AttemptId; peer: string; digest: string; record: RecordOfRound }
  /** every tensor was checked against the leaves, and these against the hash */
  | { type: "modelHeld"; attempt: AttemptId; hash: string; blobs: ModelBlobs }
  /** the leaves of the model with this hash, which they were checked against */
  | { type: "leavesHeld"; attempt: AttemptId; hash: string; leaves: BlobAddress }
  | { type: "callDone"; attempt: AttemptId }
  /** `expected`: the coordinator had moved on, or a peer does not have it yet; nothing to tell anybody */
  | { type: "attemptFailed"; attempt: AttemptId; action: string; message: string; expected: boolean }
  /** `blobs` null: the engine holds a part, which nobody else can use */
  | { type: "loaded"; hash: string; blobs: ModelBlobs | null }
  | { type: "epochStarted"; epochId: string }
  | { type: "imported"; hash: string }
  | { type: "compared"; hash: string; matches: boolean }
  /** no checkpoint of the host holds them; the engine was left alone */
  | { type: "notStored" }
  | { type: "began"; step: number }
  | { type: "trained"; step: number; announce: Announce; loss: number | null; tokens: number; trainMs: number }
  | { type: "hashed"; step: number | null; hash: Uint8Array }
  | { type: "exported"; hash: string; epoch: number; step: number; blobs: ModelBlobs; checkpoint: boolean }
  | { type: "jobFailed"; job: EngineJob; message: string }
  /** the host replaced the engine: what its parameters are now is not known, and its residual is gone */
  | { type: "engineReset"; reason: string }
  /** something to show beside the next report; what is left out stays */
  | { type: "show"; shown: Partial<Shown> }
  /** `drain`: finish the round under way first */
  | { type: "stop"; drain: boolean }
);
