/** Everything that an owner has in runs: points, tokens, bonds, sessions. */
import type { Address } from "@solana/kit";
import type { Member } from "../generated/coordinator/index.ts";
import { claimablePoints, listMemberAccounts, listSessions, type SessionReading } from "../solana/accounts.ts";
import { addressesOfRun } from "../solana/pdas.ts";
import type { RunState } from "../types.ts";
import type { Chain } from "./chain.ts";
import type { TreasuryFacts } from "./dump.ts";
import { findRunAt, isOf, runStateOf, unsettledSlots, type OnChainRun } from "./run.ts";
import { floatOf } from "./session.ts";
import { findParticipant, findTreasury, treasuryFacts } from "./treasury.ts";

export interface OwnedSession {
  /** the key that acts for the owner */
  session: Address;
  expiresMs: number;
  /** comes back when it is closed */
  floatLamports: bigint;
  rentLamports: bigint;
  isExpired: boolean;
}

export interface Membership {
  run: Address;
  /** null: the run is closed, its id is not on the chain any more */
  runId: string | null;
  name: string;
  /** null: the run is closed, or another one has its id now */
  state: RunState | null;
  /** null: sessions only */
  member: (Pick<Member, "earned" | "slashed" | "claimed" | "bondLamports" | "unbondingLamports"> & { isEjected: boolean }) | null;
  /** deposit of the member account */
  memberLamports: bigint;
  /** points, or base units of the treasury's mint, booked and not claimed */
  claimable: bigint;
  /** points of the run's tables that are not booked yet: `due` will be by the next claim, `running` when its epoch is over */
  unsettled: { due: bigint; dueSlashed: bigint; running: bigint };
  /** null: the run pays no rewards by itself */
  treasury: TreasuryFacts | null;
  /** what a claim would pay now; 0 without a treasury, or where it is empty */
  payable: bigint;
  /** an account of claims, whose deposit comes back when the treasury is closed */
  hasParticipant: boolean;
  sessions: OwnedSession[];
}

/** By run id, closed runs last. Errors: ChainError. */
export async function memberships(chain: Chain, owner: Address, nowMs = Date.now()): Promise<Membership[]> {
  const { client, programs, signal } = chain;
  const [members, sessions] = await Promise.all([
    listMemberAccounts(client, programs, { owner }, signal),
    listSessions(client, programs, { owner }, signal),
  ]);
  const runs = [...new Set([...members.map(({ member }) => member.run), ...sessions.map(({ run }) => run)])];
  const all = await Promise.all(
    runs.map((run) =>
      read(
        chain,
        run,
        members.find(({ member }) => member.run === run) ?? null,
        sessions.filter((session) => session.run === run),
        nowMs,
      ),
    ),
  );
  return all.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

const order = ({ runId, run }: Membership): string => (runId === null ? `1${run}` : `0${runId}`);

async function read(
  chain: Chain,
  address: Address,
  found: { lamports: bigint; member: Member } | null,
  sessions: (SessionReading & { address: Address })[],
  nowMs: number,
): Promise<Membership> {
  const run = await findRunAt(chain, await addressesOfRun(chain.programs, address));
  const isOpen = run !== null && (found === null || isOf(run, found.member));
  const treasury = isOpen ? await findTreasury(chain, address, run.account.mainAuthority) : null;
  const owner = found?.member.owner ?? sessions[0]!.owner;
  const [facts, participant] = await Promise.all([
    treasury && treasuryFacts(chain, treasury),
    treasury && findParticipant(chain, treasury.address, owner),
  ]);
  const claimable = found === null || !isOpen ? 0n : claimablePoints(found.member);
  const unsettled = isOpen ? unsettledOf(run, owner) : { due: 0n, dueSlashed: 0n, running: 0n };
  return {
    run: address,
    runId: run?.runId ?? null,
    name: run?.config.name ?? "",
    state: isOpen ? runStateOf(run) : null,
    member: found && { ...pick(found.member), isEjected: found.member.ejected !== 0 },
    memberLamports: found?.lamports ?? 0n,
    claimable,
    unsettled,
    treasury: facts,
    payable: facts === null ? 0n : least(afterSettling(found?.member ?? null, unsettled), facts.vaultUnits),
    hasParticipant: participant !== null,
    sessions: sessions.map(({ session, expiresMs, lamports }) => ({
      session,
      expiresMs: Number(expiresMs),
      floatLamports: floatOf({ lamports }),
      rentLamports: lamports - floatOf({ lamports }),
      isExpired: Number(expiresMs) < nowMs,
    })),
  };
}

function pick({ earned, slashed, claimed, bondLamports, unbondingLamports }: Member) {
  return { earned, slashed, claimed, bondLamports, unbondingLamports };
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

function unsettledOf(run: OnChainRun, owner: Address): Membership["unsettled"] {
  const sums = { due: 0n, dueSlashed: 0n, running: 0n };
  for (const slot of unsettledSlots(run)) {
    if (slot.owner !== owner) continue;
    if (!slot.isDue) sums.running += slot.earned;
    else {
      sums.due += slot.earned;
      sums.dueSlashed += slot.slashed;
    }
  }
  return sums;
}

/** What can be claimed once the points that are due are booked, which a claim does by itself. */
function afterSettling(member: Member | null, { due, dueSlashed }: Membership["unsettled"]): bigint {
  if (member === null) return 0n;
  return claimablePoints({ earned: member.earned + due, slashed: member.slashed + dueSlashed, claimed: member.claimed });
}
