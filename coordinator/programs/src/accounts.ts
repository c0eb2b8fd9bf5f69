/** Where a run's accounts lie and what is in them. Offsets are those of version 1 of each account; test/layout.test.ts pins them. */
import type { Address } from "@solana/kit";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { Struct } from "@starling/sdk/struct";
import { addressBytes, findPda } from "./pda.ts";
import type { Chain } from "./harness.ts";

export const TABLE_BYTES = 40 + LAYOUT.EpochTable.bytes;
export const ROUND_BYTES = 40 + LAYOUT.RoundDetail.bytes + 1024;
/** of the machine's piece in its account */
export const MACHINE_OFFSET = { run: 176, table: 40, round: 40 } as const;
/** what creating instructions can give an account at once, and `allocate` adds */
export const GROWTH_BYTES = 10_240;
export const JOIN_SCOPE = "CoordinatorJoinRun";
/** the grantee of a grant for everybody */
export const ANYBODY = "11111111111111111111111111111111" as Address;

export interface RunAddresses extends Readonly<Record<string, Address>> {
  readonly run: Address;
  readonly config: Address;
  readonly table0: Address;
  readonly table1: Address;
  readonly round0: Address;
  readonly round1: Address;
  readonly round2: Address;
  readonly round3: Address;
}

export function runAddresses(program: Address, runId: string): RunAddresses {
  const [run] = findPda(program, ["run", runId]);
  const of = (name: string, index?: number): Address =>
    findPda(program, [name, addressBytes(run), ...(index === undefined ? [] : [Uint8Array.of(index)])])[0];
  return {
    run,
    config: of("config"),
    table0: of("table", 0),
    table1: of("table", 1),
    round0: of("round", 0),
    round1: of("round", 1),
    round2: of("round", 2),
    round3: of("round", 3),
  };
}

export function memberAddress(program: Address, run: Address, owner: Address): Address {
  return findPda(program, ["member", addressBytes(run), addressBytes(owner)])[0];
}

export function sessionAddress(program: Address, run: Address, session: Address): Address {
  return findPda(program, ["session", addressBytes(run), addressBytes(session)])[0];
}

export function grantAddress(authorizer: Address, grantor: Address, grantee: Address, scope = JOIN_SCOPE): Address {
  return findPda(authorizer, ["grant", addressBytes(grantor), addressBytes(grantee), scope])[0];
}

/** (32) zero padded */
export function scopeBytes(scope: string): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(new TextEncoder().encode(scope));
  return padded;
}

export interface RunHeader {
  mainAuthority: Uint8Array;
  joinAuthority: Uint8Array;
  authorizerProgram: Uint8Array;
  nonce: bigint;
  minBondLamports: bigint;
  createdMs: bigint;
  configSha256: Uint8Array;
  /** the sum of what its members can claim */
  unclaimedPoints: bigint;
  /** what is funded and not promised; 2^64 - 1: never funded */
  unpromisedPoints: bigint;
}

export function readRunHeader(data: Uint8Array): RunHeader {
  const view = new DataView(data.buffer, data.byteOffset);
  return {
    mainAuthority: data.slice(8, 40),
    joinAuthority: data.slice(40, 72),
    authorizerProgram: data.slice(72, 104),
    nonce: view.getBigUint64(104, true),
    minBondLamports: view.getBigUint64(112, true),
    createdMs: view.getBigUint64(120, true),
    configSha256: data.slice(128, 160),
    unclaimedPoints: view.getBigUint64(160, true),
    unpromisedPoints: view.getBigUint64(168, true),
  };
}

export interface MemberAccount {
  runCreatedMs: bigint;
  owner: Uint8Array;
  grant: Uint8Array;
  earned: bigint;
  slashed: bigint;
  claimed: bigint;
  bondLamports: bigint;
  unbondingLamports: bigint;
  unbondingEpoch: number;
  ejected: boolean;
}

export const MEMBER_BYTES = 160;
export const SESSION_BYTES = 560;

/** header, run, run_created_ms, owner, grant, ... */
export function readMember(data: Uint8Array): MemberAccount {
  const view = new DataView(data.buffer, data.byteOffset);
  return {
    runCreatedMs: view.getBigUint64(40, true),
    owner: data.slice(48, 80),
    grant: data.slice(80, 112),
    earned: view.getBigUint64(112, true),
    slashed: view.getBigUint64(120, true),
    claimed: view.getBigUint64(128, true),
    bondLamports: view.getBigUint64(136, true),
    unbondingLamports: view.getBigUint64(144, true),
    unbondingEpoch: view.getUint16(152, true),
    ejected: data[154] === 1,
  };
}

export interface SessionAccount {
  runCreatedMs: bigint;
  owner: Uint8Array;
  session: Uint8Array;
  peerId: Uint8Array;
  expiresMs: bigint;
  addresses: string;
}

export function readSession(data: Uint8Array): SessionAccount {
  const view = new DataView(data.buffer, data.byteOffset);
  const length = view.getUint16(152, true);
  return {
    runCreatedMs: view.getBigUint64(40, true),
    owner: data.slice(48, 80),
    session: data.slice(80, 112),
    peerId: data.slice(112, 144),
    expiresMs: view.getBigUint64(144, true),
    addresses: new TextDecoder().decode(data.subarray(160, 160 + length)),
  };
}

/** The machine's `Run` in the account, by field name. */
export function machineRun(data: Uint8Array): Struct<"Run"> {
  return new Struct("Run", data, MACHINE_OFFSET.run);
}

/** The machine's `EpochTable` in the account. */
export function machineTable(data: Uint8Array): Struct<"EpochTable"> {
  return new Struct("EpochTable", data, MACHINE_OFFSET.table);
}

export function tableSlot(data: Uint8Array, slot: number): Struct<"Slot"> {
  return machineTable(data).nested("slots", "Slot", slot);
}

/** What wasm and the TCP server hold of a run, put together from its seven accounts. */
export function assembleState(chain: Chain, addresses: RunAddresses): Uint8Array {
  const { run, table0, table1, round0, round1, round2, round3 } = addresses;
  const part = (address: Address, offset: number, bytes: number): Uint8Array => chain.data(address).subarray(offset, offset + bytes);
  return Buffer.concat([
    part(run, MACHINE_OFFSET.run, LAYOUT.Run.bytes),
    ...[table0, table1].map((address) => part(address, MACHINE_OFFSET.table, LAYOUT.EpochTable.bytes)),
    ...[round0, round1, round2, round3].map((address) => part(address, MACHINE_OFFSET.round, LAYOUT.RoundDetail.bytes)),
  ]);
}
