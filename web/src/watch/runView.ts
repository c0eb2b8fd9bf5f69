/** What a page shows of a run, out of the machine's state. Pure. */
import { DRAIN_ROUNDS } from "@starling/config";
import { getAddressDecoder } from "@solana/kit";
import { toHex } from "@starling/sdk/bytes";
import { type Machine, MachineError } from "@starling/sdk/machine";
import type { ClientSlot, CoordinatorState, RunState } from "@starling/sdk/types";
import { phaseTimes } from "./phaseTimes.ts";
import type { ChainView, ClientHealth, ClientRole, ClientView, ConfigView, RoundView, RunKey, RunView } from "./protocol.ts";

const IN_ROUND: ReadonlySet<RunState> = new Set(["RoundTrain", "RoundWitness"]);
const IN_EPOCH: ReadonlySet<RunState> = new Set(["Warmup", "RoundTrain", "RoundWitness", "Cooldown"]);

export interface ViewInput {
  key: RunKey;
  name: string;
  description: string;
  machine: Machine;
  nonce: bigint;
  /** the run's clock minus this machine's, ms */
  offsetMs: number;
  /** session (hex) -> ms */
  lastSeenMs: ReadonlyMap<string, number | null>;
  /** owner (base58) -> points of settled epochs */
  lifetimeEarned: ReadonlyMap<string, bigint> | null;
  /** peer ids (hex) that can be dialled; null where that says nothing */
  reachable: ReadonlySet<string> | null;
  learningRate: (step: number, coldStartStep: number | null) => number | null;
  config: ConfigView | null;
  chain: ChainView | null;
}

export function runView(input: ViewInput): Omit<RunView, "phases"> {
  const state = input.machine.state();
  const { runState, config } = state;
  const isInRound = IN_ROUND.has(runState);
  const { startedMs, endsMs } = phaseTimes(state, input.offsetMs);
  const round = isInRound ? state.rounds.at(-1) : undefined;
  const agreed = state.parameterHash.some((byte) => byte !== 0);
  const batchSize = round === undefined || round.drain ? input.machine.batchSizeAt(dataIndexOf(state)) : round.batchSize;
  return {
    key: input.key,
    name: input.name,
    description: input.description,
    isConfigured: true,
    runState,
    pendingPause: state.pendingPause,
    phaseStartedMs: startedMs,
    phaseEndsMs: endsMs,
    epochStartedMs: isInRound ? Number(state.epochStartMs) - input.offsetMs : null,
    epochEndsMs: isInRound && state.lastStep === 0 ? Number(state.epochStartMs + config.epochMs) - input.offsetMs : null,
    epoch: state.epoch,
    step: state.step,
    totalSteps: config.totalSteps,
    roundOfEpoch: isInRound ? state.step - state.epochStartStep + 1 : 0,
    roundsOfEpoch: roundsOfEpoch(state),
    tokensPerRound: batchSize * config.maxSeqLen,
    tokensTrained: dataIndexOf(state) * BigInt(config.maxSeqLen),
    learningRate: runState === "Finished" ? null : input.learningRate(state.step, state.coldStartEpoch ? state.epochStartStep : null),
    clients: clientViews(input, state),
    minClients: config.minClients,
    initMinClients: config.initMinClients,
    readyInWarmup: state.warmupReady.length,
    round: round === undefined ? null : roundViewOf(input.machine, state),
    checkpoint: state.checkpoint && { ...state.checkpoint, parameterHash: toHex(state.checkpoint.parameterHash) },
    parameterHash: agreed ? toHex(state.parameterHash) : null,
    parameterHashEpoch: agreed ? state.parameterHashEpoch : null,
    earningRate: config.earningRateTotalShared,
    slashingRate: config.slashingRatePerClient,
    config: input.config,
    chain: input.chain,
    nonce: input.nonce,
  };
}

function dataIndexOf(state: CoordinatorState): bigint {
  return state.rounds.at(-1)?.dataIndex ?? state.epochStartDataIndex;
}

function roundsOfEpoch({ lastStep, epochStartStep, config }: CoordinatorState): number | null {
  if (lastStep > 0) return lastStep - epochStartStep;
  return config.roundsPerEpoch > 0 ? config.roundsPerEpoch + DRAIN_ROUNDS : null;
}

function roundViewOf(machine: Machine, state: CoordinatorState): RoundView {
  const round = state.rounds.at(-1)!;
  return {
    step: round.step,
    batchSize: round.batchSize,
    isDrain: round.drain,
    trainers: known(() => machine.assignment(round.height).length, 0),
    witnessesElected: known(() => machine.elected(round.height).length, 0),
    witnessesReported: round.witnesses.length,
    witnessesDownloaded: round.witnesses.filter(({ listsHeld }) => listsHeld !== null).length,
    quorum: known(() => machine.quorum(round.height), 0),
  };
}

function clientViews(input: ViewInput, state: CoordinatorState): ClientView[] {
  const { machine, lastSeenMs, lifetimeEarned, reachable } = input;
  const height = IN_ROUND.has(state.runState) ? state.rounds.at(-1)?.height : undefined;
  const trainers = new Set(height === undefined ? [] : known(() => machine.assignment(height), []).map(({ clientIndex }) => clientIndex));
  const witnesses = new Set(height === undefined ? [] : known(() => machine.elected(height), []).map(({ clientIndex }) => clientIndex));
  const address = (key: Uint8Array): string => getAddressDecoder().decode(key);
  const common = ({ owner, session, peerId }: Pick<ClientSlot, "owner" | "session" | "peerId">) => ({
    owner: address(owner),
    session: address(session),
    peerId: toHex(peerId),
    lastSeenMs: lastSeenMs.get(toHex(session)) ?? null,
    lifetimeEarned: lifetimeEarned === null ? null : (lifetimeEarned.get(address(owner)) ?? 0n),
    isReachable: reachable === null ? null : reachable.has(toHex(peerId)),
  });
  const inEpoch = IN_EPOCH.has(state.runState);
  const slots = state.clients.map((client): ClientView => ({
    ...common(client),
    slot: client.index,
    state: client.state,
    health: healthOf(client, inEpoch),
    roles: rolesOf(client.index, trainers, witnesses),
    roundsTrained: client.roundsTrained,
    missedRounds: client.missedRounds,
    earned: client.earned,
    slashed: client.slashed,
  }));
  const inSlots = new Set(slots.filter(({ state: of }) => of === "Healthy").map(({ session }) => session));
  const pending = state.pending.map((member): ClientView => ({
    ...common(member),
    ...{ slot: null, state: "Waiting" as const, health: "waiting" as const, roles: [] },
    ...{ roundsTrained: 0, missedRounds: 0, earned: 0n, slashed: 0n },
  }));
  return [...slots, ...pending.filter(({ session }) => !inSlots.has(session))];
}

function rolesOf(index: number, trainers: ReadonlySet<number>, witnesses: ReadonlySet<number>): ClientRole[] {
  return [...(trainers.has(index) ? (["trainer"] as const) : []), ...(witnesses.has(index) ? (["witness"] as const) : [])];
}

function healthOf(
  { state, missedRounds, carried }: Pick<ClientSlot, "state" | "missedRounds" | "carried">,
  inEpoch: boolean,
): ClientHealth {
  switch (state) {
    case "Healthy":
      if (!inEpoch) return carried ? "waiting" : "left";
      return missedRounds > 0 ? "late" : "healthy";
    case "Dropped":
      return "dropped";
    case "Withdrawn":
      return "left";
    case "Ejected":
      return "ejected";
    default:
      return state satisfies never;
  }
}

/** A round that the machine has not stored is no fault of the one who asks. */
function known<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof MachineError) return otherwise;
    throw error;
  }
}
