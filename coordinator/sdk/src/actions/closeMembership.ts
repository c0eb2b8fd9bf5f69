/**
 * A wallet is done with a run: its sessions, its member account and, once the run's treasury is closed, the account of its claims are
 * closed, and what they hold comes back. What may still be claimed must be claimed before.
 */
import type { Address, TransactionSigner } from "@solana/kit";
import { claimablePoints, listSessions } from "../solana/accounts.ts";
import { closeMember, closeSession } from "../solana/instructions.ts";
import { closeParticipant } from "../solana/treasury.ts";
import { memberAddress, participantAddress, treasuryAddress } from "../solana/pdas.ts";
import { formatAmount, formatSol } from "./amounts.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { addressesFor, findMember, findRunAt, ownerOf, unsettledSlots, type OnChainRun, type RunRef } from "./run.ts";
import { closeSession as closeSessionWithKey } from "./session.ts";
import { settleTables } from "./settle.ts";
import { findParticipant, findTreasury, rewardUnit } from "./treasury.ts";

export interface ClosedMembership {
  run: Address;
  owner: Address;
  closedSessions: number;
  /** false also where the owner was ejected: its account stays while the run is open, so that nobody ejected comes back */
  closedMember: boolean;
  closedParticipant: boolean;
  /** deposits, floats and bond; fees are not taken off */
  returnedLamports: bigint;
  /** of an account of claims that is kept while the run's treasury is open */
  keptLamports: bigint;
  signatures: string[];
}

export type CloseMembershipInput = RunRef & {
  /** the keys of sessions, as far as they are at hand: what is in a key itself comes back too */
  keyOf?: (session: Address) => Promise<TransactionSigner | undefined>;
};

/** a session has two accounts of its own in a transaction */
const SESSIONS_AT_ONCE = 8;

/** Errors: ActionError nothing-to-do, wrong-state (claimable, bonded or in the epoch), unknown-outcome, cancelled; ChainError. */
export async function closeMembership(
  chain: Chain,
  wallet: TransactionSigner,
  input: CloseMembershipInput,
  tell?: Tell,
): Promise<ClosedMembership> {
  const at = await addressesFor(chain, input);
  const owner = wallet.address;
  const treasury = await treasuryAddress(chain.programs, at.run);
  const run = await findRunAt(chain, at);
  const addresses = [await memberAddress(chain.programs, at.run, owner), await participantAddress(chain.programs, treasury, owner)];
  const sessions = await listSessions(chain.client, chain.programs, { run: at.run, owner }, chain.signal);
  const [member, participant] = await chain.accounts(addresses);
  const hasMember = member?.owner === chain.programs.coordinator;
  const hasParticipant = (await findParticipant(chain, treasury, owner)) !== null;
  if (!hasMember && !hasParticipant && sessions.length === 0)
    throw new ActionError("nothing-to-do", `${owner} has no membership in this run, or it is closed already`);
  const signatures: string[] = [];
  let step = 0;
  const begin = (text: string): void => tell?.({ step: ++step, of: null, text });
  const keepsMember = hasMember && run !== null && (await settleAndLook(chain, run, wallet, begin)) === "ejected";
  const found = await findTreasury(chain, at.run, null);
  const closesParticipant = hasParticipant && (found === null || found.account.closed !== 0);
  if (keepsMember && sessions.length === 0 && !closesParticipant)
    throw new ActionError(
      "wrong-state",
      `${owner} was ejected from run ${run.runId}: its account, with ${formatSol(member.lamports)}, is kept until the run is closed`,
    );
  let sessionsLamports = 0n;
  const others: Address[] = [];
  for (const { session, lamports } of sessions) {
    const key = await input.keyOf?.(session);
    if (key === undefined) {
      others.push(session);
      sessionsLamports += lamports;
      continue;
    }
    begin("closing a session");
    const { signature, returnedLamports } = await closeSessionWithKey(chain, wallet, { run: at.run, session, key });
    sessionsLamports += returnedLamports;
    if (signature !== null) signatures.push(signature);
  }
  const closing = [
    ...(await Promise.all(others.map((session) => closeSession(at, wallet, owner, session)))),
    ...(hasMember && !keepsMember ? [await closeMember(at, wallet)] : []),
    ...(closesParticipant ? [await closeParticipant(at, wallet)] : []),
  ];
  for (let from = 0; from < closing.length; from += SESSIONS_AT_ONCE) {
    begin("closing what the membership holds");
    signatures.push(await chain.send(closing.slice(from, from + SESSIONS_AT_ONCE), wallet, "close the membership"));
  }
  const participantLamports = hasParticipant ? (participant?.lamports ?? 0n) : 0n;
  return {
    run: at.run,
    owner,
    closedSessions: sessions.length,
    closedMember: hasMember && !keepsMember,
    closedParticipant: closesParticipant,
    returnedLamports:
      sessionsLamports + (hasMember && !keepsMember ? member.lamports : 0n) + (closesParticipant ? participantLamports : 0n),
    keptLamports: closesParticipant ? 0n : participantLamports,
    signatures,
  };
}

/** Settles the owner's points, and refuses while something of them would be lost. Errors: ActionError wrong-state. */
async function settleAndLook(
  chain: Chain,
  run: OnChainRun,
  wallet: TransactionSigner,
  begin: (text: string) => void,
): Promise<"closable" | "ejected"> {
  const owner = wallet.address;
  const before = await findMember(chain, run, owner);
  // of a closed run of the same id: nothing in it counts any more
  if (before === null) return "closable";
  const taking = [...(run.state?.clients ?? []).filter(isStaying(run)), ...(run.state?.pending ?? [])];
  if (taking.some((one) => ownerOf(one) === owner) || unsettledSlots(run).some((slot) => slot.owner === owner && !slot.isDue))
    throw new ActionError(
      "wrong-state",
      `${owner} is a member of the running epoch of run ${run.runId}, or waits for the next: stop its machine, and try again when the epoch is over`,
    );
  await settleTables(chain, run, wallet, owner, () => begin("booking the points of the last epoch"));
  const member = (await findMember(chain, run, owner))!;
  // its account is kept, and with it its claim and its bond: only its sessions end
  if (member.ejected !== 0) return "ejected";
  const claimable = claimablePoints(member);
  if (claimable > 0n) {
    const { unit, decimals } = await rewardUnit(chain, run);
    const amount = `${formatAmount(claimable, decimals)} ${unit}`;
    throw new ActionError("wrong-state", `${amount} of ${owner} in run ${run.runId} would be lost`, { advice: "claim" });
  }
  const bond = member.bondLamports + member.unbondingLamports;
  if (bond > 0n)
    throw new ActionError("wrong-state", `${owner} has a bond of ${formatSol(bond)} in run ${run.runId}`, {
      advice: "withdraw-bond",
    });
  return "closable";
}

/** In the epoch that runs, or carried into the next one. */
function isStaying(run: OnChainRun): (client: { state: string; carried: boolean }) => boolean {
  const state = run.state?.runState;
  const isOver = state === "WaitingForMembers" || state === "Paused" || state === "Finished" || state === "Uninitialized";
  return ({ state: health, carried }) => carried || (!isOver && health === "Healthy");
}
