/** `bench chain`: what each instruction of the program `coordinator` takes, at several sizes of a run, measured in LiteSVM. */
import { defineOptions, type OptionsOf } from "@starling/config";
import { PROGRAM_NAMES, programArtifact } from "@starling/programs/artifacts";
import { Chain, type Sent } from "@starling/programs/harness";
import { Scenario } from "@starling/programs/scenario";
import { type Call, u64 } from "@starling/programs/wire";
import { Machine } from "@starling/sdk/machine";
import { packState } from "@starling/sdk/stateBytes";
import { createHash } from "node:crypto";
import { printChainReport } from "./chainReport.ts";

export const benchChainOptions = defineOptions({
  clients: {
    type: "string",
    unit: "clients",
    minBytes: 1,
    default: "1,32,256",
    env: null,
    doc: "Sizes of a run to measure, 1 to 256, with commas between them.",
  },
  priorityFee: {
    type: "integer",
    unit: "microlamports",
    min: 0,
    max: 1_000_000_000,
    default: 10_000,
    env: null,
    doc: "For each compute unit, in the costs with a priority fee.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Also print the report as one JSON object on the last line." },
});

/** of one signature */
const BASE_FEE_LAMPORTS = 5_000;
const MAX_TARGETS = 16;
const SETTLED_AT_ONCE = 20;
const QUORUM_OF_32 = 22;

export interface InstructionCost {
  /** the most of all that were sent */
  computeUnits: number;
  transactionBytes: number;
  /** that must sign besides whoever pays the fee */
  signers: number;
  sent: number;
}

export interface RunCost {
  clients: number;
  instructions: Record<string, InstructionCost>;
  /** lamports, base fees of all its transactions; with the priority fee */
  round: { transactions: number; lamports: number; withPriority: number };
  epoch: { rounds: number; transactions: number; lamports: number; withPriority: number };
}

export interface ChainReport {
  bench: "chain";
  priorityFeeMicrolamports: number;
  runs: RunCost[];
  programs: Record<string, { bytes: number; rentLamports: number }>;
  accounts: Record<string, { bytes: number; rentLamports: number }>;
}

export function benchChain({ clients, priorityFee, json }: OptionsOf<typeof benchChainOptions>): void {
  const sizes = clients.split(",").map(Number);
  if (sizes.some((size) => !Number.isInteger(size) || size < 1 || size > 256)) {
    throw new RangeError(`--clients ${clients}: expected numbers from 1 to 256 with commas between them`);
  }
  const report: ChainReport = {
    bench: "chain",
    priorityFeeMicrolamports: priorityFee,
    runs: sizes.map((size) => measure(size, priorityFee)),
    ...sizesAndRents(),
  };
  printChainReport(report);
  if (json) console.log(JSON.stringify(report));
}

/** Costs of the instructions of one run, by what they did. */
class Meter {
  readonly costs: Record<string, InstructionCost> = {};
  /** since the last `take` */
  #lamports = 0;
  #microlamports = 0;
  #transactions = 0;
  readonly #priorityFee: number;

  constructor(priorityFee: number) {
    this.#priorityFee = priorityFee;
  }

  add(label: string, call: Call, { computeUnits, transactionBytes }: Sent): void {
    const signers = new Set(call.accounts.filter((account) => account.signer).map((account) => account.address)).size;
    const before = this.costs[label] ?? { computeUnits: 0, transactionBytes: 0, signers, sent: 0 };
    this.costs[label] = {
      computeUnits: Math.max(before.computeUnits, computeUnits),
      transactionBytes: Math.max(before.transactionBytes, transactionBytes),
      signers,
      sent: before.sent + 1,
    };
    this.#transactions++;
    // whoever sends pays for at least one signature; here a session key pays for itself
    this.#lamports += BASE_FEE_LAMPORTS * Math.max(1, signers);
    this.#microlamports += computeUnits * this.#priorityFee;
  }

  take(): { transactions: number; lamports: number; withPriority: number } {
    const taken = {
      transactions: this.#transactions,
      lamports: this.#lamports,
      withPriority: this.#lamports + Math.ceil(this.#microlamports / 1e6),
    };
    this.#lamports = this.#microlamports = this.#transactions = 0;
    return taken;
  }
}

function measure(clients: number, priorityFee: number): RunCost {
  const meter = new Meter(priorityFee);
  const chain = new Chain({ checkSignatures: false });
  const run = new Scenario(chain, { config: { initMinClients: clients, roundsPerEpoch: 4 } });
  let suffix = "";
  run.onSent = (call, sent, from) => meter.add(`${labelOf(call, from, run)}${call.name === "tick" ? suffix : ""}`, call, sent);

  run.create().allocate().configure();
  run.openToEverybody();
  run.send(run.setPaused(false));
  for (let index = 0; index < clients; index++) run.join(run.member(index));
  if (clients < 256) run.join(run.member(clients)); // leaves again below
  else run.send(run.openSession(run.member(clients)));
  if (clients < 256) run.send(run.leaveRun(run.member(clients)));
  chain.advance(3);
  run.tick();
  for (const slot of run.slots()) run.send(run.warmupWitness(slot));
  chain.advance(1);
  run.tick();
  // a first epoch whose witnesses miss the batches of some
  const missing = run.slots().slice(-Math.min(MAX_TARGETS + 1, clients - 1));
  const witness = 0;
  for (let round = 0; round < 3; round++) run.playRound({ batches: batchesWithout(run, missing) });
  if (missing.length > MAX_TARGETS) {
    run.send(run.healthCheck(witness, missing.slice(0, 1)));
    run.send(run.healthCheck(witness, missing.slice(1)));
  }
  if (clients > 2) {
    const healthy = run.slots().filter((slot) => isLive(run, slot));
    const quorum = Math.ceil((2 * healthy.length) / 3);
    for (const slot of healthy.slice(0, quorum)) run.send(run.reportEquivocation(slot, healthy[healthy.length - 1]));
  }
  if (clients > 1) run.send(run.joinRun(run.memberInSlot(witness), { chainHead: run.memberInSlot(witness).links[40] }));
  if (clients > 64) {
    suffix = ", elected ones gone";
    leaveInCrowds(run);
    suffix = "";
  }
  finishEpoch(run);
  run.settleAll();

  // a second one with everybody, which is the one whose cost is counted
  for (const member of run.members.slice(0, clients)) {
    if (!run.readMember(member).ejected) run.rejoin(member);
  }
  chain.advance(3);
  meter.take();
  run.tick();
  for (const slot of run.slots()) run.send(run.warmupWitness(slot));
  chain.advance(1);
  run.tick();
  const start = meter.take();
  run.playRound();
  const round = meter.take();
  const rest = finishEpoch(run);
  run.send(run.checkpoint(0, PARAMETERS, `https://example.org/${"x".repeat(150)}`));
  run.settleAll();
  const end = meter.take();
  run.send(run.tickCall());

  const [first] = run.members;
  run.send(run.call("deposit_bond", [u64(1_000n)], run.of(first)));
  run.send(run.call("withdraw_bond", [u64(1_000n)], run.of(first)));
  run.send(run.call("record_claim", [u64(1n)], run.of(first)));
  run.send(run.call("refuel", [u64(1n)], run.of(first)));
  run.send(run.call("set_future_epoch_rates", [u64(1n), u64(1n)]));
  chain.write(run.grant, { owner: chain.programs.authorizer, data: chain.data(run.grant).fill(0, 112, 113) });
  run.send(run.call("enforce_grant", [], run.of(first)));
  run.send(run.leaveRun(run.members[clients > 1 ? 1 : 0]));
  run.send(run.closeSession(run.members[clients - 1]));
  run.send(run.setPaused(true));
  run.send(run.call("close_run"));
  run.send(run.call("close_member", [], run.of(run.members[clients - 1])));
  return {
    clients,
    instructions: meter.costs,
    round,
    epoch: {
      rounds: rest + 1,
      transactions: start.transactions + round.transactions + end.transactions,
      lamports: start.lamports + round.lamports + end.lamports,
      withPriority: start.withPriority + round.withPriority + end.withPriority,
    },
  };
}

const PARAMETERS = createHash("sha256").update("parameters").digest() as Uint8Array;

/** Bits of the batches of the round in progress, but those of `missing`. */
function batchesWithout(run: Scenario, missing: readonly number[]): number[] {
  const assigned = Machine.load(packState(run.stateBytes())).assignment(run.machine().number("height"));
  return assigned.filter(({ clientIndex }) => !missing.includes(clientIndex)).map(({ batch }) => batch);
}

/** The dearest question of a tick: so many have gone that it must find out whether an elected one is still awaited. */
function leaveInCrowds(run: Scenario): void {
  const height = run.machine().number("height");
  const elected = Machine.load(packState(run.stateBytes()))
    .elected(height)
    .map(({ clientIndex }) => clientIndex);
  const live = run.slots().filter((slot) => isLive(run, slot));
  const others = live.filter((slot) => !elected.includes(slot));
  const silent = elected.slice(QUORUM_OF_32 - 1);
  for (const slot of elected.slice(0, QUORUM_OF_32 - 1)) run.sendWitness(slot);
  for (const slot of [...others.slice(0, 64), ...silent]) if (isLive(run, slot)) run.send(run.leaveRun(run.memberInSlot(slot)));
  run.tick();
  run.finishRound();
}

function isLive(run: Scenario, slot: number): boolean {
  return ((run.machine().bytes("live")[slot >> 3] >> (slot & 7)) & 1) === 1;
}

/** To the state after Cooldown; returns how many rounds that took. */
function finishEpoch(run: Scenario): number {
  let rounds = 0;
  for (; run.state() === "RoundTrain"; rounds++) run.playRound(run.isLastDrainRound() ? { parameterHash: PARAMETERS } : {});
  run.chain.advance(6);
  run.tick();
  return rounds;
}

/** What an instruction did, where that decides what it costs. */
function labelOf(call: Call, from: string, run: Scenario): string {
  const named = (call.data.length - 2) >> 1;
  if (call.name === "tick") return run.state() === from ? "tick, not due" : `tick ${from} -> ${run.state()}`;
  if (call.name === "health_check") return named === 1 ? "health_check, one client" : `health_check, ${MAX_TARGETS} clients`;
  if (call.name === "settle") return named === SETTLED_AT_ONCE ? `settle, ${SETTLED_AT_ONCE} members` : "settle, fewer members";
  return call.name;
}

function sizesAndRents(): Pick<ChainReport, "programs" | "accounts"> {
  const chain = new Chain({ checkSignatures: false });
  const run = Scenario.warmup(chain, 1);
  const of = (bytes: number): { bytes: number; rentLamports: number } => ({ bytes, rentLamports: Number(chain.rent(bytes)) });
  // the upgradeable loader keeps a program's bytes behind 45 of its own
  const programs = Object.fromEntries(PROGRAM_NAMES.map((name) => [name, of(programArtifact(name).bytes.length + 45)]));
  const { run: runAccount, config, table0, round0 } = run.at;
  const member = run.member(0);
  const named = { run: runAccount, config, table: table0, round: round0, member: member.memberAccount, session: member.sessionAccount };
  const accounts = Object.fromEntries(Object.entries(named).map(([name, address]) => [name, of(chain.data(address).length)]));
  return { programs, accounts };
}
