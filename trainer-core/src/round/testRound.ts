/** Rounds and views made by hand, for tests of the pure parts. Four members, slot = number = elected position. */
import { fromHex } from "@starling/sdk/bytes";
import { type CoordinatorState, type MachineConfig, NEVER_EXPIRES, type RunState } from "@starling/sdk/types";
import { newRound } from "./records.ts";
import type { CoordinatorView, EpochInfo, HeldList, LocalRound, PlanWitness, RoundPlan } from "./states.ts";

export const runId = "run";
export const startHash = "5a".repeat(32);
export const peer = (slot: number): Uint8Array => new Uint8Array(32).fill(slot + 1);
export const session = (slot: number): Uint8Array => new Uint8Array(32).fill(slot + 101);

export const epoch: EpochInfo = {
  id: "0/1",
  number: 0,
  startStep: 1,
  trainsFrom: 1,
  coldStart: false,
  startHash,
  self: 0,
  peers: [0, 1, 2, 3].map(peer),
};

export function witness(slot: number, root: string, listsHeld: number | null): PlanWitness {
  const zero = new Uint8Array(32);
  const listRoot = fromHex(root, 32)!;
  return { clientIndex: slot, position: slot, bitmap: zero, listRoot, reveal: zero, parameterHash: zero, listsHeld, root };
}

/** Batch b is trained by slot b, on data [10 b, 10 b + 9]. */
export function plan(step: number, change: Partial<RoundPlan> = {}): RoundPlan {
  return {
    step,
    height: step - 1,
    drain: false,
    seed: new Uint8Array(32).fill(step),
    startedMs: 1_000,
    assignments: [0, 1, 2, 3].map((batch) => ({
      batch,
      clientIndex: batch,
      start: BigInt(10 * batch),
      end: BigInt(10 * batch + 9),
    })),
    elected: [0, 1, 2, 3].map((slot) => ({ clientIndex: slot, position: slot })),
    quorum: 3,
    witnesses: [],
    ...change,
  };
}

/** A round of step 1; `lists`: by root, each batch's commitment or null. */
export function round(of: { witnesses: PlanWitness[]; lists?: Record<string, (string | null)[]> }): LocalRound {
  const held = Object.entries(of.lists ?? {}).map(([root, named]): [string, HeldList] => {
    const entries = named.flatMap((commitment, batch) => (commitment === null ? [] : [{ batch, commitment: fromHex(commitment, 32)! }]));
    const list = { runId, epoch: 0, step: 1, witness: peer(0), entries };
    return [root, { list, commitments: named.filter((commitment) => commitment !== null) }];
  });
  return { ...newRound(epoch, plan(1, { witnesses: of.witnesses }), true, 0), final: true, lists: new Map(held) };
}

const config: MachineConfig = {
  warmupMs: 10_000n,
  cooldownMs: 1_000n,
  maxRoundTrainMs: 10_000n,
  roundWitnessMs: 4_000n,
  epochMs: 1_000_000n,
  waitingForMembersExtraMs: 0n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 0,
  totalSteps: 1_000,
  initMinClients: 4,
  minClients: 2,
  witnessNodes: 0,
  globalBatchSizeStart: 40,
  globalBatchSizeEnd: 40,
  maxSeqLen: 4,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9_000,
  stragglerGraceBps: 2_500,
  earningRateTotalShared: 0n,
  slashingRatePerClient: 0n,
};

export function view(
  nonce: number,
  runState: RunState,
  step: number,
  plans: RoundPlan[],
  change: Partial<CoordinatorState> = {},
): CoordinatorView {
  const zero = new Uint8Array(32);
  const state: CoordinatorState = {
    runId,
    runState,
    runStateStartedMs: 1_000n,
    epoch: 0,
    step,
    epochStartStep: 1,
    lastStep: 0,
    epochStartMs: 1_000n,
    epochStartDataIndex: 0n,
    pendingPause: false,
    coldStartEpoch: false,
    clients: [0, 1, 2, 3].map((index) => ({
      owner: session(index),
      session: session(index),
      peerId: peer(index),
      chainHead: zero,
      expiresMs: NEVER_EXPIRES,
      index,
      state: "Healthy",
      carried: true,
      exitedHeight: 0,
      roundsTrained: 0,
      missedRounds: 0,
      earned: 0n,
      slashed: 0n,
    })),
    pending: [],
    rounds: [],
    warmupReady: [],
    parameterHash: zero,
    parameterHashEpoch: 0xffff,
    checkpoint: null,
    config,
    ...change,
  };
  return { nonce: BigInt(nonce), state, plans, members: [], coordinatorNowMs: 1_000 };
}
