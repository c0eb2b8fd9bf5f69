/** What the page and the Worker that follows runs say to each other. Plain structured-clone objects; times are this machine's `Date.now()`. */
import type { ClientState, RunState } from "@starling/sdk/types";

/** A cluster as the Worker needs it; `RuntimeConfig.clusters` has these and more. */
export interface WatchedCluster {
  name: string;
  rpcUrls: readonly string[];
  wsUrls: readonly string[];
  programs?: { coordinator: string; authorizer: string; treasurer: string };
  /** nobody is bothered by many requests to it */
  isTest: boolean;
}

export interface WatchedCoordinator {
  label: string;
  /** multiaddr of a WebSocket listener, with /p2p/ */
  address: string;
  runId: string;
}

/** Source: a cluster's name, or `tcp-0`, `tcp-1`... */
export interface RunKey {
  source: string;
  runId: string;
}

export type ToWatcher =
  /** first, once */
  | { type: "start"; clusters: readonly WatchedCluster[]; coordinators: readonly WatchedCoordinator[] }
  | { type: "list" }
  | { type: "unlist" }
  | { type: "follow"; key: RunKey }
  | { type: "unfollow"; key: RunKey }
  /** one page more of the history's past */
  | { type: "older"; key: RunKey }
  /** the page was out of sight, or the machine asleep: connections may be dead without knowing it */
  | { type: "wake" };

export type FromWatcher =
  | { type: "runs"; source: string; runs: RunSummary[]; connection: Connection }
  /** `isSameConfig`: the configuration is that of the message before, and left out */
  | { type: "run"; key: RunKey; view: RunView | null; isSameConfig: boolean; connection: Connection }
  /** points that are new or changed since the message before; `isWhole`: what came before is void, the first message after `follow` */
  | { type: "history"; key: RunKey; isWhole: boolean; points: HistoryPoint[]; info: HistoryInfo; transactions: RunTransaction[] };

export type Connection =
  /** `isFailing`: the first contact does not come about; it is tried without end */
  | { kind: "connecting"; isFailing: boolean; text: string }
  /** `text`: what is not as it should be and is made up for (another RPC, polling), or null */
  | { kind: "live"; text: string | null }
  /** what is shown was true at `sinceMs`; it is tried again without end */
  | { kind: "stale"; sinceMs: number; text: string }
  /** there is no such run; it is looked for again */
  | { kind: "missing"; text: string }
  /** trying again does not help */
  | { kind: "refused"; text: string };

/** One run in the list. */
export interface RunSummary {
  key: RunKey;
  /** display name, else the run id */
  name: string;
  description: string;
  runState: RunState;
  pendingPause: boolean;
  epoch: number;
  step: number;
  totalSteps: number;
  /** clients in the running epoch, and those who wait for the next */
  live: number;
  waiting: number;
  initMinClients: number;
  /** when its phase ends at the latest; null where no clock ends it */
  phaseEndsMs: number | null;
  /** Unix ms; null where nobody says */
  createdMs: number | null;
  /** newest reported; null before the first report that was seen */
  loss: number | null;
  tokensPerSecond: number | null;
  /** points an epoch pays; 0: none */
  earningRate: bigint;
}

export type ClientRole = "trainer" | "witness" | "verifier";
export type ClientHealth = "healthy" | "late" | "waiting" | "dropped" | "left" | "ejected";

export interface ClientView {
  /** base58 */
  owner: string;
  session: string;
  /** hexadecimal */
  peerId: string;
  /** slot of the running epoch; null: waits for the next */
  slot: number | null;
  state: ClientState | "Waiting";
  health: ClientHealth;
  /** in the present round */
  roles: ClientRole[];
  /** of this epoch */
  roundsTrained: number;
  /** in a row */
  missedRounds: number;
  /** when the agreed state last showed a sign of it; null: not yet */
  lastSeenMs: number | null;
  /** points of this epoch */
  earned: bigint;
  slashed: bigint;
  /** points of all settled epochs; null without a chain */
  lifetimeEarned: bigint | null;
  /** connected to the coordinator, or with addresses on chain */
  isReachable: boolean | null;
}

export interface RoundView {
  step: number;
  batchSize: number;
  isDrain: boolean;
  trainers: number;
  witnessesElected: number;
  witnessesReported: number;
  witnessesDownloaded: number;
  quorum: number;
}

export interface RunView {
  key: RunKey;
  name: string;
  description: string;
  /** false: created, and no configuration yet */
  isConfigured: boolean;
  runState: RunState;
  pendingPause: boolean;
  phaseStartedMs: number | null;
  /** at the latest; null where no clock ends the phase */
  phaseEndsMs: number | null;
  /** of the running epoch */
  epochStartedMs: number | null;
  /** null: not by time alone */
  epochEndsMs: number | null;
  epoch: number;
  step: number;
  totalSteps: number;
  /** from 1; 0 outside of rounds */
  roundOfEpoch: number;
  /** null: the epoch ends by time */
  roundsOfEpoch: number | null;
  tokensPerRound: number;
  tokensTrained: bigint;
  learningRate: number | null;
  clients: ClientView[];
  minClients: number;
  initMinClients: number;
  readyInWarmup: number;
  round: RoundView | null;
  checkpoint: { location: string; parameterHash: string; epoch: number } | null;
  /** agreed at the end of `parameterHashEpoch`; null before the first */
  parameterHash: string | null;
  parameterHashEpoch: number | null;
  earningRate: bigint;
  slashingRate: bigint;
  config: ConfigView | null;
  chain: ChainView | null;
  nonce: bigint;
  /** as they were seen to begin, oldest first; those too short for a message of their own too */
  phases: PhaseChange[];
}

export interface PhaseChange {
  runState: RunState;
  epoch: number;
  step: number;
  atMs: number;
}

/** The configuration in words. */
export interface ConfigView {
  toml: string;
  /** null, or why the text cannot be read */
  problem: string | null;
  model: string | null;
  groups: ConfigGroup[];
}

export interface ConfigGroup {
  title: string;
  doc: string;
  rows: { key: string; label: string; value: string; unit: string | null; doc: string }[];
}

export type Access =
  | { kind: "anyone" }
  /** those to whom the authority gave a grant */
  | { kind: "granted"; authority: string }
  | { kind: "unknown" };

export interface ChainView {
  address: string;
  mainAuthority: string;
  joinAuthority: string;
  access: Access;
  minBondLamports: bigint;
  createdMs: number;
  clientVersion: string;
  numParameters: bigint;
  /** of future epochs; null: nobody ever funded the run, its points are only counted */
  fundedPoints: bigint | null;
  /** null: points are not paid in tokens */
  treasury: { address: string; mint: string; /** null: the mint cannot be read */ decimals: number | null } | null;
}

/** One finished round, as its witnesses told it. */
export interface HistoryPoint {
  step: number;
  epoch: number | null;
  atMs: number;
  /** median of what was reported; null: nobody did */
  loss: number | null;
  /** of all trainers together, as reported */
  tokensPerSecond: number | null;
  learningRate: number | null;
  /** witnesses whose report was read */
  witnesses: number;
  /** of one report; null without a chain */
  signature: string | null;
  sampleText: string | null;
  /** scores of named tasks, where any were told: perplexity of held-out text (`heldout`), shares of right answers */
  evals?: readonly (readonly [name: string, score: number])[];
}

export interface HistoryInfo {
  /** nothing older is to be had */
  isWhole: boolean;
  isLoading: boolean;
  /** what was checked, and what can only be believed */
  checked: string;
  believed: string;
  /** why there is none, or no more */
  text: string | null;
}

export interface RunTransaction {
  signature: string;
  atMs: number | null;
  isOk: boolean;
  /** null: it was not read yet */
  text: string | null;
  /** who paid for it; null: not read yet */
  by: string | null;
}

export function keyText({ source, runId }: RunKey): string {
  return `${source}/${runId}`;
}

/** The index into the coordinators of the configuration, or null for a cluster's name. */
export function coordinatorIndex(source: string): number | null {
  const match = /^tcp-(\d{1,4})$/.exec(source);
  return match === null ? null : Number(match[1]);
}
