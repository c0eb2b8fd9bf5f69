/**
 * One function an instruction of the program `coordinator`, with the run's addresses filled in and every size checked.
 * All throw ChainError `bad-argument` for what the program would refuse unread. `treasury.ts` has the treasurer's, `grants.ts` the authorizer's.
 */
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { concatBytes } from "../bytes.ts";
import * as coordinator from "../generated/coordinator/index.ts";
import { LAYOUT } from "../generated/machineLayout.ts";
import type { WitnessReport } from "../types.ts";
import { CHAIN_LIMITS, requireBytes, requireCount, requireText, requireUnsigned } from "./limits.ts";
import { memberAddress, type RunAddresses, runAddresses, type Programs, sessionAddress } from "./pdas.ts";

export interface NewRun {
  runId: string;
  name?: string;
  description?: string;
  clientVersion?: string;
  mainAuthority: Address;
  joinAuthority: Address;
  minBondLamports?: bigint;
}

/** Checks the texts of a run that is to be created. */
export function createRunArguments(programs: Programs, run: NewRun): coordinator.CreateRunInstructionDataArgs {
  return {
    runId: run.runId,
    name: requireText("the name", run.name ?? "", CHAIN_LIMITS.nameBytes),
    description: requireText("the description", run.description ?? "", CHAIN_LIMITS.descriptionBytes),
    clientVersion: requireText("the client version", run.clientVersion ?? "", CHAIN_LIMITS.clientVersionBytes),
    mainAuthority: run.mainAuthority,
    joinAuthority: run.joinAuthority,
    authorizerProgram: programs.authorizer,
    minBondLamports: run.minBondLamports ?? 0n,
  };
}

/** The run's accounts; `allocate` its tables next. */
export async function createRun(programs: Programs, payer: TransactionSigner, run: NewRun): Promise<Instruction> {
  const at = await runAddresses(programs, run.runId);
  return coordinator.getCreateRunInstruction({ payer, ...ring(at), ...createRunArguments(programs, run) }, from(at));
}

/** Grows an epoch table by 10,240 bytes; six of them make it full size, more change nothing. */
export function allocate(at: RunAddresses, payer: TransactionSigner, tableIndex: 0 | 1): Instruction {
  return coordinator.getAllocateInstruction({ payer, run: at.run, table: at.tables[tableIndex], tableIndex }, from(at));
}

/** One piece of the TOML text; pieces may come in any order. */
export function writeConfig(at: RunAddresses, authority: TransactionSigner, offset: number, data: Uint8Array): Instruction {
  requireCount("a piece of the configuration, in bytes", data.length, CHAIN_LIMITS.configChunkBytes);
  requireCount("the end of a piece of the configuration", offset + data.length, CHAIN_LIMITS.tomlBytes);
  return coordinator.getWriteConfigInstruction({ authority, run: at.run, config: at.config, offset, data }, from(at));
}

/** Takes the staged text (`tomlSha256` over its `tomlLen` bytes) and `encodeConfig(...)` of it into use. */
export function updateConfig(
  at: RunAddresses,
  authority: TransactionSigner,
  config: { tomlLen: number; tomlSha256: Uint8Array; machineConfig: Uint8Array },
): Instruction {
  requireCount("the configuration's length in bytes", config.tomlLen, CHAIN_LIMITS.tomlBytes);
  requireBytes("the configuration's sha256", config.tomlSha256, 32);
  requireBytes("the machine's configuration", config.machineConfig, LAYOUT.Config.bytes);
  const [table0, table1] = at.tables;
  return coordinator.getUpdateConfigInstruction({ authority, run: at.run, config: at.config, table0, table1, ...config }, from(at));
}

export interface Metadata {
  name?: string;
  description?: string;
  clientVersion?: string;
  numParameters?: bigint;
  vocabSize?: bigint;
  joinAuthority?: Uint8Array; // (32)
  minBondLamports?: bigint;
}

/** Changes what is given, leaves the rest. */
export function updateMetadata(at: RunAddresses, authority: TransactionSigner, metadata: Metadata): Instruction {
  const { name, description, clientVersion, numParameters, vocabSize, joinAuthority, minBondLamports } = metadata;
  const fields: (Uint8Array | undefined)[] = [
    name === undefined ? undefined : prefixed(requireText("the name", name, CHAIN_LIMITS.nameBytes)),
    description === undefined ? undefined : prefixed(requireText("the description", description, CHAIN_LIMITS.descriptionBytes)),
    clientVersion === undefined ? undefined : prefixed(requireText("the client version", clientVersion, CHAIN_LIMITS.clientVersionBytes)),
    numParameters === undefined ? undefined : u64("numParameters", numParameters),
    vocabSize === undefined ? undefined : u64("vocabSize", vocabSize),
    joinAuthority === undefined ? undefined : requireBytes("the join authority", joinAuthority, 32),
    minBondLamports === undefined ? undefined : u64("minBondLamports", minBondLamports),
  ];
  const flags = fields.reduce((mask, field, bit) => (field === undefined ? mask : mask | (1 << bit)), 0);
  return coordinator.getUpdateMetadataInstruction(
    { authority, run: at.run, config: at.config, flags, fields: concatBytes(...fields.filter((field) => field !== undefined)) },
    from(at),
  );
}

/** Pausing drains first; the first resume starts the run. */
export function setPaused(at: RunAddresses, authority: TransactionSigner, paused: boolean): Instruction {
  const [table0, table1] = at.tables;
  return coordinator.getSetPausedInstruction({ authority, run: at.run, table0, table1, paused: paused ? 1 : 0 }, from(at));
}

/** Points shared by the members of an epoch, and lost by an ejected one, from the next epoch on. */
export function setFutureEpochRates(
  at: RunAddresses,
  authority: TransactionSigner,
  earningRate: bigint,
  slashingRate: bigint,
): Instruction {
  requireUnsigned("the earning rate", earningRate, 64);
  requireUnsigned("the slashing rate", slashingRate, 64);
  return coordinator.getSetFutureEpochRatesInstruction({ authority, run: at.run, earningRate, slashingRate }, from(at));
}

/**
 * The owner's one signature. On an open session of the same owner: new peer id and expiry, more float. `peer` is the key of the
 * peer id: its signature proves that it is held.
 */
export async function openSession(
  at: RunAddresses,
  owner: TransactionSigner,
  sessionKey: TransactionSigner,
  peer: TransactionSigner,
  terms: { expiresMs: bigint; floatLamports: bigint },
): Promise<Instruction> {
  requireUnsigned("the expiry", terms.expiresMs, 64);
  requireUnsigned("the float", terms.floatLamports, 64);
  const [session, member] = await Promise.all([
    sessionAddress(at.programs, at.run, sessionKey.address),
    memberAddress(at.programs, at.run, owner.address),
  ]);
  return coordinator.getOpenSessionInstruction({ owner, sessionKey, peer, run: at.run, session, member, ...terms }, from(at));
}

/** `closer` is the owner, or anyone once the session has expired; the lamports go to the owner. */
export async function closeSession(at: RunAddresses, closer: TransactionSigner, owner: Address, sessionKey: Address): Promise<Instruction> {
  const session = await sessionAddress(at.programs, at.run, sessionKey);
  const [table0, table1] = at.tables;
  return coordinator.getCloseSessionInstruction({ closer, owner, run: at.run, table0, table1, session }, from(at));
}

/** From the float to the session key: at most `lamports`, and never above `CHAIN_LIMITS.sessionKeyLamports` there. */
export async function refuel(at: RunAddresses, sessionKey: TransactionSigner, lamports: bigint): Promise<Instruction> {
  requireUnsigned("the lamports", lamports, 64);
  const session = await sessionAddress(at.programs, at.run, sessionKey.address);
  return coordinator.getRefuelInstruction({ sessionKey, session, lamports }, from(at));
}

/** `authorization`: the grant that lets the owner in (`findAuthorization`). */
export async function joinRun(
  at: RunAddresses,
  sessionKey: TransactionSigner,
  owner: Address,
  authorization: Address,
  terms: { chainHead: Uint8Array; multiaddrs: readonly string[] },
): Promise<Instruction> {
  requireBytes("the chain head", terms.chainHead, 32);
  const addresses = requireText("the peer's addresses", terms.multiaddrs.join("\n"), CHAIN_LIMITS.addressesBytes);
  const [session, member] = await Promise.all([
    sessionAddress(at.programs, at.run, sessionKey.address),
    memberAddress(at.programs, at.run, owner),
  ]);
  const [table0, table1] = at.tables;
  return coordinator.getJoinRunInstruction(
    { sessionKey, run: at.run, table0, table1, session, member, authorization, chainHead: terms.chainHead, addresses },
    from(at),
  );
}

export function leaveRun(at: RunAddresses, sessionKey: TransactionSigner): Instruction {
  const [table0, table1] = at.tables;
  return coordinator.getLeaveRunInstruction({ sessionKey, run: at.run, table0, table1 }, from(at));
}

/** `height`: of the run as it is now. */
export function tick(at: RunAddresses, height: number): Instruction {
  const [table0, table1] = at.tables;
  return coordinator.getTickInstruction({ run: at.run, table0, table1, round: roundOf(at, height) }, from(at));
}

/** `table`: `Run.table`, of the running epoch. */
export function warmupWitness(at: RunAddresses, sessionKey: TransactionSigner, table: number, slot: number): Instruction {
  requireUnsigned("the slot", slot, 16);
  return coordinator.getWarmupWitnessInstruction({ sessionKey, run: at.run, table: at.tables[table], slot }, from(at));
}

/** The program does not read Bloom filter and metadata: they are for displays (`decodeWitnessInstruction`). */
export function witness(
  at: RunAddresses,
  sessionKey: TransactionSigner,
  where: { table: number; height: number; slot: number },
  message: WitnessReport,
): Instruction {
  const { step, bitmap, listRoot, reveal, parameterHash, bloom, metadata } = message;
  requireUnsigned("the slot", where.slot, 16);
  requireUnsigned("the step", step, 32);
  requireBytes("the bitmap", bitmap, 32);
  requireBytes("the list root", listRoot, 32);
  requireBytes("the reveal", reveal, 32);
  requireBytes("the parameter hash", parameterHash, 32);
  if (bloom !== undefined) requireBytes("the Bloom filter", bloom, CHAIN_LIMITS.bloomBytes);
  if (metadata !== undefined) {
    requireBytes("the Bloom filter before metadata", bloom ?? new Uint8Array(0), CHAIN_LIMITS.bloomBytes);
    requireCount("the metadata, in bytes", metadata.length, CHAIN_LIMITS.metadataBytes);
  }
  const extra = concatBytes(bloom ?? new Uint8Array(0), metadata ?? new Uint8Array(0));
  return coordinator.getWitnessInstruction(
    {
      sessionKey,
      run: at.run,
      table: at.tables[where.table],
      round: roundOf(at, where.height),
      slot: where.slot,
      ...{ step, bitmap, listRoot, reveal, parameterHash, extra },
    },
    from(at),
  );
}

export function downloaded(
  at: RunAddresses,
  sessionKey: TransactionSigner,
  where: { table: number; slot: number },
  step: number,
  listsHeld: number,
): Instruction {
  requireUnsigned("the slot", where.slot, 16);
  requireUnsigned("the step", step, 32);
  requireUnsigned("the lists held", listsHeld, 32);
  const table = at.tables[where.table];
  return coordinator.getDownloadedInstruction({ sessionKey, run: at.run, table, slot: where.slot, step, listsHeld }, from(at));
}

/** At most 16 targets. */
export function healthCheck(
  at: RunAddresses,
  sessionKey: TransactionSigner,
  where: { table: number; slot: number },
  targets: readonly number[],
): Instruction {
  requireUnsigned("the slot", where.slot, 16);
  requireCount("members in a health check", targets.length, CHAIN_LIMITS.healthCheckTargets);
  for (const target of targets) requireUnsigned("a target", target, 16);
  const table = at.tables[where.table];
  return coordinator.getHealthCheckInstruction({ sessionKey, run: at.run, table, slot: where.slot, targets: [...targets] }, from(at));
}

export function reportEquivocation(at: RunAddresses, sessionKey: TransactionSigner, slot: number, target: number): Instruction {
  requireUnsigned("the slot", slot, 16);
  requireUnsigned("the target", target, 16);
  const [table0, table1] = at.tables;
  return coordinator.getReportEquivocationInstruction({ sessionKey, run: at.run, table0, table1, slot, target }, from(at));
}

export async function checkpoint(
  at: RunAddresses,
  sessionKey: TransactionSigner,
  where: { table: number; slot: number },
  hash: Uint8Array,
  location: string,
): Promise<Instruction> {
  requireUnsigned("the slot", where.slot, 16);
  requireBytes("the checkpoint's hash", hash, 32);
  requireText("the checkpoint's location", location, CHAIN_LIMITS.locationBytes);
  const session = await sessionAddress(at.programs, at.run, sessionKey.address);
  const table = at.tables[where.table];
  return coordinator.getCheckpointInstruction({ sessionKey, run: at.run, table, session, slot: where.slot, hash, location }, from(at));
}

/** Moves the points of at most 20 slots of a table to their owners. */
export async function settle(
  at: RunAddresses,
  tableIndex: 0 | 1,
  slots: readonly { slot: number; owner: Address }[],
): Promise<Instruction> {
  requireCount("slots to settle", slots.length, CHAIN_LIMITS.settleSlots);
  const members = await Promise.all(slots.map(({ owner }) => memberAddress(at.programs, at.run, owner)));
  return coordinator.getSettleInstruction(
    { run: at.run, table: at.tables[tableIndex], tableIndex, slots: slots.map(({ slot }) => slot), members },
    from(at),
  );
}

/** `authorization`: the grant of the member's last join, which no longer lets it in. */
export async function enforceGrant(at: RunAddresses, owner: Address, authorization: Address): Promise<Instruction> {
  const member = await memberAddress(at.programs, at.run, owner);
  const [table0, table1] = at.tables;
  return coordinator.getEnforceGrantInstruction({ run: at.run, table0, table1, member, authorization }, from(at));
}

export async function depositBond(at: RunAddresses, owner: TransactionSigner, lamports: bigint): Promise<Instruction> {
  requireUnsigned("the bond", lamports, 64);
  const member = await memberAddress(at.programs, at.run, owner.address);
  return coordinator.getDepositBondInstruction({ owner, run: at.run, member, lamports }, from(at));
}

export async function withdrawBond(at: RunAddresses, owner: TransactionSigner, lamports: bigint): Promise<Instruction> {
  requireUnsigned("the bond", lamports, 64);
  const member = await memberAddress(at.programs, at.run, owner.address);
  const [table0, table1] = at.tables;
  return coordinator.getWithdrawBondInstruction({ owner, run: at.run, table0, table1, member, lamports }, from(at));
}

/** For a run without a treasury: its authority says what it can pay. From then on epochs promise no more than that. */
export function fund(at: RunAddresses, authority: TransactionSigner, points: bigint): Instruction {
  requireUnsigned("the points", points, 64);
  return coordinator.getFundInstruction({ authority, run: at.run, points }, from(at));
}

/** For a run without a treasury: its authority notes what it paid. */
export async function recordClaim(at: RunAddresses, authority: TransactionSigner, owner: Address, points: bigint): Promise<Instruction> {
  requireUnsigned("the points", points, 64);
  const member = await memberAddress(at.programs, at.run, owner);
  return coordinator.getRecordClaimInstruction({ authority, run: at.run, member, points }, from(at));
}

/** All rent goes to `spill`. */
export function closeRun(at: RunAddresses, authority: TransactionSigner, spill: Address): Instruction {
  return coordinator.getCloseRunInstruction({ authority, spill, ...ring(at) }, from(at));
}

export async function closeMember(at: RunAddresses, owner: TransactionSigner): Promise<Instruction> {
  const member = await memberAddress(at.programs, at.run, owner.address);
  const [table0, table1] = at.tables;
  return coordinator.getCloseMemberInstruction({ owner, run: at.run, member, table0, table1 }, from(at));
}

function from(at: RunAddresses): { programAddress: Address } {
  return { programAddress: at.programs.coordinator };
}

function roundOf(at: RunAddresses, height: number): Address {
  return at.rounds[height % at.rounds.length];
}

/** All accounts of a run but those of its people. */
export function ring(at: RunAddresses) {
  const [table0, table1] = at.tables;
  const [round0, round1, round2, round3] = at.rounds;
  return { run: at.run, config: at.config, table0, table1, round0, round1, round2, round3 };
}

function prefixed(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return concatBytes(Uint8Array.of(bytes.length & 0xff, bytes.length >> 8), bytes);
}

function u64(what: string, value: bigint): Uint8Array {
  requireUnsigned(what, value, 64);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
