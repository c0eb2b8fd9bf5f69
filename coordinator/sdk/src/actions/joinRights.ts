/** Whether a key may join a run, and if not, why: the sentences of `can-join`, of the page, and of a daemon that waits to be let in. */
import type { Address } from "@solana/kit";
import { MAX_CLIENTS } from "@starling/config";
import type { RunState } from "../types.ts";
import { JOIN_SCOPE, PUBLIC_GRANTEE } from "../solana/pdas.ts";
import { formatSol } from "./amounts.ts";
import type { Advice } from "./errors.ts";

/** A grant as the chain has it. */
export interface GrantFacts {
  isActive: boolean;
  delegates: readonly Address[];
}

export interface JoinFacts {
  runId: string;
  /** the key that wants to join */
  owner: Address;
  joinAuthority: Address;
  /** false while its authority changes the configuration */
  isConfigWhole: boolean;
  /** null before the run's first configuration */
  runState: RunState | null;
  minBondLamports: bigint;
  /** null where the owner never opened a session */
  member: { ejected: boolean; bondLamports: bigint } | null;
  /** waits for the next epoch, or is in the running one */
  isMember: boolean;
  /** members waiting, and those that stay for the next epoch */
  members: number;
  /** in the order in which they are tried */
  grants: readonly { grantee: Address; grant: GrantFacts | null }[];
}

export type JoinRight =
  | { mayJoin: true; grantee: Address; note: string | null }
  | { mayJoin: false; mayLater: boolean; reason: string; advice: Advice | null };

/** The grants by which `owner` might join: that of the authorizer it names, or its own and everyone's. */
export function granteesFor(owner: Address, authorizer: Address | undefined): Address[] {
  return authorizer === undefined ? [...new Set([owner, PUBLIC_GRANTEE])] : [authorizer];
}

export function joinRight(facts: JoinFacts): JoinRight {
  const { runId, owner, member } = facts;
  const refuse = (mayLater: boolean, reason: string, advice: Advice | null = null): JoinRight => ({
    mayJoin: false,
    mayLater,
    reason,
    advice,
  });
  if (facts.runState === "Finished") return refuse(false, `run ${runId} is finished`);
  const good = facts.grants.find(({ grantee, grant }) => whyGrantFails(owner, grantee, grant) === null);
  if (!good) {
    const reasons = facts.grants.map(({ grantee, grant }) => whyGrantFails(owner, grantee, grant));
    return refuse(true, `${owner} is not authorized by ${facts.joinAuthority}, who decides about run ${runId}: ${reasons.join("; ")}`);
  }
  if (member?.ejected) return refuse(false, `${owner} was ejected from run ${runId}, and stays out`);
  const bond = member?.bondLamports ?? 0n;
  if (bond < facts.minBondLamports) {
    return refuse(
      true,
      `run ${runId} wants a bond of ${formatSol(facts.minBondLamports)}, ${owner} has deposited ${formatSol(bond)}`,
      "deposit-bond",
    );
  }
  if (facts.runState === null || facts.runState === "Uninitialized")
    return refuse(true, `run ${runId} was not started yet: its authority must configure it and start it`);
  if (!facts.isConfigWhole) return refuse(true, `the configuration of run ${runId} is being changed: its authority must end that`);
  if (!facts.isMember && facts.members >= MAX_CLIENTS) return refuse(true, `run ${runId} is full: it has ${facts.members} members`);
  const note = facts.isMember ? "it is a member already" : facts.runState === "Paused" ? "the run is paused: it waits as a member" : null;
  return { mayJoin: true, grantee: good.grantee, note };
}

/** Null where the grant lets the owner in. */
function whyGrantFails(owner: Address, grantee: Address, grant: GrantFacts | null): string | null {
  const whose = grantee === PUBLIC_GRANTEE ? "everyone" : grantee;
  if (grant === null) return `there is no grant "${JOIN_SCOPE}" for ${whose}`;
  if (!grant.isActive) return `the grant for ${whose} is not active`;
  const isCovered = grantee === PUBLIC_GRANTEE || grantee === owner || grant.delegates.includes(owner);
  return isCovered ? null : `the grant for ${whose} does not name ${owner} as a delegate`;
}
