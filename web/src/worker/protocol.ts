/** What the page and its training Worker say to each other. Everything crosses by structured clone. */
import type { IceServer } from "@starling/network/libp2pBrowser";
import type { RunState } from "@starling/sdk/types";
import type { TelemetryEvent } from "@starling/trainer-core/telemetry/events";

/** Where a run is. */
export type TrainSource =
  /** multiaddr of the coordinator's WebSocket listener, with /p2p/ so that nobody else can answer for it */
  | { kind: "tcp"; address: string }
  | {
      kind: "chain";
      rpcUrls: string[];
      wsUrls: string[];
      /** base58; left out: where they are on local clusters */
      programs?: { coordinator: string; authorizer: string; treasurer: string };
      runId: string;
      /** base58: the wallet that earns, and that has opened the session */
      owner: string;
      /** base58: whose grant names the wallet as its delegate; left out: the wallet's own or everyone's */
      authorizer?: string;
    };

/** What the person allows, kept with the identity. */
export interface TrainLimits {
  /** share of the time in which the adapter works for the run, 10 to 100 */
  dutyPercent: number;
  pauseWhenHidden: boolean;
  onlyWhenPluggedIn: boolean;
}

export const DEFAULT_LIMITS: TrainLimits = { dutyPercent: 100, pauseWhenHidden: false, onlyWhenPluggedIn: false };

/** What the page sees and a Worker cannot. */
export interface Conditions {
  /** the person said so */
  paused: boolean;
  hidden: boolean;
  /** null: this browser does not say */
  pluggedIn: boolean | null;
}

export interface JoinRequest {
  type: "join";
  source: TrainSource;
  /** the identity's name in the page's store (`identityKey`); null: one by chance that is kept nowhere */
  identity: string | null;
  /** URLs of the token or text files, in the order in which the other clients number them; empty: as the run says */
  dataUrls: string[];
  iceServers: IceServer[];
  limits: TrainLimits;
  conditions: Conditions;
  /** sequences in one pass; fewer are taken where a dispatch would hold the adapter too long */
  microBatchSequences: number;
  hashEveryRound: boolean;
}

export type ToWorker =
  /** first of all, once, with the port in the transfer list: the page's WebRTC */
  | { type: "rtc"; port: MessagePort }
  | JoinRequest
  | { type: "limits"; limits: TrainLimits }
  | { type: "conditions"; conditions: Conditions }
  | { type: "leave" };

export type PauseReason = "asked" | "hidden" | "battery";

/** Where this tab stands; the page has a sentence for each. */
export type TabState =
  | { kind: "reaching" }
  /** the engine is compiled and checked */
  | { kind: "preparing" }
  /** asked to take part; trains as soon as an epoch begins in which it has a slot */
  | { kind: "joined" }
  | { kind: "paused"; why: PauseReason }
  | { kind: "leaving" }
  /** nothing more comes */
  | { kind: "left" }
  | { kind: "finished" }
  | { kind: "failed"; code: FailureCode; text: string };

export type FailureCode =
  /** another tab of this browser trains with the same identity */
  | "identity-in-use"
  | "no-identity"
  | "adapter"
  | "too-large"
  | "coordinator"
  | "data"
  | "unsupported"
  /** the page begins again by itself */
  | "config-changed"
  | "refused"
  | "internal";

/** What the coordinator's state means for this tab; at most twice a second. */
export interface TabFacts {
  runState: RunState;
  /** Unix ms by this browser's clock; null: without an end */
  phaseEndsMs: number | null;
  epoch: number;
  step: number;
  /** from 1; of `rounds`, 0 = the epoch ends by time */
  round: number;
  rounds: number;
  members: number;
  live: number;
  /** this tab's slot of the running epoch; null: it waits for the next one */
  slot: { index: number; state: string; roundsTrained: number; missedRounds: number; isWitness: boolean } | null;
  /** waits for the next epoch, or has a slot */
  isMember: boolean;
  /** points of this sitting, of all its epochs */
  earned: bigint;
  slashed: bigint;
  /** other members there is a connection to */
  connected: number;
  receivedBytes: number;
  sentBytes: number;
  /** the longest submit since the last of these messages, ms; null while there is no engine */
  longestSubmitMs: number | null;
}

export interface EngineFacts {
  adapter: string;
  profile: string;
  precision: string;
  compileMs: number;
  parameters: number;
  microBatchSequences: number;
  longestDispatch: { label: string; ms: number };
}

export type FromWorker =
  | { type: "state"; state: TabState }
  | ({ type: "engine" } & EngineFacts)
  /** what this tab is in the run: keys as hexadecimal */
  | { type: "member"; runId: string; peerId: string; session: string; owner: string }
  | { type: "facts"; facts: TabFacts }
  | { type: "round"; event: TelemetryEvent; atMs: number }
  /** the coordinator or the cluster went away or came back; null: all is well */
  | { type: "connection"; text: string | null }
  /** something a person may want to know, once */
  | { type: "notice"; text: string };
