/**
 * What the coordinator's state looks like to TypeScript, and the port through which a client talks to a coordinator.
 * The state machine itself is Rust (coordinator/crates/machine), run here as wasm; `machine.ts` decodes its bytes into these shapes.
 */

/** Discriminants are the machine's (existing-system.md section 1.2). */
export const RUN_STATES = [
  "Uninitialized",
  "WaitingForMembers",
  "Warmup",
  "RoundTrain",
  "RoundWitness",
  "Cooldown",
  "Finished",
  "Paused",
] as const;
export type RunState = (typeof RUN_STATES)[number];

export const CLIENT_STATES = ["Healthy", "Dropped", "Withdrawn", "Ejected"] as const;
export type ClientState = (typeof CLIENT_STATES)[number];

/** Integer form of the run's `[config]`; times in milliseconds, shares in basis points (1/10,000). */
export interface MachineConfig {
  warmupMs: bigint;
  cooldownMs: bigint;
  maxRoundTrainMs: bigint;
  roundWitnessMs: bigint;
  epochMs: bigint;
  waitingForMembersExtraMs: bigint;
  globalBatchSizeWarmupTokens: bigint;
  /** 0 = the epoch ends by time alone */
  roundsPerEpoch: number;
  totalSteps: number;
  initMinClients: number;
  minClients: number;
  witnessNodes: number;
  globalBatchSizeStart: number;
  globalBatchSizeEnd: number;
  maxSeqLen: number;
  coldStartWarmupSteps: number;
  verificationPercent: number;
  resultShareBps: number;
  stragglerGraceBps: number;
  earningRateTotalShared: bigint;
  slashingRatePerClient: bigint;
}

/** Who asks to be in the next epoch. All keys are raw 32-byte ed25519 public keys. */
export interface Membership {
  owner: Uint8Array; // (32) earns
  session: Uint8Array; // (32) signs requests
  peerId: Uint8Array; // (32) signs gossip, commitments; libp2p identity
  /** (32) head of the sha256 chain whose links the member's witness messages reveal */
  chainHead: Uint8Array;
}

/** Unix ms of a membership without an end. */
export const NEVER_EXPIRES = (1n << 64n) - 1n;

/** A membership as the machine holds it. */
export interface Member extends Membership {
  /** when its session ends, Unix ms; `NEVER_EXPIRES` */
  expiresMs: bigint;
}

export interface ClientSlot extends Member {
  /** fixed for the whole epoch */
  index: number;
  state: ClientState;
  /** stays a member in the next epoch without joining again, while it is Healthy */
  carried: boolean;
  /** height of the round in which it left; 0 while Healthy */
  exitedHeight: number;
  /** rounds of this epoch in which a quorum attested its batch */
  roundsTrained: number;
  /** rounds in a row (counted back from the last finished one) in which it was assigned a batch and no quorum attested it */
  missedRounds: number;
  /** points of this epoch */
  earned: bigint;
  slashed: bigint;
}

/** One accepted witness message of a round. */
export interface WitnessEntry {
  clientIndex: number;
  /** elected position, 0..31; also the bit in `listsHeld` */
  position: number;
  /** (32) bit b (LSB first) = the witness holds a verified result of batch b */
  bitmap: Uint8Array;
  listRoot: Uint8Array; // (32)
  reveal: Uint8Array; // (32)
  /** (32) the parameters' Merkle root; only in the last drain round, all zero otherwise */
  parameterHash: Uint8Array;
  /** bit p = this witness holds the list of the witness at position p; null until it reported its downloads */
  listsHeld: number | null;
}

export interface RoundRecord {
  height: number;
  step: number;
  dataIndex: bigint;
  batchSize: number;
  seed: Uint8Array; // (32)
  startedMs: bigint;
  /** slots that were Healthy when the round began */
  live: number[];
  /** true: nothing is trained, the pipeline only drains */
  drain: boolean;
  witnesses: WitnessEntry[];
}

export interface CoordinatorState {
  runId: string;
  runState: RunState;
  runStateStartedMs: bigint;
  epoch: number;
  /** step of the current (or next) round, from 1 */
  step: number;
  epochStartStep: number;
  /** 0 = not yet known; the epoch ends when `step` reaches it, and the two rounds before it drain */
  lastStep: number;
  epochStartMs: bigint;
  epochStartDataIndex: bigint;
  pendingPause: boolean;
  coldStartEpoch: boolean;
  /** slots of the running (or last) epoch */
  clients: ClientSlot[];
  /** who joined and waits for the next epoch, in order of joining; those carried are not among them */
  pending: Member[];
  /** newest last; at most 4; empty outside an epoch */
  rounds: RoundRecord[];
  /** slots that said they are ready in Warmup */
  warmupReady: number[];
  /** (32) hash agreed at the end of the last epoch that reached a quorum; all zero before the first */
  parameterHash: Uint8Array;
  /** epoch at whose end `parameterHash` was agreed; 0xffff before the first */
  parameterHashEpoch: number;
  /** where the parameters of an agreed hash were last said to be stored; null before the first time */
  checkpoint: { location: string; parameterHash: Uint8Array; epoch: number } | null;
  config: MachineConfig;
}

/** A trainer's share of a round: the sequences [start, end] (closed interval), as in existing-system.md 1.8. */
export interface BatchAssignment {
  /** position in the round's assignment: the bit of `bitmap`, the place in a witness list */
  batch: number;
  clientIndex: number;
  start: bigint;
  end: bigint;
}

export interface Elected {
  clientIndex: number;
  position: number;
}

/** What `settle` took out of a slot. */
export interface Settled {
  earned: bigint;
  slashed: bigint;
  ejected: boolean;
}

export type TickOutcome = "unchanged" | "moved" | "epoch-succeeded" | "epoch-failed";

export interface WitnessMessage {
  step: number;
  bitmap: Uint8Array; // (32)
  listRoot: Uint8Array; // (32)
  reveal: Uint8Array; // (32)
  parameterHash: Uint8Array; // (32)
}

/** A witness message with what is shown of it to people; neither decides anything. */
export interface WitnessReport extends WitnessMessage {
  /** (512) Bloom filter of the commitments that the witness holds */
  bloom?: Uint8Array;
  /** at most 184 bytes, `encodeWitnessMetadata`; on chain only behind a Bloom filter */
  metadata?: Uint8Array;
}

/** What a run is, as its coordinator tells every client. */
export interface RunInfo {
  runId: string;
  /** the whole run config as TOML text: every client parses and validates the same bytes */
  configToml: string;
}

/** Where a peer can be dialled. */
export interface PeerAddress {
  peerId: Uint8Array; // (32)
  multiaddrs: string[];
}

export interface Snapshot {
  /** rises by at least one with every change */
  nonce: bigint;
  /** the machine's bytes; `Machine.load` */
  bytes: Uint8Array;
  /** the coordinator's clock when it sent this, ms */
  coordinatorNowMs: bigint;
  /** members, pending ones included, with what is known of their addresses: the allowlist */
  members: PeerAddress[];
}

/**
 * The coordinator as a client sees it. Adapters: memory, tcp, solana; `compliance.ts` proves each.
 * Every method rejects with a `CoordinatorError`; a rejected call changed nothing.
 */
export interface CoordinatorPort {
  runInfo(signal?: AbortSignal): Promise<RunInfo>;
  /** the newest snapshot known, or null before the first */
  snapshot(): Snapshot | null;
  /** called with every newer snapshot, at once with the present one if there is one */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
  /** stays pending for every following epoch until `leave` or disconnection; who was dropped while it lives joins again by itself */
  join(membership: Membership, multiaddrs: string[], signal?: AbortSignal): Promise<void>;
  leave(signal?: AbortSignal): Promise<void>;
  warmupWitness(signal?: AbortSignal): Promise<void>;
  witness(message: WitnessReport, signal?: AbortSignal): Promise<void>;
  /** RoundWitness: this witness holds the lists in `listsHeld` and every result they agree on */
  downloaded(step: number, listsHeld: number, signal?: AbortSignal): Promise<void>;
  healthCheck(clientIndexes: number[], signal?: AbortSignal): Promise<void>;
  /** this witness holds two commitments signed by that client for one batch; a quorum of such reports ejects it */
  reportEquivocation(clientIndex: number, signal?: AbortSignal): Promise<void>;
  setPaused(paused: boolean, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
