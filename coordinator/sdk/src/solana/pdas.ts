/** Where the programs keep what belongs to a run. */
import type { Address } from "@solana/kit";
import { AUTHORIZER_PROGRAM_ADDRESS, findGrantPda } from "../generated/authorizer/index.ts";
import {
  COORDINATOR_PROGRAM_ADDRESS,
  findConfigPda,
  findEpochTablePda,
  findMemberPda,
  findRoundPda,
  findRunPda,
  findSessionPda,
} from "../generated/coordinator/index.ts";
import { findParticipantPda, findTreasuryPda, TREASURER_PROGRAM_ADDRESS } from "../generated/treasurer/index.ts";
import { LIMITS } from "../generated/machineLayout.ts";
import { ChainError } from "./chainError.ts";

export interface Programs {
  coordinator: Address;
  authorizer: Address;
  treasurer: Address;
}

/** Where the programs are on local clusters. */
export const LOCAL_PROGRAMS: Programs = {
  coordinator: COORDINATOR_PROGRAM_ADDRESS,
  authorizer: AUTHORIZER_PROGRAM_ADDRESS,
  treasurer: TREASURER_PROGRAM_ADDRESS,
};

/** A grant to this key is a grant to everybody. */
export const PUBLIC_GRANTEE = "11111111111111111111111111111111" as Address;
/** The scope of a grant that lets its grantee join a run. */
export const JOIN_SCOPE = "CoordinatorJoinRun";

/** Addresses of one run's accounts. */
export interface RunAddresses {
  programs: Programs;
  run: Address;
  config: Address;
  tables: readonly [Address, Address];
  rounds: readonly [Address, Address, Address, Address];
}

/** @throws ChainError `bad-argument` for an id that is not 1 to 32 bytes of UTF-8 */
export async function runAddress(programs: Programs, runId: string): Promise<Address> {
  const length = new TextEncoder().encode(runId).length;
  if (length < 1 || length > LIMITS.RUN_ID_BYTES) {
    throw new ChainError("bad-argument", `a run id has 1 to ${LIMITS.RUN_ID_BYTES} bytes, "${runId}" has ${length}`);
  }
  const [address] = await findRunPda({ runId }, { programAddress: programs.coordinator });
  return address;
}

export async function addressesOfRun(programs: Programs, run: Address): Promise<RunAddresses> {
  const config = { programAddress: programs.coordinator };
  const [found, ...ring] = await Promise.all([
    findConfigPda({ run }, config),
    findEpochTablePda({ run, index: 0 }, config),
    findEpochTablePda({ run, index: 1 }, config),
    ...[0, 1, 2, 3].map((index) => findRoundPda({ run, index }, config)),
  ]);
  const [table0, table1, round0, round1, round2, round3] = ring.map(([address]) => address);
  return { programs, run, config: found[0], tables: [table0, table1], rounds: [round0, round1, round2, round3] };
}

export async function runAddresses(programs: Programs, runId: string): Promise<RunAddresses> {
  return addressesOfRun(programs, await runAddress(programs, runId));
}

export async function memberAddress(programs: Programs, run: Address, owner: Address): Promise<Address> {
  const [address] = await findMemberPda({ run, owner }, { programAddress: programs.coordinator });
  return address;
}

export async function sessionAddress(programs: Programs, run: Address, session: Address): Promise<Address> {
  const [address] = await findSessionPda({ run, session }, { programAddress: programs.coordinator });
  return address;
}

/** @throws ChainError `bad-argument` for a scope that is not 1 to 32 bytes of UTF-8 */
export async function grantAddress(programs: Programs, grantor: Address, grantee: Address, scope: string = JOIN_SCOPE): Promise<Address> {
  const length = new TextEncoder().encode(scope).length;
  if (length < 1 || length > 32) throw new ChainError("bad-argument", `a scope has 1 to 32 bytes, "${scope}" has ${length}`);
  const [address] = await findGrantPda({ grantor, grantee, scope }, { programAddress: programs.authorizer });
  return address;
}

export async function treasuryAddress(programs: Programs, run: Address): Promise<Address> {
  const [address] = await findTreasuryPda({ run }, { programAddress: programs.treasurer });
  return address;
}

export async function participantAddress(programs: Programs, treasury: Address, owner: Address): Promise<Address> {
  const [address] = await findParticipantPda({ treasury, owner }, { programAddress: programs.treasurer });
  return address;
}
