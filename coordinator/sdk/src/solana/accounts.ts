/**
 * Reading the programs' accounts. Every one is held against its owner, kind, version and size before a field of it is believed.
 * All throw ChainError `wrong-account`, and what the cluster client throws; a missing account is null.
 */
import { type Address, getAddressDecoder, getAddressEncoder } from "@solana/kit";
import { SYSTEM_PROGRAM_ADDRESS } from "@solana-program/system";
import { getGrantDecoder } from "../generated/authorizer/index.ts";
import {
  getConfigDecoder,
  getMemberDecoder,
  getRunDecoder,
  getSessionDecoder,
  type Member,
  type Session,
} from "../generated/coordinator/index.ts";
import { LAYOUT } from "../generated/machineLayout.ts";
import { getTreasuryDecoder, type Treasury } from "../generated/treasurer/index.ts";
import type { CoordinatorState } from "../types.ts";
import { ChainError } from "./chainError.ts";
import type { ClusterClient } from "./clusterClient.ts";
import type { ChainAccount } from "./json.ts";
import {
  grantAddress,
  JOIN_SCOPE,
  memberAddress,
  type Programs,
  PUBLIC_GRANTEE,
  type RunAddresses,
  sessionAddress,
  treasuryAddress,
} from "./pdas.ts";
import { assembleState, RUN_HEADER_BYTES } from "./stateAccounts.ts";

export const KINDS = { run: 1, config: 2, epochTable: 3, round: 4, member: 5, session: 6, grant: 1, treasury: 1, participant: 2 } as const;
const VERSION = 1;

/** Lamports that somebody sent to the address of an account that is yet to be made make none. */
function made(account: ChainAccount | null): ChainAccount | null {
  return account === null || (account.owner === SYSTEM_PROGRAM_ADDRESS && account.data.length === 0) ? null : account;
}

/** The bytes of an account of `program`, of that kind and of at least that size. */
export function requireAccount(
  what: string,
  account: ChainAccount,
  expected: { program: Address; kind: number; minBytes: number },
): Uint8Array {
  if (account.owner !== expected.program) {
    throw new ChainError("wrong-account", `${what} belongs to the program ${account.owner}, expected ${expected.program}`);
  }
  const { data } = account;
  if (data.length < expected.minBytes) {
    throw new ChainError("wrong-account", `${what} has ${data.length} bytes, expected at least ${expected.minBytes}`);
  }
  if (data[0] !== expected.kind || data[1] !== VERSION) {
    throw new ChainError(
      "wrong-account",
      `${what} is kind ${data[0]} version ${data[1]}, expected kind ${expected.kind} version ${VERSION}`,
    );
  }
  return data;
}

/** `RunAccount::unpromised_points` of a run that was never funded. */
const UNFUNDED = 2n ** 64n - 1n;

/** What stands before the machine in the Run account. */
export interface RunHeader {
  mainAuthority: Address;
  joinAuthority: Address;
  authorizerProgram: Address;
  nonce: bigint;
  minBondLamports: bigint;
  createdMs: bigint;
  configSha256: Uint8Array;
  /** what all members together may still claim, as far as it is settled */
  unclaimedPoints: bigint;
  /** what is funded and promised to no epoch yet: all that coming epochs can pay; null: its authority pays as it likes */
  unpromisedPoints: bigint | null;
  /** false before the first update_config: there is no machine yet */
  isConfigured: boolean;
  /** the machine's Run */
  machine: Uint8Array;
}

export function decodeRunHeader(programs: Programs, account: ChainAccount): RunHeader {
  const minBytes = RUN_HEADER_BYTES + LAYOUT.Run.bytes;
  const data = requireAccount("the run", account, { program: programs.coordinator, kind: KINDS.run, minBytes });
  const run = getRunDecoder().decode(data);
  const machine = data.slice(RUN_HEADER_BYTES, minBytes);
  const version = LAYOUT.Run.fields.version.offset;
  return {
    mainAuthority: run.mainAuthority,
    joinAuthority: run.joinAuthority,
    authorizerProgram: run.authorizerProgram,
    nonce: run.nonce,
    minBondLamports: run.minBondLamports,
    createdMs: run.createdMs,
    configSha256: new Uint8Array(run.configSha256),
    unclaimedPoints: run.unclaimedPoints,
    unpromisedPoints: run.unpromisedPoints === UNFUNDED ? null : run.unpromisedPoints,
    isConfigured: machine[version] !== 0,
    machine,
  };
}

export function runIdOf({ machine }: RunHeader): string {
  const { offset, count } = LAYOUT.Run.fields.run_id;
  return padded(machine.subarray(offset, offset + count));
}

export async function readRunHeader(cluster: ClusterClient, at: RunAddresses, signal?: AbortSignal): Promise<RunHeader | null> {
  const account = made(await cluster.account(at.run, { signal }));
  return account === null ? null : decodeRunHeader(at.programs, account);
}

export interface RunConfig {
  name: string;
  description: string;
  clientVersion: string;
  numParameters: bigint;
  vocabSize: bigint;
  /** the text that is in use, or is being staged */
  toml: string;
  tomlLen: number;
  stagedLen: number;
}

const CONFIG_BYTES = 8 + 32 + 8 + 64 + 280 + 96 + 16 + 8192;

export function decodeRunConfig(programs: Programs, account: ChainAccount): RunConfig {
  const data = requireAccount("the run's configuration", account, {
    program: programs.coordinator,
    kind: KINDS.config,
    minBytes: CONFIG_BYTES,
  });
  const config = getConfigDecoder().decode(data);
  const toml = new Uint8Array(config.toml);
  return {
    name: padded(config.name),
    description: padded(config.description),
    clientVersion: padded(config.clientVersion),
    numParameters: config.numParameters,
    vocabSize: config.vocabSize,
    toml: new TextDecoder().decode(toml.subarray(0, Math.min(config.tomlLen, toml.length))),
    tomlLen: config.tomlLen,
    stagedLen: config.stagedLen,
  };
}

/** What a run is, of one slot: null where there is no such run. */
export async function readRunTerms(
  cluster: ClusterClient,
  at: RunAddresses,
  signal?: AbortSignal,
): Promise<{ header: RunHeader; config: RunConfig } | null> {
  const { accounts } = await cluster.accounts([at.run, at.config], { signal });
  const [run, config] = accounts.map(made);
  if (run === null || config === null) return null;
  return { header: decodeRunHeader(at.programs, run), config: decodeRunConfig(at.programs, config) };
}

export async function readRunConfig(cluster: ClusterClient, at: RunAddresses, signal?: AbortSignal): Promise<RunConfig | null> {
  const account = made(await cluster.account(at.config, { signal }));
  return account === null ? null : decodeRunConfig(at.programs, account);
}

export interface RunReading {
  header: RunHeader;
  config: RunConfig;
  /** null before the first update_config */
  state: CoordinatorState | null;
  slot: bigint;
}

/** Everything of a run at one slot: 122 KB. */
export async function readRun(cluster: ClusterClient, at: RunAddresses, signal?: AbortSignal): Promise<RunReading | null> {
  const { slot, accounts } = await cluster.accounts([at.run, at.config, ...at.tables, ...at.rounds], { signal });
  const [run, config, ...pieces] = accounts.map(made);
  if (run === null || config === null) return null;
  const header = decodeRunHeader(at.programs, run);
  const state = header.isConfigured ? assembleState(at.programs, header.machine, pieces.slice(0, 2), pieces.slice(2)).state() : null;
  return { header, config: decodeRunConfig(at.programs, config), state, slot };
}

/** Points that the member may claim. */
export function claimablePoints({ earned, slashed, claimed }: Pick<Member, "earned" | "slashed" | "claimed">): bigint {
  const points = earned - slashed - claimed;
  return points > 0n ? points : 0n;
}

const MEMBER_BYTES = getMemberDecoder().fixedSize;
const SESSION_BYTES = getSessionDecoder().fixedSize;

export function decodeMember(programs: Programs, account: ChainAccount): Member {
  return getMemberDecoder().decode(
    requireAccount("the member", account, { program: programs.coordinator, kind: KINDS.member, minBytes: MEMBER_BYTES }),
  );
}

export async function readMember(cluster: ClusterClient, at: RunAddresses, owner: Address, signal?: AbortSignal): Promise<Member | null> {
  const account = made(await cluster.account(await memberAddress(at.programs, at.run, owner), { signal }));
  return account === null ? null : decodeMember(at.programs, account);
}

/** Members of a run: one `getProgramAccounts`. */
export async function listMembers(cluster: ClusterClient, at: RunAddresses, signal?: AbortSignal): Promise<Member[]> {
  return (await listMemberAccounts(cluster, at.programs, { run: at.run }, signal)).map(({ member }) => member);
}

/** Of a run, of an owner, or both. Both kinds of account have them at the same offsets. */
export interface WhoseAccounts {
  run?: Address;
  owner?: Address;
}

const RUN_OFFSET = 8;
const OWNER_OFFSET = 48;

function filtersOf(kind: number, { run, owner }: WhoseAccounts): unknown[] {
  return [
    { memcmp: { offset: 0, bytes: base64(Uint8Array.of(kind, VERSION)), encoding: "base64" } },
    ...(run === undefined ? [] : [memcmp(RUN_OFFSET, run)]),
    ...(owner === undefined ? [] : [memcmp(OWNER_OFFSET, owner)]),
  ];
}

/** One `getProgramAccounts`, over all runs where none is named. */
export async function listMemberAccounts(
  cluster: ClusterClient,
  programs: Programs,
  whose: WhoseAccounts,
  signal?: AbortSignal,
): Promise<{ address: Address; lamports: bigint; member: Member }[]> {
  const found = await cluster.programAccounts(programs.coordinator, filtersOf(KINDS.member, whose), { signal });
  return found.map(({ address, account }) => ({ address, lamports: account.lamports, member: decodeMember(programs, account) }));
}

/** One `getProgramAccounts`, over all runs where none is named. */
export async function listSessions(
  cluster: ClusterClient,
  programs: Programs,
  whose: WhoseAccounts,
  signal?: AbortSignal,
): Promise<(SessionReading & { address: Address })[]> {
  const found = await cluster.programAccounts(programs.coordinator, filtersOf(KINDS.session, whose), { signal });
  return found.map(({ address, account }) => ({ address, ...decodeSession(programs, account) }));
}

export interface SessionReading extends Omit<Session, "addresses"> {
  multiaddrs: string[];
  /** lamports of the account, rent included */
  lamports: bigint;
}

export function decodeSession(programs: Programs, account: ChainAccount): SessionReading {
  const data = requireAccount("the session", account, { program: programs.coordinator, kind: KINDS.session, minBytes: SESSION_BYTES });
  const { addresses, ...session } = getSessionDecoder().decode(data);
  const text = new TextDecoder().decode(new Uint8Array(addresses).subarray(0, Math.min(session.addressesLen, addresses.length)));
  return { ...session, multiaddrs: text.split("\n").filter((line) => line !== ""), lamports: account.lamports };
}

export async function readSession(
  cluster: ClusterClient,
  at: RunAddresses,
  session: Address,
  signal?: AbortSignal,
): Promise<SessionReading | null> {
  const account = made(await cluster.account(await sessionAddress(at.programs, at.run, session), { signal }));
  return account === null ? null : decodeSession(at.programs, account);
}

export interface GrantReading {
  address: Address;
  grantor: Address;
  grantee: Address;
  scope: string;
  updatedMs: bigint;
  isActive: boolean;
  delegates: Address[];
}

const GRANT_BYTES = 120;

export function decodeGrant(programs: Programs, address: Address, account: ChainAccount): GrantReading {
  const data = requireAccount("the grant", account, { program: programs.authorizer, kind: KINDS.grant, minBytes: GRANT_BYTES });
  const { grantor, grantee, scope, updatedMs, active, delegatesLen } = getGrantDecoder().decode(data.subarray(0, GRANT_BYTES));
  const count = Math.min(delegatesLen, Math.floor((data.length - GRANT_BYTES) / 32));
  const delegates = Array.from({ length: count }, (_, index) => getAddressDecoder().decode(data, GRANT_BYTES + 32 * index));
  return { address, grantor, grantee, scope: padded(scope), updatedMs, isActive: active === 1, delegates };
}

export async function readGrant(
  cluster: ClusterClient,
  programs: Programs,
  grantor: Address,
  grantee: Address,
  options: { scope?: string; signal?: AbortSignal } = {},
): Promise<GrantReading | null> {
  const address = await grantAddress(programs, grantor, grantee, options.scope ?? JOIN_SCOPE);
  const account = made(await cluster.account(address, { signal: options.signal }));
  return account === null ? null : decodeGrant(programs, address, account);
}

/** Whether the grant lets that owner join, as the program judges it. */
export function letsIn(grant: GrantReading, joinAuthority: Address, owner: Address): boolean {
  const isMeant = grant.grantee === owner || grant.grantee === PUBLIC_GRANTEE || grant.delegates.includes(owner);
  return grant.isActive && grant.grantor === joinAuthority && grant.scope === JOIN_SCOPE && isMeant;
}

/**
 * The grant that lets `owner` into the run: its own, everybody's, or that of `grantee`, whose delegate it is. All are looked
 * at in one request. Null: none does.
 */
export async function findAuthorization(
  cluster: ClusterClient,
  programs: Programs,
  header: Pick<RunHeader, "joinAuthority" | "authorizerProgram">,
  owner: Address,
  options: { grantee?: Address; signal?: AbortSignal } = {},
): Promise<GrantReading | null> {
  const grantors = { ...programs, authorizer: header.authorizerProgram };
  const grantees = [...new Set([...(options.grantee === undefined ? [] : [options.grantee]), owner, PUBLIC_GRANTEE])];
  const addresses = await Promise.all(grantees.map((grantee) => grantAddress(grantors, header.joinAuthority, grantee)));
  const { accounts } = await cluster.accounts(addresses, { signal: options.signal });
  for (const [index, account] of accounts.entries()) {
    if (account === null || account.owner !== grantors.authorizer) continue;
    const grant = decodeGrant(grantors, addresses[index], account);
    if (letsIn(grant, header.joinAuthority, owner)) return grant;
  }
  return null;
}

const TREASURY_BYTES = 168;

export async function readTreasury(
  cluster: ClusterClient,
  at: RunAddresses,
  signal?: AbortSignal,
): Promise<(Treasury & { address: Address }) | null> {
  const address = await treasuryAddress(at.programs, at.run);
  const account = made(await cluster.account(address, { signal }));
  if (account === null) return null;
  const expected = { program: at.programs.treasurer, kind: KINDS.treasury, minBytes: TREASURY_BYTES };
  return { ...getTreasuryDecoder().decode(requireAccount("the treasury", account, expected)), address };
}

/** Grants of a grantor, or for a grantee: one `getProgramAccounts`. */
export async function listGrants(
  cluster: ClusterClient,
  programs: Programs,
  whose: { grantor: Address } | { grantee: Address },
  signal?: AbortSignal,
): Promise<GrantReading[]> {
  const kind = { memcmp: { offset: 0, bytes: base64(Uint8Array.of(KINDS.grant, VERSION)), encoding: "base64" } };
  const by = "grantor" in whose ? memcmp(GRANTOR_OFFSET, whose.grantor) : memcmp(GRANTEE_OFFSET, whose.grantee);
  const found = await cluster.programAccounts(programs.authorizer, [kind, by], { signal });
  return found.map(({ address, account }) => decodeGrant(programs, address, account));
}

const GRANTOR_OFFSET = 8;
const GRANTEE_OFFSET = 40;

export interface ListedRun {
  address: Address;
  runId: string;
  header: RunHeader;
}

/** Every run of the program: one `getProgramAccounts`. Accounts that do not read as runs are left out. */
export async function listRuns(cluster: ClusterClient, programs: Programs, signal?: AbortSignal): Promise<ListedRun[]> {
  const filters = [{ memcmp: { offset: 0, bytes: base64(Uint8Array.of(KINDS.run, VERSION)), encoding: "base64" } }];
  const found = await cluster.programAccounts(programs.coordinator, filters, { signal });
  return found.flatMap(({ address, account }) => {
    const minBytes = RUN_HEADER_BYTES + LAYOUT.Run.bytes;
    if (account.data.length < minBytes) return [];
    const header = decodeRunHeader(programs, account);
    return [{ address, runId: runIdOf(header), header }];
  });
}

function padded(bytes: { readonly length: number; readonly [index: number]: number } & Iterable<number>): string {
  const all = Uint8Array.from(bytes);
  const end = all.indexOf(0);
  return new TextDecoder().decode(end === -1 ? all : all.subarray(0, end));
}

function memcmp(offset: number, address: Address) {
  return { memcmp: { offset, bytes: base64(new Uint8Array(getAddressEncoder().encode(address))), encoding: "base64" } };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
