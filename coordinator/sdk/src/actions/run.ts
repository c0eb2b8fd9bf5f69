/** A run as a command looks at it: all of it at one slot, or what its own account tells. */
import { getAddressDecoder, type Address } from "@solana/kit";
import { RUN_STATES, type CoordinatorState, type RunState } from "../types.ts";
import { getConfigDecoder, type Member } from "../generated/coordinator/index.ts";
import {
  decodeRunConfig,
  decodeRunHeader,
  listMembers as readMembers,
  decodeMember,
  listRuns as readRuns,
  runIdOf,
  type RunConfig,
  type RunHeader,
} from "../solana/accounts.ts";
import { addressesOfRun, memberAddress, runAddresses, type Programs, type RunAddresses } from "../solana/pdas.ts";
import { assembleState, tablePart, unsettledSlots as owedSlots } from "../solana/stateAccounts.ts";
import { Struct } from "../struct.ts";
import { ActionError } from "./errors.ts";
import type { Chain } from "./chain.ts";
import type { RunFacts } from "./dump.ts";

/** What the run's own account tells. */
export interface RunHead {
  runId: string;
  address: Address;
  at: RunAddresses;
  account: RunHeader;
  /** null before the first configuration */
  machine: Struct<"Run"> | null;
}

export interface OnChainRun extends RunHead {
  lamports: bigint;
  config: RunConfig;
  /** (8192) the text in force, or what is staged of the next one */
  staged: Uint8Array;
  /** null before the first configuration; without the witnesses' reports */
  state: CoordinatorState | null;
  /** the machine's parts of both tables */
  tables: readonly Uint8Array[];
  /** 0 while create-run has not completed the table */
  tableBytes: readonly number[];
}

/** A run by its id, or by its address: that of a closed run has no id any more. */
export type RunRef = { runId: string } | { run: Address };

export function addressesFor({ programs }: Chain, ref: RunRef): Promise<RunAddresses> {
  return "runId" in ref ? runAddresses(programs, ref.runId) : addressesOfRun(programs, ref.run);
}

/** What its own account tells, and nothing else is read. Null where there is no such run. Errors: ChainError. */
export async function findRunHead(chain: Chain, ref: RunRef): Promise<RunHead | null> {
  const at = await addressesFor(chain, ref);
  const found = await chain.account(at.run);
  if (found === null || found.owner !== chain.programs.coordinator) return null;
  return headOf(at, decodeRunHeader(chain.programs, found));
}

/** Null where there is no such run. Errors: ChainError. */
export async function findRun(chain: Chain, runId: string): Promise<OnChainRun | null> {
  return findRunAt(chain, await runAddresses(chain.programs, runId));
}

/** Null where there is no such run. Errors: ChainError. */
export async function findRunAt(chain: Chain, at: RunAddresses): Promise<OnChainRun | null> {
  const [run, config, ...tables] = await chain.accounts([at.run, at.config, ...at.tables]);
  // an address to which someone merely sent lamports holds no run
  if (!run || run.owner !== chain.programs.coordinator || !config) return null;
  const account = decodeRunHeader(chain.programs, run);
  const head = headOf(at, account);
  return {
    ...head,
    lamports: run.lamports,
    config: decodeRunConfig(chain.programs, config),
    staged: Uint8Array.from(getConfigDecoder().decode(config.data).toml),
    state: head.machine === null ? null : assembleState(chain.programs, account.machine, tables, []).state(),
    tables: tables.map((table) => tablePart(chain.programs, table)),
    tableBytes: tables.map((table) => table?.data.length ?? 0),
  };
}

/** Errors: ActionError not-found: no such run; chain: no program that could have one. */
export async function requireRun(chain: Chain, runId: string): Promise<OnChainRun> {
  const run = await findRun(chain, runId);
  return run ?? refuseNoRun(chain, runId);
}

/** As `requireRun`, of what the run's own account tells. */
export async function requireRunHead(chain: Chain, runId: string): Promise<RunHead> {
  return (await findRunHead(chain, { runId })) ?? refuseNoRun(chain, runId);
}

async function refuseNoRun(chain: Chain, runId: string): Promise<never> {
  await requireProgram(chain, "coordinator");
  throw new ActionError("not-found", `there is no run "${runId}" on this cluster`, { advice: "list-runs" });
}

/** Owners of what can be called. */
const LOADERS: ReadonlySet<string> = new Set([
  "BPFLoaderUpgradeab1e11111111111111111111111",
  "BPFLoader2111111111111111111111111111111111",
  "LoaderV411111111111111111111111111111111111",
]);

/** Errors: ActionError chain where nothing is deployed at the program's address. */
export async function requireProgram(chain: Chain, name: keyof Programs): Promise<void> {
  const address = chain.programs[name];
  const { accounts } = await chain.client.accounts([address], { signal: chain.signal, slice: { offset: 0, length: 0 } });
  const [found] = accounts;
  if (found && LOADERS.has(found.owner)) return;
  throw new ActionError("chain", `the program "${name}" is not on this cluster at ${address}${found ? ", which is no program" : ""}`, {
    advice: `find-${name}`,
  });
}

function headOf(at: RunAddresses, account: RunHeader): RunHead {
  const machine = account.isConfigured ? new Struct("Run", account.machine) : null;
  return { runId: runIdOf(account), address: at.run, at, account, machine };
}

export function runStateOf({ machine }: RunHead): RunState {
  return machine === null ? "Uninitialized" : (RUN_STATES[machine.number("run_state")] ?? "Uninitialized");
}

/** Height of the present round, whose account a tick needs. */
export function heightOf({ machine }: RunHead): number {
  return machine?.number("height") ?? 0;
}

/** Index of the running (or last) epoch's table. */
export function currentTable({ machine }: RunHead): 0 | 1 {
  return machine?.number("table") === 1 ? 1 : 0;
}

/** All runs of the program, whoever made them. Errors: ChainError. */
export async function listRuns(chain: Chain): Promise<RunHead[]> {
  const found = await readRuns(chain.client, chain.programs, chain.signal);
  return Promise.all(found.map(async ({ address, header }) => headOf(await addressesOfRun(chain.programs, address), header)));
}

/** The owner's account in this run; null where it has none, one of a closed run of the same id, or someone merely sent lamports there. */
export async function findMember(chain: Chain, run: RunHead, owner: Address): Promise<Member | null> {
  const found = await chain.account(await memberAddress(chain.programs, run.address, owner));
  if (found === null || found.owner !== chain.programs.coordinator) return null;
  const member = decodeMember(chain.programs, found);
  return isOf(run, member) ? member : null;
}

/** By owner. Errors: ChainError. */
export async function listMembers(chain: Chain, run: RunHead): Promise<Member[]> {
  const members = await readMembers(chain.client, run.at, chain.signal);
  return members.filter((member) => isOf(run, member)).sort((a, b) => (a.owner < b.owner ? -1 : 1));
}

/** False: it is that of a closed run of the same id. */
export function isOf(run: RunHead, member: Pick<Member, "run" | "runCreatedMs">): boolean {
  return member.run === run.address && member.runCreatedMs === run.account.createdMs;
}

export interface UnsettledSlot {
  table: 0 | 1;
  slot: number;
  owner: Address;
  earned: bigint;
  slashed: bigint;
  /** its epoch is over: it can be settled now */
  isDue: boolean;
}

const IN_EPOCH: ReadonlySet<RunState> = new Set(["Warmup", "RoundTrain", "RoundWitness", "Cooldown"]);

/** Slots of both tables whose points, or ejection, no settle has taken out yet. */
export function unsettledSlots(run: OnChainRun): UnsettledSlot[] {
  const current = currentTable(run);
  const inEpoch = IN_EPOCH.has(runStateOf(run));
  return ([0, 1] as const).flatMap((table) => {
    const struct = new Struct("EpochTable", run.tables[table]!);
    return owedSlots(run.tables[table]!).map(({ slot, owner }) => {
      const one = struct.nested("slots", "Slot", slot);
      return { table, slot, owner, earned: one.bigint("earned"), slashed: one.bigint("slashed"), isDue: table !== current || !inEpoch };
    });
  });
}

export function runFacts(run: OnChainRun): RunFacts {
  const { isConfigured: _, machine: _bytes, ...header } = run.account;
  return {
    ...{ runId: run.runId, address: run.address, lamports: run.lamports, ...header, ...run.config },
    state: run.state,
    epochRates: run.machine && { earning: run.machine.bigint("epoch_earning_rate"), slashing: run.machine.bigint("epoch_slashing_rate") },
    unsettled: unsettledSlots(run),
  };
}

/** Owner of a slot as an address. */
export function ownerOf({ owner }: { owner: Uint8Array }): Address {
  return getAddressDecoder().decode(owner);
}
