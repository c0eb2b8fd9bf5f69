/** What the page and its training Worker say to each other. */
import type { TelemetryEvent } from "@starling/trainer-core/telemetry/events";

export interface JoinRequest {
  type: "join";
  /** multiaddr of the coordinator's WebSocket listener, with /p2p/ so that nobody else can answer for it */
  coordinator: string;
  /** URLs of the token or text files, in the order in which the other clients number them */
  dataUrls: string[];
  microBatchSequences: number;
  hashEveryRound: boolean;
}

export type ToWorker = JoinRequest | { type: "leave" };

export type FromWorker =
  | { type: "engine"; adapter: string; profile: string }
  | { type: "joined"; peerId: string; runId: string }
  | { type: "round"; event: TelemetryEvent }
  | { type: "left" }
  /** nothing more comes after it */
  | { type: "failed"; message: string };
