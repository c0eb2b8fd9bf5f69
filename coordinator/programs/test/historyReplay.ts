/**
 * A random history of the machine (coordinator/crates/history), made again by instructions of the deployed program. After every
 * call all bytes of the run's machine in its seven accounts must be those of the native machine, and the books must balance.
 */
import type { Address } from "@solana/kit";
import { assembleState, MACHINE_OFFSET, readMember, readRunHeader } from "@starling/programs/accounts";
import { someAddress } from "@starling/programs/attack";
import { Chain, SYSTEM_PROGRAM } from "@starling/programs/harness";
import { addressBytes, addressOf } from "@starling/programs/pda";
import { Scenario } from "@starling/programs/scenario";
import { type Call, toInstruction } from "@starling/programs/wire";
import { LAYOUT, MACHINE_ERRORS } from "@starling/sdk/generated/machineLayout";
import type { History, HistoryCall } from "@starling/sdk/testHistories.node";
import { createHash } from "node:crypto";

const TABLE_START = [LAYOUT.Run.bytes, LAYOUT.Run.bytes + LAYOUT.EpochTable.bytes];
const SLOTS_OFFSET = 8;
const EARNED_OFFSET = LAYOUT.Slot.fields.earned.offset;
const SETTLED_OFFSET = LAYOUT.Slot.fields.settled.offset;
/** what the program refuses before it asks the machine, or by a check of its own with the same meaning */
const OWN_REFUSALS: ReadonlySet<string> = new Set([
  "NotTheSlotsSession",
  "SessionExpired",
  "MemberEjected",
  "BadText",
  "BadArgument",
  "WrongAddress",
  "FractionalTime",
  "NotConfigured",
]);
/** of the machine, where the program skips instead: nothing is owed for that slot */
const SKIPPED_SETTLEMENTS = new Set(["NothingToSettle", "AlreadySettled", "NotSettleable"]);

/** Null, or where and how the program differs from the native machine. */
export function replayInProgram(history: History, chain: Chain): string | null {
  return new Replay(history, chain).run();
}

/** A chain for many replays: whatever key a history draws may sign. */
export function replayChain(): Chain {
  return new Chain({ seed: "histories", checkSignatures: false });
}

class Replay {
  readonly #history: History;
  readonly #chain: Chain;
  readonly #run: Scenario;
  readonly #owners = new Map<string, Address>();
  /** of the whole state, as wasm has it; pieces are read again when an instruction may write them */
  #state = new Uint8Array();
  /** points that ended epochs gave */
  #paid = 0n;

  constructor(history: History, chain: Chain) {
    this.#history = history;
    this.#chain = chain;
    this.#run = new Scenario(chain, { runId: Buffer.from(history.head.runId, "hex").toString() });
  }

  run(): string | null {
    const { head, calls } = this.#history;
    this.#chain.setTimeMs(BigInt(head.now));
    this.#wipe();
    this.#run.create().allocate();
    this.#run.openToEverybody();
    for (const call of this.#run.writeConfig()) this.#run.send(call);
    this.#run.send(this.#run.updateConfigBytes(Buffer.from(head.config, "hex")));
    this.#state = new Uint8Array(assembleState(this.#chain, this.#run.at));
    let sha256 = head.sha256;
    if (this.#hash() !== sha256) return `seed ${head.seed}: another state after create`;
    for (const [index, entry] of calls.entries()) {
      const at = `seed ${head.seed}, call ${index} (${entry.call} at ${entry.now})`;
      this.#chain.setTimeMs(BigInt(entry.now));
      const wrong = this.#make(entry);
      if (wrong !== null) return `${at}: native ${entry.result}, program ${wrong}`;
      sha256 = entry.sha256 ?? sha256;
      if (this.#hash() !== sha256) return `${at}: the states differ`;
    }
    return this.#unbalanced();
  }

  /** Null where the program answered as the machine did. */
  #make(entry: HistoryCall): string | null {
    const isOk = entry.result.startsWith("ok:");
    const call = this.#instruction(entry);
    if (call === null) return isOk ? "has no such instruction" : null;
    const outcome = this.#chain.send(toInstruction(call));
    if (outcome.ok) this.#reread(call);
    if (entry.call === "tick" && outcome.ok) this.#pay(entry.result);
    if (isOk && entry.call === "warmup_witness" && entry.result === "ok:0") {
      return outcome.ok || outcome.name === "NotTheSlotsSession" ? null : outcome.name; // too late to matter, whoever says it
    }
    if (isOk) return outcome.ok ? null : outcome.name;
    const expected = (MACHINE_ERRORS as Record<number, { code: string }>)[Number(entry.result.slice(4))].code;
    if (outcome.ok) return entry.call === "settle" && SKIPPED_SETTLEMENTS.has(expected) ? null : "accepted";
    if (entry.call === "settle" && outcome.name === "UnknownSlot") return null; // which it asks first
    return outcome.name === expected || OWN_REFUSALS.has(outcome.name) ? null : outcome.name;
  }

  /** Null for a call that no instruction makes in this state. */
  #instruction({ call, args: hex }: HistoryCall): Call | null {
    const run = this.#run;
    const args = Buffer.from(hex, "hex");
    const isNew = this.#runState() === 0;
    switch (call) {
      case "start":
        return isNew ? run.setPaused(false) : null;
      case "resume":
        return isNew ? null : run.setPaused(false);
      case "pause":
        return run.setPaused(true);
      case "update_config":
        return run.updateConfigBytes(args);
      case "set_future_epoch_rates":
        return run.call("set_future_epoch_rates", [args]);
      case "tick":
        this.#chain.setSlotHash(args);
        return run.tickCall();
      case "join":
        return run.call("join_run", [args.subarray(96, 128), Uint8Array.of(0, 0)], this.#present(args));
      case "leave":
        return run.call("leave_run", [], { session_key: addressOf(args) });
      case "withdraw_carry": {
        const member = this.#member(args, run.grant);
        this.#activate(false);
        return run.call("enforce_grant", [], { member });
      }
      case "checkpoint":
        return this.#checkpoint(args);
      case "settle":
        return this.#settle(args);
      case "witness": {
        const [slot, message] = [args.readUInt16LE(0), args.subarray(2)];
        const data = [args.subarray(0, 2), message.subarray(128, 132), message.subarray(0, 128)];
        return run.call("witness", data, { ...this.#ofSlot(slot), round: run.at[`round${this.#height() & 3}`] });
      }
      case "warmup_witness":
      case "downloaded":
      case "health_check":
      case "report_equivocation":
        return run.call(call, [args], this.#ofSlot(args.readUInt16LE(0)));
      default:
        throw new Error(`this replay does not know the call "${call}"`);
    }
  }

  /** Session and member of a membership, there as if `open_session` had made them. */
  #present(membership: Buffer): Record<string, Address> {
    const [owner, session] = [membership.subarray(0, 32), membership.subarray(32, 64)];
    this.#activate(true);
    return {
      session_key: addressOf(session),
      session: this.#session(owner, session, membership.subarray(64, 96), membership.subarray(128, 136)),
      member: this.#member(owner, this.#run.grant),
    };
  }

  #session(owner: Uint8Array, session: Uint8Array, peerId: Uint8Array, expires: Uint8Array): Address {
    const data = this.#account(6, 560);
    data.set(owner, 48);
    data.set(session, 80);
    data.set(peerId, 112);
    data.set(expires, 144);
    const address = someAddress(`session ${Buffer.from(session).toString("hex")}`);
    this.#chain.write(address, { owner: this.#chain.programs.coordinator, data });
    return address;
  }

  /** Kept between calls: points and ejections are in it. */
  #member(owner: Uint8Array, grant: Address): Address {
    const name = Buffer.from(owner).toString("hex");
    const known = this.#owners.get(name);
    if (known) return known;
    const data = this.#account(5, 160);
    data.set(owner, 48);
    data.set(addressBytes(grant), 80);
    const address = someAddress(`member ${name}`);
    this.#chain.write(address, { owner: this.#chain.programs.coordinator, data });
    this.#owners.set(name, address);
    return address;
  }

  /** With the header, the run and its time of creation. */
  #account(kind: number, bytes: number): Uint8Array {
    const data = new Uint8Array(bytes);
    data.set([kind, 1]);
    data.set(addressBytes(this.#run.at.run), 8);
    new DataView(data.buffer).setBigUint64(40, BigInt(this.#history.head.now), true);
    return data;
  }

  #activate(active: boolean): void {
    const data = this.#chain.data(this.#run.grant);
    data[112] = active ? 1 : 0;
    this.#chain.write(this.#run.grant, { owner: this.#chain.programs.authorizer, data });
  }

  #checkpoint(args: Buffer): Call | null {
    const { length } = this.#tableHead(this.#table());
    const slot = Array.from({ length }, (_, index) => index).find(
      (index) => this.#slot(this.#table(), index)[LAYOUT.Slot.fields.state.offset] !== 3,
    );
    if (slot === undefined) return null;
    const bytes = this.#slot(this.#table(), slot);
    const session = this.#session(bytes.subarray(0, 32), bytes.subarray(32, 64), bytes.subarray(64, 96), new Uint8Array(8).fill(255));
    const location = args.subarray(32);
    const data = [
      Uint8Array.of(slot & 255, slot >> 8),
      args.subarray(0, 32),
      Uint8Array.of(location.length & 255, location.length >> 8),
      location,
    ];
    return this.#run.call("checkpoint", data, { ...this.#ofSlot(slot), session });
  }

  #settle(args: Buffer): Call {
    const [table, slot] = [args[0], args.readUInt16LE(1)];
    const known = table < 2 && slot < LAYOUT.EpochTable.fields.slots.count;
    const owner = known ? this.#slot(table, slot).subarray(0, 32) : new Uint8Array(32).fill(1);
    const member = this.#member(owner, this.#run.grant);
    return this.#run.call("settle", [args], this.#run.table(table & 1), [member]);
  }

  /** The signer that may act for the slot, or a stranger where there is no such slot. */
  #ofSlot(slot: number): Record<string, Address> {
    const table = this.#table();
    const exists = slot < this.#tableHead(table).length;
    const session = exists ? addressOf(this.#slot(table, slot).slice(32, 64)) : someAddress("a stranger");
    return { session_key: session, table: this.#run.at[`table${table}`] };
  }

  #reread(call: Call): void {
    for (const { name, address, writable } of call.accounts) {
      if (!writable) continue;
      const piece = /^(run|table|round)(\d?)$/.exec(name);
      if (!piece) continue;
      const at = this.#run.at;
      if (piece[1] === "run") this.#state.set(this.#part(address, MACHINE_OFFSET.run, LAYOUT.Run.bytes), 0);
      const table = [at.table0, at.table1].indexOf(address);
      if (table >= 0) this.#state.set(this.#part(address, MACHINE_OFFSET.table, LAYOUT.EpochTable.bytes), TABLE_START[table]);
      const round = [at.round0, at.round1, at.round2, at.round3].indexOf(address);
      const firstRound = LAYOUT.Run.bytes + 2 * LAYOUT.EpochTable.bytes;
      if (round >= 0) {
        this.#state.set(this.#part(address, MACHINE_OFFSET.round, LAYOUT.RoundDetail.bytes), firstRound + round * LAYOUT.RoundDetail.bytes);
      }
    }
  }

  #part(address: Address, offset: number, bytes: number): Uint8Array {
    return this.#chain.data(address).subarray(offset, offset + bytes);
  }

  /** An epoch that ended has its points in the slots of the current table. */
  #pay(result: string): void {
    if (result !== "ok:2" && result !== "ok:3") return;
    this.#paid += this.#earnedInSlots(this.#table(), true);
  }

  #earnedInSlots(table: number, settledToo: boolean): bigint {
    let sum = 0n;
    for (let slot = 0; slot < this.#tableHead(table).length; slot++) {
      const bytes = this.#slot(table, slot);
      if (settledToo || bytes[SETTLED_OFFSET] === 0) {
        sum += new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(EARNED_OFFSET, true);
      }
    }
    return sum;
  }

  /** members + unsettled = paid, and the run's own sum of what can be claimed is the members'. */
  #unbalanced(): string | null {
    const members = [...this.#owners.values()].map((address) => readMember(this.#chain.data(address)));
    const earned = members.reduce((sum, member) => sum + member.earned, 0n);
    const unsettled = this.#earnedInSlots(0, false) + this.#earnedInSlots(1, false);
    if (earned + unsettled !== this.#paid) {
      return `seed ${this.#history.head.seed}: members have ${earned}, ${unsettled} are unsettled, ${this.#paid} were paid`;
    }
    const claimable = members.reduce((sum, { earned: all, slashed }) => sum + (all > slashed ? all - slashed : 0n), 0n);
    const { unclaimedPoints } = readRunHeader(this.#chain.data(this.#run.at.run));
    return claimable === unclaimedPoints
      ? null
      : `seed ${this.#history.head.seed}: ${claimable} claimable, the run says ${unclaimedPoints}`;
  }

  /** Nothing is left of a history before, and the creator can pay for another run. */
  #wipe(): void {
    const system = { owner: SYSTEM_PROGRAM, data: new Uint8Array() };
    this.#chain.write(this.#run.creator.address, { ...system, balance: 20_000_000_000n });
    for (const address of [...Object.values(this.#run.at), this.#run.grant]) {
      if (this.#chain.account(address)) {
        this.#chain.write(address, { ...system, balance: 0n });
      }
    }
  }

  #hash(): string {
    return createHash("sha256").update(this.#state).digest("hex");
  }

  #height(): number {
    return this.#view().getUint32(LAYOUT.Run.fields.height.offset, true);
  }

  #runState(): number {
    return this.#state[LAYOUT.Run.fields.run_state.offset];
  }

  #table(): number {
    return this.#state[LAYOUT.Run.fields.table.offset];
  }

  #tableHead(table: number): { length: number } {
    return { length: this.#view().getUint16(TABLE_START[table] + LAYOUT.EpochTable.fields.len.offset, true) };
  }

  #slot(table: number, slot: number): Uint8Array {
    const at = TABLE_START[table] + SLOTS_OFFSET + slot * LAYOUT.Slot.bytes;
    return this.#state.subarray(at, at + LAYOUT.Slot.bytes);
  }

  #view(): DataView {
    return new DataView(this.#state.buffer, this.#state.byteOffset);
  }
}
