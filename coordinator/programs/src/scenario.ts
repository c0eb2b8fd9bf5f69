/** A run on a `Chain`, made and moved by real instructions, at the phase and size that a test or the bench needs. */
import type { Address } from "@solana/kit";
import { encodeConfig } from "@starling/sdk/stateCodec";
import type { Struct } from "@starling/sdk/struct";
import { type MachineConfig, RUN_STATES, type RunState } from "@starling/sdk/types";
import { createHash } from "node:crypto";
import {
  ANYBODY,
  assembleState,
  grantAddress,
  JOIN_SCOPE,
  machineRun,
  machineTable,
  type MemberAccount,
  memberAddress,
  readMember,
  readRunHeader,
  runAddresses,
  type RunAddresses,
  sessionAddress,
  TABLE_BYTES,
  tableSlot,
  GROWTH_BYTES,
} from "./accounts.ts";
import { coordinatorCall, type CoordinatorInstruction } from "./coordinatorCalls.ts";
import { type Chain, type Sent, SLOT_HASHES, SYSTEM_PROGRAM } from "./harness.ts";
import type { Key } from "./keyring.ts";
import { addressOf } from "./pda.ts";
import { type Call, key, namedAccounts, text, toInstruction, u16, u32, u64, u8 } from "./wire.ts";

const CHUNK_BYTES = 750;
const CHAIN_LINKS = 64;
export const NEVER_MS = 0xffff_ffff_ffff_ffffn;

export const SCENARIO_CONFIG: MachineConfig = {
  warmupMs: 10_000n,
  cooldownMs: 5_000n,
  maxRoundTrainMs: 20_000n,
  roundWitnessMs: 10_000n,
  epochMs: 36_000_000n,
  waitingForMembersExtraMs: 2_000n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 4,
  totalSteps: 1_000,
  initMinClients: 1,
  minClients: 1,
  witnessNodes: 0,
  globalBatchSizeStart: 512,
  globalBatchSizeEnd: 512,
  maxSeqLen: 16,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9_000,
  stragglerGraceBps: 2_500,
  earningRateTotalShared: 1_000_003n,
  slashingRatePerClient: 700n,
};

export interface Member {
  readonly index: number;
  readonly owner: Key;
  readonly session: Key;
  readonly peer: Key;
  readonly sessionAccount: Address;
  readonly memberAccount: Address;
  /** link 0 is committed to at join; each message reveals the next */
  readonly links: readonly Uint8Array[];
}

export interface ScenarioOptions {
  runId?: string;
  config?: Partial<MachineConfig>;
  minBondLamports?: bigint;
  mainAuthority?: Address;
}

export class Scenario {
  readonly chain: Chain;
  readonly runId: string;
  readonly config: MachineConfig;
  readonly creator: Key;
  readonly joinAuthority: Key;
  readonly at: RunAddresses;
  readonly grant: Address;
  readonly members: Member[] = [];
  readonly toml: string;
  /** the bench listens to what each instruction took; `from` is the run's state before it */
  onSent: ((call: Call, sent: Sent, from: string) => void) | null = null;
  readonly #options: ScenarioOptions;
  /** how often each member has revealed */
  readonly #revealed = new Map<number, number>();

  constructor(chain: Chain, options: ScenarioOptions = {}) {
    this.chain = chain;
    this.#options = options;
    this.runId = options.runId ?? "scenario";
    this.config = { ...SCENARIO_CONFIG, ...options.config };
    this.toml = `# a run of the tests\nrun_id = "${this.runId}"\n${"# padding, so that it takes two chunks\n".repeat(40)}`;
    this.creator = chain.funded(`creator of ${this.runId}`);
    this.joinAuthority = chain.funded(`join authority of ${this.runId}`);
    this.at = runAddresses(chain.programs.coordinator, this.runId);
    this.grant = grantAddress(chain.programs.authorizer, this.joinAuthority.address, ANYBODY);
  }

  /** Created, allocated, configured, open to everybody, and started: WaitingForMembers. */
  static started(chain: Chain, options: ScenarioOptions = {}): Scenario {
    const scenario = new Scenario(chain, options).create().allocate().configure();
    scenario.openToEverybody();
    scenario.send(scenario.setPaused(false));
    return scenario;
  }

  /** Members of the first epoch, in Warmup. */
  static warmup(chain: Chain, count: number, options: ScenarioOptions = {}): Scenario {
    const scenario = Scenario.started(chain, { ...options, config: { initMinClients: count, ...options.config } });
    for (let index = 0; index < count; index++) scenario.join(scenario.member(index));
    chain.advance(3);
    scenario.tick();
    return scenario;
  }

  static training(chain: Chain, count: number, options: ScenarioOptions = {}): Scenario {
    const scenario = Scenario.warmup(chain, count, options);
    for (const slot of scenario.slots()) scenario.send(scenario.warmupWitness(slot));
    chain.advance(1);
    scenario.tick();
    return scenario;
  }

  // what a run is made of

  create(): this {
    this.send(this.createRun());
    return this;
  }

  allocate(): this {
    for (const table of [0, 1]) {
      for (let bytes = GROWTH_BYTES; bytes < TABLE_BYTES; bytes += GROWTH_BYTES)
        this.send(this.call("allocate", [u8(table)], this.table(table)));
    }
    return this;
  }

  configure(): this {
    for (const call of this.writeConfig()) this.send(call);
    this.send(this.updateConfig());
    return this;
  }

  /** A grant for everybody by the join authority, through the authorizer. */
  openToEverybody(): void {
    const { authorizer } = this.chain.programs;
    const accounts = { payer: this.creator.address, grantor: this.joinAuthority.address, grant: this.grant, system: SYSTEM_PROGRAM };
    const create: Call = {
      name: "create",
      program: authorizer,
      accounts: namedAccounts("payer(s,w) grantor(s) grant(w) system", accounts),
      data: Buffer.concat([u8(0), key(ANYBODY), text(JOIN_SCOPE)]),
    };
    const activate: Call = {
      name: "set_active",
      program: authorizer,
      accounts: namedAccounts("grantor(s) grant(w)", accounts),
      data: Buffer.concat([u8(1), u8(1)]),
    };
    this.chain.mustSend([toInstruction(create), toInstruction(activate)]);
  }

  member(index: number): Member {
    const known = this.members[index];
    if (known) return known;
    const { coordinator } = this.chain.programs;
    const owner = this.chain.funded(`owner ${index} of ${this.runId}`);
    const session = this.chain.funded(`session ${index} of ${this.runId}`);
    const links = [createHash("sha256").update(`chain ${index}`).digest() as Uint8Array];
    for (let n = 1; n < CHAIN_LINKS; n++)
      links.push(
        createHash("sha256")
          .update(links[n - 1])
          .digest(),
      );
    const member: Member = {
      index,
      owner,
      session,
      peer: this.chain.keys.key(`peer ${index} of ${this.runId}`),
      sessionAccount: sessionAddress(coordinator, this.at.run, session.address),
      memberAccount: memberAddress(coordinator, this.at.run, owner.address),
      links: links.reverse(),
    };
    this.members[index] = member;
    return member;
  }

  join(member: Member): void {
    this.send(this.openSession(member));
    this.send(this.joinRun(member));
  }

  /** The next link of its chain to commit to, from which its messages go on. */
  freshLink(member: Member): Uint8Array {
    const links = (this.#revealed.get(member.index) ?? 0) + 1;
    this.#revealed.set(member.index, links);
    return member.links[links];
  }

  /** Between two epochs: commits to the rest of its chain anew, as a client does that changes something. */
  rejoin(member: Member): void {
    this.send(this.joinRun(member, { chainHead: this.freshLink(member) }));
  }

  // instructions

  /** With this run's accounts; `more` gives and overrides addresses by name. */
  call(
    name: CoordinatorInstruction,
    data: readonly Uint8Array[] = [],
    more: Readonly<Record<string, Address>> = {},
    repeated: readonly Address[] = [],
  ): Call {
    const addresses = {
      ...this.at,
      payer: this.creator.address,
      authority: this.creator.address,
      spill: this.creator.address,
      system: SYSTEM_PROGRAM,
      slot_hashes: SLOT_HASHES,
      authorization: this.grant,
      ...more,
    };
    return coordinatorCall(this.chain.programs.coordinator, name, addresses, data, repeated);
  }

  createRun(): Call {
    const { mainAuthority = this.creator.address, minBondLamports = 0n } = this.#options;
    const texts = [text(this.runId), text("A run"), text("made by a test"), text("starling 0.1.0")];
    const keys = [key(mainAuthority), key(this.joinAuthority.address), key(this.chain.programs.authorizer)];
    return this.call("create_run", [...texts, ...keys, u64(minBondLamports)]);
  }

  writeConfig(): Call[] {
    const bytes = new TextEncoder().encode(this.toml);
    const calls: Call[] = [];
    for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
      calls.push(this.call("write_config", [u16(offset), bytes.subarray(offset, offset + CHUNK_BYTES)]));
    }
    return calls;
  }

  updateConfig(config: Partial<MachineConfig> = {}): Call {
    return this.updateConfigBytes(encodeConfig({ ...this.config, ...config }));
  }

  /** `config`: the machine's, encoded. */
  updateConfigBytes(config: Uint8Array): Call {
    const bytes = new TextEncoder().encode(this.toml);
    const hash = createHash("sha256").update(bytes).digest();
    return this.call("update_config", [u16(bytes.length), hash, config]);
  }

  setPaused(paused: boolean): Call {
    return this.call("set_paused", [u8(paused ? 1 : 0)]);
  }

  openSession(member: Member, { expiresMs = NEVER_MS, floatLamports = 0n } = {}): Call {
    return this.call("open_session", [u64(expiresMs), u64(floatLamports)], {
      ...this.of(member),
      session: member.sessionAccount,
    });
  }

  closeSession(member: Member, closer = member.owner): Call {
    return this.call("close_session", [], { ...this.of(member), closer: closer.address });
  }

  joinRun(member: Member, { chainHead = member.links[0], addresses = "/ip4/127.0.0.1/tcp/4001" } = {}): Call {
    return this.call("join_run", [chainHead, text(addresses)], this.of(member));
  }

  leaveRun(member: Member): Call {
    return this.call("leave_run", [], this.of(member));
  }

  tickCall(): Call {
    const run = this.machine();
    const height = run.number("height") & 3;
    return this.call("tick", [], { round: this.at[`round${height}`] });
  }

  warmupWitness(slot: number): Call {
    return this.call("warmup_witness", [u16(slot)], this.ofSlot(slot));
  }

  /** The next message of that slot's chain: `batches` held (all, if left out), one list root for all. Counts as revealed when it is sent by `sendWitness`. */
  witness(
    slot: number,
    {
      parameterHash = new Uint8Array(32) as Uint8Array,
      batches = allOf(this.round().number("batch_count")),
      tail = new Uint8Array() as Uint8Array,
    } = {},
  ): Call {
    const member = this.memberInSlot(slot);
    const link = member.links[(this.#revealed.get(member.index) ?? 0) + 1];
    const bitmap = new Uint8Array(32);
    for (const batch of batches) bitmap[batch >> 3] |= 1 << (batch & 7);
    const listRoot = createHash("sha256")
      .update(`list of ${this.machine().number("step")}`)
      .digest();
    return this.call("witness", [u16(slot), u32(this.machine().number("step")), bitmap, listRoot, link, parameterHash, tail], {
      ...this.ofSlot(slot),
      round: this.at[`round${this.machine().number("height") & 3}`],
    });
  }

  /** False where the slot is not elected, or gone. */
  sendWitness(slot: number, options: { parameterHash?: Uint8Array; batches?: readonly number[] } = {}): boolean {
    const member = this.memberInSlot(slot);
    const call = this.witness(slot, options);
    const outcome = this.chain.send(toInstruction(call));
    if (outcome.ok) {
      this.onSent?.(call, outcome, "");
      this.#revealed.set(member.index, (this.#revealed.get(member.index) ?? 0) + 1);
      return true;
    }
    if (outcome.name === "NotElected" || outcome.name === "NotLive") return false;
    throw new Error(`witness of slot ${slot}: ${outcome.name}\n${outcome.logs.join("\n")}`);
  }

  downloaded(slot: number, listsHeld: number): Call {
    return this.call("downloaded", [u16(slot), u32(this.machine().number("step")), u32(listsHeld)], this.ofSlot(slot));
  }

  healthCheck(slot: number, targets: readonly number[]): Call {
    return this.call("health_check", [u16(slot), ...targets.map(u16)], this.ofSlot(slot));
  }

  reportEquivocation(slot: number, target: number): Call {
    return this.call("report_equivocation", [u16(slot), u16(target)], this.ofSlot(slot));
  }

  checkpoint(slot: number, hash: Uint8Array, location: string): Call {
    return this.call("checkpoint", [u16(slot), hash, text(location)], this.ofSlot(slot));
  }

  settle(table: number, slots: readonly number[]): Call {
    const data = this.chain.data(this.at[`table${table}`]);
    const owners = slots.map((slot) => memberAddress(this.chain.programs.coordinator, this.at.run, ownerInSlot(data, slot)));
    return this.call("settle", [u8(table), ...slots.map(u16)], this.table(table), owners);
  }

  // moving it

  send(call: Call): Sent {
    const from = call.name === "tick" ? this.state() : "";
    try {
      const sent = this.chain.mustSend(toInstruction(call));
      this.onSent?.(call, sent, from);
      return sent;
    } catch (error) {
      throw new Error(`${call.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Throws unless the tick changed the run's nonce. */
  tick(): void {
    const before = this.nonce();
    this.send(this.tickCall());
    if (this.nonce() === before) throw new Error(`a tick in ${this.state()} changed nothing`);
  }

  /** RoundTrain to the next RoundTrain, RoundWitness with a quorum's downloads included, or to Cooldown. */
  playRound(options: { parameterHash?: Uint8Array; batches?: readonly number[] } = {}): void {
    this.witnessRound(options);
    this.finishRound();
  }

  /** Every elected slot reports; then RoundWitness. */
  witnessRound(options: { parameterHash?: Uint8Array; batches?: readonly number[] } = {}): void {
    const elected = this.round().number("elected_count");
    let reported = 0;
    for (const slot of this.slots()) {
      if (reported === elected) break;
      if (this.sendWitness(slot, options)) reported++;
    }
    this.chain.advance(1);
    this.tick();
  }

  finishRound(): void {
    const round = this.round();
    const count = round.number("witnesses_len");
    const entries = Array.from({ length: count }, (_, index) => round.nested("witnesses", "WitnessHot", index));
    const held = entries.reduce((mask, entry) => (mask | (1 << entry.number("position"))) >>> 0, 0);
    for (const entry of entries) this.send(this.downloaded(entry.number("client_index"), held));
    this.chain.advance(1);
    this.tick();
  }

  /** The whole running epoch, from RoundTrain to the state after Cooldown. */
  playEpoch(parameterHash = createHash("sha256").update("parameters").digest() as Uint8Array): void {
    while (this.state() === "RoundTrain") {
      const isLast = this.isLastDrainRound();
      this.playRound(isLast ? { parameterHash } : {});
    }
    this.chain.advance(6);
    this.tick();
  }

  /** Every slot of both tables whose points are not settled. */
  settleAll(): void {
    for (const index of [0, 1]) {
      const table = machineTable(this.chain.data(this.at[`table${index}`]));
      if (table.number("unsettled") === 0) continue;
      const slots = Array.from({ length: table.number("len") }, (_, slot) => slot);
      for (let from = 0; from < slots.length; from += 20) this.send(this.settle(index, slots.slice(from, from + 20)));
    }
  }

  /** Rounds of an epoch with `roundsPerEpoch` are followed by two that drain. */
  isLastDrainRound(): boolean {
    const run = this.machine();
    const last = run.number("last_step");
    return last !== 0 && run.number("step") + 1 === last;
  }

  // reading it

  machine(): Struct<"Run"> {
    return machineRun(this.chain.data(this.at.run));
  }

  round(): Struct<"RoundHot"> {
    const run = this.machine();
    return run.nested("rounds", "RoundHot", run.number("height") & 3);
  }

  state(): RunState {
    return RUN_STATES[this.machine().number("run_state")];
  }

  nonce(): bigint {
    return readRunHeader(this.chain.data(this.at.run)).nonce;
  }

  readMember(member: Member): MemberAccount {
    return readMember(this.chain.data(member.memberAccount));
  }

  stateBytes(): Uint8Array {
    return assembleState(this.chain, this.at);
  }

  /** Slots of the running epoch. */
  slots(): number[] {
    const length = machineTable(this.chain.data(this.currentTable())).number("len");
    return Array.from({ length }, (_, slot) => slot);
  }

  currentTable(): Address {
    return this.at[`table${this.machine().number("table")}`];
  }

  memberInSlot(slot: number): Member {
    const session = Buffer.from(tableSlot(this.chain.data(this.currentTable()), slot).bytes("session"));
    const member = this.members.find((each) => session.equals(each.session.bytes));
    if (!member) throw new Error(`slot ${slot} holds no member of this scenario`);
    return member;
  }

  table(index: number): { table: Address } {
    return { table: this.at[`table${index}`] };
  }

  of(member: Member): Record<string, Address> {
    return {
      owner: member.owner.address,
      session_key: member.session.address,
      peer: member.peer.address,
      session: member.sessionAccount,
      member: member.memberAccount,
    };
  }

  ofSlot(slot: number): Record<string, Address> {
    return { ...this.of(this.memberInSlot(slot)), table: this.currentTable() };
  }
}

function allOf(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function ownerInSlot(table: Uint8Array, slot: number): Address {
  return addressOf(tableSlot(table, slot).bytes("owner"));
}
