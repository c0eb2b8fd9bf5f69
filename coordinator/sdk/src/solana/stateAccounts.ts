/** The machine's state, put together from the accounts of a run. */
import { type Address, getAddressDecoder } from "@solana/kit";
import { LAYOUT, LIMITS } from "../generated/machineLayout.ts";
import { Machine } from "../machine.ts";
import { packState } from "../stateBytes.ts";
import { Struct } from "../struct.ts";
import { ChainError } from "./chainError.ts";
import type { ChainAccount } from "./json.ts";
import type { Programs } from "./pdas.ts";

/** header, three keys, nonce, bond, created, sha256 of the configuration, unclaimed and unpromised points */
export const RUN_HEADER_BYTES = 8 + 3 * 32 + 3 * 8 + 32 + 2 * 8;
/** header, run */
export const TABLE_HEADER_BYTES = 8 + 32;
const ROUND_HEADER_BYTES = 8 + 32;
const SLOTS_OFFSET = LAYOUT.EpochTable.fields.slots.offset;

/** Bytes of a table account that hold its first `slots` slots. */
export function tableBytes(slots: number): number {
  return TABLE_HEADER_BYTES + SLOTS_OFFSET + slots * LAYOUT.Slot.bytes;
}

/** The machine's part of a table or round account: its whole length, zero where the account was read in part. */
function machinePart(
  programs: Programs,
  what: string,
  account: ChainAccount | null,
  kind: number,
  header: number,
  bytes: number,
): Uint8Array {
  const part = new Uint8Array(bytes);
  if (account === null) return part;
  if (account.owner !== programs.coordinator || account.data[0] !== kind) {
    throw new ChainError(
      "wrong-account",
      `${what}: expected an account of kind ${kind} of the coordinator program, got one of ${account.owner}`,
    );
  }
  part.set(account.data.subarray(header, header + bytes));
  return part;
}

export function tablePart(programs: Programs, account: ChainAccount | null): Uint8Array {
  return machinePart(programs, "an epoch table", account, 3, TABLE_HEADER_BYTES, LAYOUT.EpochTable.bytes);
}

export function roundPart(programs: Programs, account: ChainAccount | null): Uint8Array {
  return machinePart(programs, "a round", account, 4, ROUND_HEADER_BYTES, LAYOUT.RoundDetail.bytes);
}

/** `run`: the machine's Run; `tables`, `rounds`: the machine's parts; a round that was not read is null. Packed, as `Machine.load` takes it. */
export function packPieces(run: Uint8Array, tables: readonly Uint8Array[], rounds: readonly (Uint8Array | null)[]): Uint8Array {
  const { fields, bytes } = LAYOUT.State;
  const state = new Uint8Array(bytes);
  state.set(run, fields.run.offset);
  tables.forEach((table, index) => state.set(table, fields.tables.offset + index * LAYOUT.EpochTable.bytes));
  rounds.forEach((round, index) => {
    if (round !== null) state.set(round, fields.rounds.offset + index * LAYOUT.RoundDetail.bytes);
  });
  return packState(state);
}

/** @throws ChainError `wrong-account` for foreign accounts; MachineError where the pieces do not agree */
export function assembleState(
  programs: Programs,
  run: Uint8Array,
  tables: readonly (ChainAccount | null)[],
  rounds: readonly (ChainAccount | null)[],
): Machine {
  return Machine.load(
    packPieces(
      run,
      tables.map((table) => tablePart(programs, table)),
      rounds.map((round) => roundPart(programs, round)),
    ),
  );
}

/** What decides on its own, in the machine's Run, whether tables must be read again. */
export interface RunFacts {
  runState: number;
  epoch: number;
  height: number;
  table: 0 | 1;
  pendingLen: number;
  carriedLen: number;
  unsettled: readonly [number, number];
  live: Uint8Array;
  /** witnesses report the epoch's hash, which stands in the Round account */
  isLastDrain: boolean;
}

export function runFacts(run: Uint8Array): RunFacts {
  const struct = new Struct("Run", run);
  const unsettled = new DataView(run.buffer, run.byteOffset + LAYOUT.Run.fields.table_unsettled.offset);
  return {
    runState: struct.number("run_state"),
    epoch: struct.number("epoch"),
    height: struct.number("height"),
    table: struct.number("table") === 0 ? 0 : 1,
    pendingLen: struct.number("pending_len"),
    carriedLen: struct.number("carried_len"),
    unsettled: [unsettled.getUint16(0, true), unsettled.getUint16(2, true)],
    live: struct.bytes("live"),
    isLastDrain:
      struct.number("last_step") !== 0 && struct.number("step") + 1 === struct.number("last_step") && struct.number("rounds_len") > 0,
  };
}

/** Slots of a table in use: at most 256, whatever the bytes say. */
export function slotsInUse(table: Uint8Array): number {
  return Math.min(new Struct("EpochTable", table).number("len"), LIMITS.MAX_CLIENTS);
}

/** The slots with points or an ejection that nobody has settled yet, with their owners. */
export function unsettledSlots(table: Uint8Array): { slot: number; owner: Address }[] {
  const struct = new Struct("EpochTable", table);
  return Array.from({ length: slotsInUse(table) }, (_, slot) => ({ slot, at: struct.nested("slots", "Slot", slot) }))
    .filter(
      ({ at }) => at.number("settled") === 0 && (at.bigint("earned") > 0n || at.bigint("slashed") > 0n || at.number("state") === EJECTED),
    )
    .map(({ slot, at }) => ({ slot, owner: getAddressDecoder().decode(at.bytes("owner")) }));
}

/** CLIENT_STATES.indexOf("Ejected") */
const EJECTED = 3;
