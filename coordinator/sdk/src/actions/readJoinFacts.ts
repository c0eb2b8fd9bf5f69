/** What decides whether a key may join, read from the chain. */
import type { Address } from "@solana/kit";
import type { Chain } from "./chain.ts";
import { findGrant } from "./grants.ts";
import { granteesFor, type JoinFacts } from "./joinRights.ts";
import { findMember, ownerOf, requireRun } from "./run.ts";

/** `authorizer`: who holds the grant; undefined = the owner itself, or everyone. Errors: ActionError not-found: no such run; ChainError. */
export async function readJoinFacts(chain: Chain, runId: string, owner: Address, authorizer: Address | undefined): Promise<JoinFacts> {
  const run = await requireRun(chain, runId);
  const { joinAuthority, minBondLamports, authorizerProgram } = run.account;
  const programs = { ...chain.programs, authorizer: authorizerProgram };
  const grants = await Promise.all(
    granteesFor(owner, authorizer).map(async (grantee) => ({
      grantee,
      grant: await findGrant(chain.with(programs), joinAuthority, grantee),
    })),
  );
  const member = await findMember(chain, run, owner);
  const staying = run.state?.clients.filter(({ state, carried }) => state === "Healthy" && carried) ?? [];
  const waiting = run.state?.pending ?? [];
  return {
    runId,
    owner,
    joinAuthority,
    isConfigWhole: run.config.toml !== "",
    runState: run.state?.runState ?? null,
    minBondLamports,
    member: member && { ejected: member.ejected !== 0, bondLamports: member.bondLamports },
    isMember: [...staying, ...waiting].some((one) => ownerOf(one) === owner),
    members: staying.length + waiting.length,
    grants,
  };
}
