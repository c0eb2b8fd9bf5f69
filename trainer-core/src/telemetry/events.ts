/** What a client tells of itself while it trains: typed facts for logs, displays and tests. Nothing here steers anything. */
import type { RunState } from "@starling/sdk/types";

export type TelemetryEvent =
  /** The coordinator moved on. */
  | { type: "phase"; runState: RunState; epoch: number; step: number; members: number; live: number }
  /** This client took part in the epoch's start: parameters agreed, residual zero. */
  | { type: "epochReady"; epoch: number; parameterHash: string }
  /** Round `step` begins here; `appliedStep` is the round whose results it applied, null when none. */
  | { type: "roundBegan"; step: number; appliedStep: number | null; batches: number[]; learningRate: number }
  | { type: "parameterHash"; step: number; parameterHash: string }
  | { type: "trained"; step: number; loss: number | null; tokens: number; trainMs: number; payloadBytes: number }
  | { type: "announced"; step: number; batch: number; commitment: string }
  /** This witness reported `batches` of `assigned` results; `parameterHash` in the last round of an epoch. */
  | { type: "witnessSent"; step: number; batches: number; assigned: number; listRoot: string; parameterHash: string | null }
  | { type: "downloadsSent"; step: number; listsHeld: number }
  /** The coordinator's round is under way, but what it must apply first is not here yet. */
  | { type: "behind"; step: number; missing: string }
  /** Rounds that are over are begun one after the other, to be level with the others. */
  | { type: "replay"; fromStep: number; toStep: number }
  | { type: "caughtUp"; step: number }
  /** A peer's answer arrived whole; `bytes`: what it holds, without framing. */
  | { type: "download"; what: "result" | "list" | "record" | "announce"; step: number; bytes: number; ms: number }
  /** This client does not train before the next epoch, and why. */
  | { type: "stranded"; epoch: number; reason: string }
  /** The parameters here are not the agreed ones; they are replaced. */
  | { type: "resync"; epoch: number; have: string; want: string }
  /** A model on its way, at most once a second; `providers`: peers that offer it and were not found wrong. */
  | { type: "modelProgress"; verifiedBytes: number; sizeBytes: number; providers: number }
  | { type: "modelReceived"; parameterHash: string; sizeBytes: number }
  /** The epoch's parameters are agreed, are those of this client, and are served to others. */
  | { type: "epochModel"; epoch: number; step: number; parameterHash: string }
  | { type: "checkpoint"; epoch: number; step: number; parameterHash: string; location: string }
  /** The epoch ended with parameters that are not agreed, or not ours. */
  | { type: "epochLost"; epoch: number; reason: string }
  /** Nobody held the parameters agreed at the end of `lostEpoch`; the run goes on from those of `toEpoch`, null: from its own start. */
  | { type: "wentBack"; lostEpoch: number; toEpoch: number | null }
  /** One trainer signed two results for one batch. */
  | { type: "equivocation"; step: number; batch: number; clientIndex: number }
  | { type: "rejected"; what: string; reason: string }
  | { type: "left" }
  /** Something failed; the client goes on. `action` names what it was doing. */
  | { type: "error"; action: string; message: string };

export type TelemetryListener = (event: TelemetryEvent, atMs: number) => void;
