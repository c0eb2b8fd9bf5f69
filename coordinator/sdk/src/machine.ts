/**
 * The coordinator's state machine: coordinator/crates/machine, run as wasm. A `Machine` holds the bytes of one run; every
 * method is synchronous, and one that throws a `MachineError` has changed nothing.
 */
import { equalBytes } from "./bytes.ts";
import { LAYOUT, LIMITS } from "./generated/machineLayout.ts";
import { MachineError } from "./machineError.ts";
import { machineModule } from "./machineModule.ts";
import type { MachineModule } from "./machineModule.ts";
import { packState, unpackState } from "./stateBytes.ts";
import { decodeSettled, decodeState, encodeConfig, encodeMember, encodeWitnessMessage } from "./stateCodec.ts";
import { Struct } from "./struct.ts";
import type { BatchAssignment, CoordinatorState, Elected, MachineConfig, Member, Settled, TickOutcome, WitnessMessage } from "./types.ts";

export { MachineError } from "./machineError.ts";
export type { MachineErrorCode } from "./machineError.ts";

const TICK_OUTCOMES: readonly TickOutcome[] = ["unchanged", "moved", "epoch-succeeded", "epoch-failed"];
const KEY_BYTES = 32;
/** Which run's bytes the module of this thread holds now. */
let inPlace: Uint8Array | null = null;

/** Every broken rule of the config, as an error each; empty for a sound one. Throws `BadArgument` if a value does not fit. */
export function checkConfig(config: MachineConfig): MachineError[] {
  const module = machineModule();
  module.input.set(encodeConfig(config));
  const count = module.call.config_violations();
  const numbers = new DataView(module.output.buffer, module.output.byteOffset);
  return Array.from({ length: count }, (_, index) => MachineError.fromNumber(numbers.getUint16(index * 2, true), "config"));
}

export class Machine {
  /** as the machine has them, 122 KB */
  #bytes: Uint8Array;
  #decoded: CoordinatorState | null = null;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A new run, Uninitialized. `runId` is 1 to 32 bytes of UTF-8. Throws the config's first broken rule. */
  static create(runId: string, config: MachineConfig, nowMs: bigint): Machine {
    const name = new TextEncoder().encode(runId);
    if (name.length > LIMITS.RUN_ID_BYTES)
      throw new MachineError("InvalidRunId", `create: the run id "${runId}" is longer than ${LIMITS.RUN_ID_BYTES} bytes`);
    const machine = new Machine(new Uint8Array(LAYOUT.State.bytes));
    const encoded = encodeConfig(config);
    machine.#change("create", (module) => {
      module.input.fill(0, 0, LIMITS.RUN_ID_BYTES);
      module.input.set(name);
      module.input.set(encoded, LIMITS.RUN_ID_BYTES);
      return module.call.create(name.length, instant(nowMs));
    });
    return machine;
  }

  /** From `bytes()` of a machine of the same version. Throws `WrongStateSize`, `WrongStateVersion` or `CorruptState`. */
  static load(bytes: Uint8Array): Machine {
    const machine = new Machine(unpackState(bytes));
    machine.#ask("load", (module) => module.call.validate());
    return machine;
  }

  /** The whole state, packed: about 4 KB for three clients, at most 125 KB. Equal states have equal bytes. */
  bytes(): Uint8Array {
    return packState(this.#bytes);
  }

  /** The whole state, decoded; the same object until the next change. Do not write to it. */
  state(): CoordinatorState {
    this.#decoded ??= decodeState(this.#bytes);
    return this.#decoded;
  }

  /** Uninitialized -> WaitingForMembers. */
  start(nowMs: bigint): void {
    this.#change("start", (module) => module.call.start(instant(nowMs)));
  }

  /**
   * Makes the one transition that is due, if any. `serverRandom` (32 bytes) must be fresh and unpredictable. A caller ticks
   * whenever `isTickDue`, also right after a message: a quorum of witnesses ends a phase at the next tick. Throws `Halted`
   * while Uninitialized, Paused or Finished.
   */
  tick(nowMs: bigint, serverRandom: Uint8Array): TickOutcome {
    const random = key(serverRandom, "tick: serverRandom");
    const outcome = this.#change("tick", (module) => {
      module.input.set(random);
      return module.call.tick(instant(nowMs));
    });
    return TICK_OUTCOMES[outcome];
  }

  /** Whether a tick now would change something; false while halted. */
  isTickDue(nowMs: bigint): boolean {
    return this.#ask("isTickDue", (module) => module.call.is_tick_due(instant(nowMs))) === 1;
  }

  /**
   * A member of the next epoch and of those after it, from now on. Again with the same session: takes the new keys. Returns
   * whether anything changed. Throws `SessionExpired`, `OwnerEjected`, `PeerTaken`, `RunFull`, `TableUnsettled`, `Halted`.
   */
  join(member: Member, nowMs: bigint): boolean {
    const encoded = encodeMember(member);
    const unchanged = this.#change("join", (module) => {
      module.input.set(encoded);
      return module.call.join(instant(nowMs));
    });
    return unchanged === 0;
  }

  /** The session waits no longer, gives up its slot of a running epoch, and is not in the next. Throws `NotMember`. */
  leave(session: Uint8Array): void {
    const bytes = key(session, "leave: session");
    this.#change("leave", (module) => {
      module.input.set(bytes);
      return module.call.leave();
    });
  }

  /** The owner's sessions are in no epoch after the running one; slots of that one stay theirs. Throws `NotMember`. */
  withdrawCarry(owner: Uint8Array): void {
    const bytes = key(owner, "withdrawCarry: owner");
    this.#change("withdrawCarry", (module) => {
      module.input.set(bytes);
      return module.call.withdraw_carry();
    });
  }

  /** Takes the points of one slot of an ended epoch out of its table. Throws `NothingToSettle`, `AlreadySettled`, `NotSettleable`. */
  settle(table: 0 | 1, slot: number): Settled {
    this.#change("settle", (module) => module.call.settle(table, unsigned(slot, 16, "slot")));
    return decodeSettled(machineModule().output);
  }

  /** Settles every slot of the epochs that are over. Returns how many. */
  settleAll(): number {
    return this.#change("settleAll", (module) => module.call.settle_all());
  }

  /** The client in `slot` is ready to train. Returns whether that is news. */
  warmupWitness(slot: number, nowMs: bigint): boolean {
    return this.#change("warmupWitness", (module) => module.call.warmup_witness(unsigned(slot, 16, "slot"), instant(nowMs))) === 0;
  }

  witness(slot: number, message: WitnessMessage, nowMs: bigint): void {
    const encoded = encodeWitnessMessage(message);
    this.#change("witness", (module) => {
      module.input.set(encoded);
      return module.call.witness(unsigned(slot, 16, "slot"), instant(nowMs));
    });
  }

  /** `listsHeld`: unsigned 32-bit mask over witness positions (`>>> 0` after JavaScript's bit operators). */
  downloaded(slot: number, step: number, listsHeld: number, nowMs: bigint): void {
    this.#change("downloaded", (module) =>
      module.call.downloaded(unsigned(slot, 16, "slot"), unsigned(step, 32, "step"), unsigned(listsHeld, 32, "listsHeld"), instant(nowMs)),
    );
  }

  /** Drops all of `targets`, or none if one of them is not unhealthy. Returns how many were dropped. */
  healthCheck(from: number, targets: readonly number[], nowMs: bigint): number {
    if (targets.length > LIMITS.MAX_CLIENTS) {
      throw new MachineError("BadArgument", `healthCheck: ${targets.length} targets, expected at most ${LIMITS.MAX_CLIENTS}`);
    }
    return this.#change("healthCheck", (module) => {
      const view = new DataView(module.input.buffer, module.input.byteOffset);
      targets.forEach((target, index) => view.setUint16(index * 2, unsigned(target, 16, "target"), true));
      return module.call.health_check(unsigned(from, 16, "from"), targets.length, instant(nowMs));
    });
  }

  /** Whether a health check would find the client unhealthy. */
  isUnhealthy(slot: number): boolean {
    return this.#ask("isUnhealthy", (module) => module.call.is_unhealthy(unsigned(slot, 16, "slot"))) === 1;
  }

  /** Returns whether this report completed the quorum and the target is now ejected. */
  reportEquivocation(from: number, target: number, nowMs: bigint): boolean {
    return (
      this.#change("reportEquivocation", (module) =>
        module.call.report_equivocation(unsigned(from, 16, "from"), unsigned(target, 16, "target"), instant(nowMs)),
      ) === 1
    );
  }

  pause(nowMs: bigint): void {
    this.#change("pause", (module) => module.call.pause(instant(nowMs)));
  }

  resume(nowMs: bigint): void {
    this.#change("resume", (module) => module.call.resume(instant(nowMs)));
  }

  /** Only while Uninitialized, Paused or Finished. */
  updateConfig(config: MachineConfig): void {
    const encoded = encodeConfig(config);
    this.#change("updateConfig", (module) => {
      module.input.set(encoded);
      return module.call.update_config();
    });
  }

  /** Points from the next epoch on. */
  setFutureEpochRates(earningTotalShared: bigint, slashingPerClient: bigint): void {
    this.#change("setFutureEpochRates", (module) =>
      module.call.set_future_epoch_rates(u64(earningTotalShared, "earningTotalShared"), u64(slashingPerClient, "slashingPerClient")),
    );
  }

  /** Records where the parameters with the agreed hash lie. `location` is 1 to 192 bytes of UTF-8. */
  checkpoint(location: string, parameterHash: Uint8Array): void {
    const encoded = new TextEncoder().encode(location);
    if (encoded.length > LIMITS.CHECKPOINT_LOCATION_BYTES) {
      throw new MachineError(
        "InvalidCheckpointLocation",
        `checkpoint: ${encoded.length} bytes, expected at most ${LIMITS.CHECKPOINT_LOCATION_BYTES}`,
      );
    }
    const hash = key(parameterHash, "checkpoint: the hash");
    this.#change("checkpoint", (module) => {
      module.input.set(hash);
      module.input.set(encoded, hash.length);
      return module.call.checkpoint(encoded.length);
    });
  }

  /** Who trains what in a stored round, in batch order; empty in a drain round. Throws `UnknownRound`. */
  assignment(height: number): BatchAssignment[] {
    return this.#list(
      "assignment",
      "BatchAssignment",
      (module) => module.call.assignment(unsigned(height, 32, "height")),
      (struct) => ({
        batch: struct.number("batch"),
        clientIndex: struct.number("client_index"),
        start: struct.bigint("start"),
        end: struct.bigint("end"),
      }),
    );
  }

  /** The witnesses of a stored round, in slot order. Throws `UnknownRound`. */
  elected(height: number): Elected[] {
    return this.#list(
      "elected",
      "Elected",
      (module) => module.call.elected(unsigned(height, 32, "height")),
      (struct) => ({
        clientIndex: struct.number("client_index"),
        position: struct.number("position"),
      }),
    );
  }

  /** How many of the round's elected witnesses decide. Throws `UnknownRound`. */
  quorum(height: number): number {
    return this.#ask("quorum", (module) => module.call.quorum(unsigned(height, 32, "height")));
  }

  /** Sequences in a round that begins at `dataIndex` (in sequences). */
  batchSizeAt(dataIndex: bigint): number {
    return this.#ask("batchSizeAt", (module) => module.call.batch_size_at(u64(dataIndex, "dataIndex")));
  }

  /** The slot of a session key in this epoch, or null. */
  slotOfSession(session: Uint8Array): number | null {
    return this.state().clients.find((client) => equalBytes(client.session, session))?.index ?? null;
  }

  /** The slot of a peer id in this epoch, or null. */
  slotOfPeer(peerId: Uint8Array): number | null {
    return this.state().clients.find((client) => equalBytes(client.peerId, peerId))?.index ?? null;
  }

  /** Calls into the module with this run in place; keeps the changed state only if the call was accepted. */
  #change(context: string, call: (module: MachineModule) => number): number {
    const result = this.#ask(context, call);
    this.#bytes = machineModule().state.slice();
    inPlace = this.#bytes;
    this.#decoded = null;
    return result;
  }

  /** Questions leave the module's copy as it is, so it is written again only for another run, or after a refusal. */
  #ask(context: string, call: (module: MachineModule) => number): number {
    const module = machineModule();
    if (inPlace !== this.#bytes) module.state.set(this.#bytes);
    inPlace = null;
    const result = call(module);
    if (result < 0) throw MachineError.fromNumber(-result, context);
    inPlace = this.#bytes;
    return result;
  }

  #list<N extends "BatchAssignment" | "Elected", T>(
    context: string,
    name: N,
    call: (module: MachineModule) => number,
    decode: (struct: Struct<N>) => T,
  ): T[] {
    const count = this.#ask(context, call);
    const { output } = machineModule();
    return Array.from({ length: count }, (_, index) => decode(new Struct(name, output, index * LAYOUT[name].bytes)));
  }
}

/** wasm would wrap a number that does not fit, and a wrong slot could become a right one. */
function unsigned(value: number, bits: 16 | 32, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new MachineError("BadArgument", `${what}: expected an integer from 0 to 2^${bits} - 1, got ${value}`);
  }
  return value;
}

function key(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length === KEY_BYTES) return bytes;
  throw new MachineError("BadArgument", `${what} has ${bytes.length} bytes, expected ${KEY_BYTES}`);
}

function u64(value: bigint, what: string): bigint {
  if (value < 0n || value >> 64n !== 0n) throw new MachineError("BadArgument", `${what}: expected 0 to 2^64 - 1, got ${value}`);
  return value;
}

function instant(nowMs: bigint): bigint {
  return u64(nowMs, "nowMs");
}
