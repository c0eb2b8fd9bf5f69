/** One seed from its start to its end: faults for most of it, then peace, and every honest client must train again. */
import type { Transition } from "@starling/sdk/coreOptions";
import { equalBytes } from "@starling/sdk/bytes";
import { Chaos, type FaultKind } from "./chaos.ts";
import { Invariants, type Violation } from "./invariants.ts";
import type { ChaosScenario } from "./scenarios.ts";
import { type SimulatedClient, Simulation } from "./simulation.ts";
import { Trace } from "./trace.ts";

export interface SeedOutcome {
  seed: number;
  clients: number;
  adversaries: string[];
  epochs: number;
  /** epochs that ended with agreed parameters */
  agreedEpochs: number;
  rounds: number;
  faults: Partial<Record<FaultKind, number>>;
  replays: number;
  /** processes that came back and trained again */
  rejoins: number;
  /** times that a client could not take part any more before the next epoch */
  stranded: number;
  ejected: number;
  virtualMs: number;
  wallMs: number;
  /** of all events in their order: equal runs have equal ones */
  digest: string;
  violation: (Violation & { atMs: number; events: string[] }) | null;
}

export interface SeedOptions {
  onEpoch?: (line: string) => void;
}

/** They end every epoch, and train nothing. */
const drainRounds = 2;
/** ceil(2 n / 3), as the machine's. */
const quorum = (n: number): number => Math.ceil((2 * n) / 3);
/** How often progress is looked at, ms. */
const watchMs = 500;

export async function runSeed(scenario: ChaosScenario, { onEpoch }: SeedOptions = {}): Promise<SeedOutcome> {
  const beganMs = performance.now();
  const trace = new Trace();
  let rounds = 0;
  let agreedEpochs = 0;
  let replays = 0;
  let stranded = 0;
  /** faults injected before an epoch that began in quiet; null: it did not */
  let quietFrom: number | null = null;
  /** a quorum closed the last round of a quiet epoch before these could begin it: they replay it before the next one trains */
  let late: { epoch: number; lastStep: number; injected: number; clients: readonly SimulatedClient[] } | null = null;
  const rejoined = new Set<string>();
  const simulation: Simulation = new Simulation(scenario, {
    event: (client, event, atMs) => {
      trace.note(client.number, client.name, atMs, event);
      invariants.event(client, event);
      if ((event.type as string) === "replay") replays++;
      if (event.type === "stranded") stranded++;
      if (event.type === "trained") chaos.trained(client.number);
      if (event.type === "trained" && client.incarnation > 0) rejoined.add(`${client.number}.${client.incarnation}`);
    },
    transition: (transition) => {
      invariants.transition(transition);
      if (transition.from === "RoundWitness") rounds++;
      if (transition.from === "Warmup" && transition.to === "RoundTrain") judgeLate(transition.state.epoch);
      if (transition.to === "Warmup") quietFrom = chaos.isQuiet && transition.state.epoch > 0 ? chaos.injected : null;
      if (transition.from === "Cooldown") {
        // clients are looked at when the core has moved on
        virtual.schedule(0, () => judgeQuiet(quietFrom));
        if (transition.state.parameterHashEpoch === transition.state.epoch - 1) agreedEpochs++;
        onEpoch?.(epochLine(simulation, transition, chaos));
      }
    },
    error: (error) => invariants.fail("no fault of our own", error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  const { virtual, server } = simulation;
  const chaos: Chaos = new Chaos(simulation, {
    kinds: scenario.faultKinds,
    meanGapMs: scenario.faultGapMs,
    told: (text) => trace.tell(virtual.now(), text),
  });
  const invariants: Invariants = new Invariants(simulation, chaos);
  const judgeQuiet = (injectedBefore: number | null): void => {
    if (injectedBefore === null || chaos.injected !== injectedBefore || server.state().runState !== "WaitingForMembers") return;
    const { trouble, lateClients } = troubleOf(simulation, chaos, invariants);
    const state = server.state();
    const members = state.clients.length;
    if (lateClients.length > members - quorum(members)) trouble.push(...lateClients.map(lateText));
    if (trouble.length > 0) invariants.fail("progress", `nothing disturbed this epoch, and yet: ${trouble.join("; ")}`);
    late = { epoch: state.epoch, lastStep: state.step - 1, injected: chaos.injected, clients: lateClients };
  };
  const judgeLate = (epoch: number): void => {
    if (late === null || late.epoch !== epoch || chaos.injected !== late.injected) return;
    const holders = invariants.holders(late.lastStep);
    const lost = late.clients.filter((client) => !holders.has(client.number));
    if (lost.length > 0) invariants.fail("progress", `nothing disturbed it, and yet: ${lost.map(lateText).join("; ")}, nor replayed it`);
  };
  const watchState = (): void => {
    // each core is another one: a restarted coordinator is watched anew
    server.core?.subscribe(() => invariants.state(server.state()));
  };
  server.onStart(watchState);
  const watch = (): void => {
    invariants.progress();
    virtual.schedule(watchMs, watch);
  };

  simulation.start();
  watch();
  // faults begin when the first epoch has: before it a run needs everybody
  const failed = (): boolean => invariants.violation !== null;
  const worst = worstEpochMs(simulation);
  await virtual.run(worst, () => failed() || server.state().runState === "RoundTrain");
  if (!failed() && server.state().runState !== "RoundTrain") invariants.fail("progress", "the first epoch did not begin");
  chaos.start();
  // the last epoch of the run belongs to the peace after the faults
  const lastFaultyEpoch = Math.max(0, scenario.epochs - 2);
  const limitMs = virtual.now() + (lastFaultyEpoch + 1) * 4 * worst;
  const met = await virtual.run(limitMs, () => failed() || server.state().epoch > lastFaultyEpoch);
  if (!met) invariants.fail("progress", `${server.state().epoch} epochs in ${Math.round(virtual.now() / 1000)} s`);
  chaos.end();
  trace.tell(virtual.now(), "all faults are over");
  if (!failed()) await expectPeace(simulation, chaos, invariants, scenario.epochs, 2 * worst + 10_000);
  const state = server.state();
  const violation = invariants.violation && {
    ...invariants.violation,
    atMs: virtual.now(),
    events: trace.last(invariants.violation.members),
  };
  await simulation.stop();
  return {
    seed: scenario.seed,
    clients: scenario.clients,
    adversaries: scenario.adversaries,
    epochs: state.epoch,
    agreedEpochs,
    rounds,
    faults: Object.fromEntries(chaos.counts),
    replays,
    rejoins: rejoined.size,
    stranded,
    ejected: invariants.ejected,
    virtualMs: virtual.now(),
    wallMs: performance.now() - beganMs,
    digest: trace.digest(),
    violation,
  };
}

/** An epoch in which every phase runs into its time-out. */
function worstEpochMs({ config }: Simulation): number {
  const round = Number(config.maxRoundTrainMs + config.roundWitnessMs);
  return Number(config.waitingForMembersExtraMs + config.warmupMs + config.cooldownMs) + (config.roundsPerEpoch + 2) * round;
}

/** Within `boundMs` after the last fault an epoch goes by as if nothing had ever happened; and as many as were wanted. */
async function expectPeace(simulation: Simulation, chaos: Chaos, invariants: Invariants, epochs: number, boundMs: number): Promise<void> {
  const { virtual, server } = simulation;
  const healedMs = virtual.now();
  let reason = "no epoch has begun and ended since";
  let judged = "";
  const isPeaceful = (): boolean => {
    const state = server.state();
    const { runState, epochStartMs } = state;
    const id = `${state.epoch}/${epochStartMs}`;
    if (runState !== "WaitingForMembers" || judged === id) return false;
    judged = id;
    if (Number(epochStartMs) - simulation.startMs < healedMs) return false;
    const { trouble, lateClients } = troubleOf(simulation, chaos, invariants);
    trouble.push(...lateClients.map(lateText));
    reason = trouble.join("; ");
    return trouble.length === 0;
  };
  const isMet = await virtual.run(healedMs + boundMs, () => invariants.violation !== null || isPeaceful());
  if (!isMet) invariants.fail("progress", `${boundMs} ms after all faults were mended: ${reason}`);
  const limitMs = virtual.now() + epochs * boundMs;
  const done = await virtual.run(limitMs, () => invariants.violation !== null || server.state().epoch >= epochs);
  if (!done) invariants.fail("progress", `${server.state().epoch} of ${epochs} epochs, and no fault to blame`);
}

/** Honest batches that a quorum attested, of those assigned, where no fault disturbs: gossip may still be lost. */
const leastAttested = 0.5;

/** What is wrong with the epoch that has just ended, if nothing disturbed it, and who did not begin its last round in time. */
function troubleOf(
  { clients, server }: Simulation,
  chaos: Chaos,
  invariants: Invariants,
): { trouble: string[]; lateClients: SimulatedClient[] } {
  const state = server.state();
  const lateClients: SimulatedClient[] = [];
  const trouble: string[] = [];
  if (state.parameterHashEpoch !== state.epoch - 1) trouble.push(`epoch ${state.epoch - 1} agreed on no parameters`);
  const trainingRounds = state.step - state.epochStartStep - drainRounds;
  let assigned = 0;
  let attested = 0;
  const hasWorkForAll = state.config.globalBatchSizeStart >= state.clients.length;
  for (const client of clients) {
    const slot = state.clients.find(({ peerId }) => equalBytes(peerId, client.network.self));
    if (client.adversary === "equivocator" && slot?.state === "Healthy") trouble.push(`equivocator ${client.name} is still a member`);
    if (client.adversary !== null || chaos.gone.has(client.number)) continue;
    if (slot?.state !== "Healthy") trouble.push(`${client.name} is ${slot?.state ?? "not a member"}: ${stageOf(client)}`);
    else if (!invariants.holders(state.step - 1).has(client.number)) lateClients.push(client);
    else {
      assigned += trainingRounds;
      attested += slot.roundsTrained;
    }
  }
  if (hasWorkForAll && attested < leastAttested * assigned) trouble.push(`a quorum attested ${attested} of ${assigned} honest results`);
  return { trouble, lateClients };
}

function lateText(client: SimulatedClient): string {
  return `${client.name} did not begin the last round: ${stageOf(client)}`;
}

function stageOf({ client }: SimulatedClient): string {
  return JSON.stringify(client.state.stage);
}

function epochLine({ virtual, clients }: Simulation, { state }: Transition, chaos: Chaos): string {
  const agreed = state.parameterHashEpoch === state.epoch - 1;
  const members = state.clients.filter(({ state: is }) => is === "Healthy").length;
  const hash = agreed ? Buffer.from(state.parameterHash).toString("hex").slice(0, 8) : "none    ";
  return (
    `epoch ${String(state.epoch).padStart(3)}  step ${String(state.step - 1).padStart(4)}  ${(virtual.now() / 1000).toFixed(1).padStart(7)} s  ` +
    `members ${members} of ${state.clients.length}, ${clients.length} alive  hash ${hash}  faults ${chaos.injected}`
  );
}
