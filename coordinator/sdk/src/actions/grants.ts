/** Grants of the scope "CoordinatorJoinRun": by them a run's join authority lets people in, and they their other keys. */
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { decodeGrant, listGrants, type GrantReading } from "../solana/accounts.ts";
import {
  closeGrant,
  createGrant as createGrantInstruction,
  setDelegates as setDelegatesInstruction,
  setGrantActive as setGrantActiveInstruction,
} from "../solana/grants.ts";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import { grantAddress, JOIN_SCOPE, PUBLIC_GRANTEE } from "../solana/pdas.ts";
import { rentLamports } from "../solana/rent.ts";
import type { Chain } from "./chain.ts";
import { enforceGrant, type EndedMembership } from "./enforceGrant.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { requireProgram } from "./run.ts";

const GRANT_BYTES = 120;
/** The program keeps a grant that has delegates for 30 days after its grantor's last change; clocks differ. */
const KEPT_MS = 30 * 86_400_000 + 3_600_000;

/** Null where nothing was granted, or someone merely sent lamports to the address. Errors: ChainError. */
export async function findGrant(chain: Chain, grantor: Address, grantee: Address): Promise<GrantReading | null> {
  const address = await grantAddress(chain.programs, grantor, grantee);
  const found = await chain.account(address);
  return found === null || found.owner !== chain.programs.authorizer ? null : decodeGrant(chain.programs, address, found);
}

/** Errors: ActionError not-found. */
export async function requireGrant(chain: Chain, grantor: Address, grantee: Address): Promise<GrantReading> {
  const grant = await findGrant(chain, grantor, grantee);
  if (grant) return grant;
  throw new ActionError("not-found", `${grantor} has granted nothing to ${nameOfGrantee(grantee)}`, { advice: "create-grant" });
}

/** Those by which people may join runs of this join authority, everyone's first. Errors: ChainError. */
export async function readGrants(chain: Chain, joinAuthority: Address): Promise<GrantReading[]> {
  const grants = await listGrants(chain.client, chain.programs, { grantor: joinAuthority }, chain.signal);
  const rank = ({ grantee }: GrantReading): string => (grantee === PUBLIC_GRANTEE ? "" : grantee);
  return grants.filter(({ scope }) => scope === JOIN_SCOPE).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** The other keys that join by grants of this owner, each once. Errors: ChainError. */
export async function delegatesOf(chain: Chain, owner: Address): Promise<Address[]> {
  const grants = await listGrants(chain.client, chain.programs, { grantee: owner }, chain.signal);
  return [...new Set(grants.filter(({ scope }) => scope === JOIN_SCOPE).flatMap(({ delegates }) => delegates))];
}

export function nameOfGrantee(grantee: Address): string {
  return grantee === PUBLIC_GRANTEE ? "everyone" : grantee;
}

export interface CreatedGrant {
  grant: GrantReading;
  /** false: it was there */
  isNew: boolean;
  /** null: it was there and active */
  signature: string | null;
}

/** The wallet is the join authority. The grant is active afterwards. Errors: ActionError unfunded, unknown-outcome, cancelled; ChainError. */
export async function createGrant(chain: Chain, wallet: TransactionSigner, { grantee }: { grantee: Address }): Promise<CreatedGrant> {
  await requireProgram(chain, "authorizer");
  const before = await findGrant(chain, wallet.address, grantee);
  const instructions: Instruction[] = [];
  if (before === null) {
    await chain.requireFunds(wallet.address, rentLamports(GRANT_BYTES), "the grant");
    instructions.push(await createGrantInstruction(chain.programs, wallet, wallet, grantee));
  }
  if (!before?.isActive) instructions.push(await setGrantActiveInstruction(chain.programs, wallet, grantee, true));
  const signature = instructions.length === 0 ? null : await chain.send(instructions, wallet, "create the authorization");
  return { grant: await requireGrant(chain, wallet.address, grantee), isNew: before === null, signature };
}

/** Errors: ActionError not-found, unknown-outcome, cancelled; ChainError. */
export async function setGrantActive(
  chain: Chain,
  wallet: TransactionSigner,
  { grantee, active }: { grantee: Address; active: boolean },
): Promise<{ grant: GrantReading; signature: string | null }> {
  const before = await requireGrant(chain, wallet.address, grantee);
  if (before.isActive === active) return { grant: before, signature: null };
  const what = `${active ? "activate" : "deactivate"} the authorization`;
  const signature = await chain.send([await setGrantActiveInstruction(chain.programs, wallet, grantee, active)], wallet, what);
  return { grant: await requireGrant(chain, wallet.address, grantee), signature };
}

export interface SetDelegatesInput {
  joinAuthority: Address;
  /** those that are there stay there */
  add: readonly Address[];
  /** forgets the present ones first */
  clear: boolean;
}

/** The wallet is the grantee. Errors: ActionError not-found, bad-argument (more than fit), unknown-outcome, cancelled; ChainError. */
export async function setDelegates(
  chain: Chain,
  wallet: TransactionSigner,
  { joinAuthority, add, clear }: SetDelegatesInput,
  tell?: Tell,
): Promise<{ grant: GrantReading; signatures: string[] }> {
  const before = await requireGrant(chain, joinAuthority, wallet.address);
  const kept = clear ? [] : before.delegates;
  const missing = [...new Set(add)].filter((delegate) => !kept.includes(delegate));
  if (kept.length + missing.length > CHAIN_LIMITS.delegates)
    throw new ActionError(
      "bad-argument",
      `a grant holds ${CHAIN_LIMITS.delegates} delegates, and this would make ${kept.length + missing.length}`,
      { advice: "clear-delegates" },
    );
  const signatures: string[] = [];
  let mustClear = clear && before.delegates.length > 0;
  const of = Math.max(Math.ceil(missing.length / CHAIN_LIMITS.delegatesAtOnce), Number(mustClear));
  for (let at = 0; at < missing.length || mustClear; at += CHAIN_LIMITS.delegatesAtOnce) {
    const some = missing.slice(at, at + CHAIN_LIMITS.delegatesAtOnce);
    tell?.({ step: signatures.length + 1, of, text: "setting the delegates" });
    const instruction = await setDelegatesInstruction(chain.programs, wallet, wallet, joinAuthority, some, { clear: mustClear });
    signatures.push(await chain.send([instruction], wallet, "set the delegates"));
    mustClear = false;
  }
  return { grant: await requireGrant(chain, joinAuthority, wallet.address), signatures };
}

export interface DeletedGrant {
  /** as it was */
  grant: GrantReading;
  /** false: it has delegates, and stays, inactive, for 30 days after this change, or until they are cleared */
  closed: boolean;
  /** who leaves at the end of the epoch */
  membersEnded: EndedMembership[];
  signatures: string[];
}

/**
 * The wallet is the join authority. Ends the memberships by that grant in `runId`, or in all its runs.
 * Errors: ActionError not-found, unknown-outcome, cancelled; ChainError.
 */
export async function deleteGrant(
  chain: Chain,
  wallet: TransactionSigner,
  { grantee, runId }: { grantee: Address; runId?: string },
  tell?: Tell,
): Promise<DeletedGrant> {
  const grant = await requireGrant(chain, wallet.address, grantee);
  const signatures: string[] = [];
  let step = 0;
  const begin = (text: string): void => tell?.({ step: ++step, of: null, text });
  if (grant.isActive) {
    const instruction = await setGrantActiveInstruction(chain.programs, wallet, grantee, false);
    signatures.push(await chain.send([instruction], wallet, "deactivate the authorization"));
    begin("the authorization is not active any more: nobody can join by it");
  }
  const membersEnded = await enforceGrant(chain, { grant: grant.address, joinAuthority: wallet.address, runId }, wallet, ({ text }) =>
    begin(text),
  );
  // a grant with delegates stays for a while, so that they can see what became of it
  const sinceMs = grant.isActive ? Date.now() : Number(grant.updatedMs);
  if (grant.delegates.length > 0 && Date.now() < sinceMs + KEPT_MS) return { grant, closed: false, membersEnded, signatures };
  const instruction = await closeGrant(chain.programs, wallet, grantee, wallet.address);
  signatures.push(await chain.send([instruction], wallet, "close the authorization"));
  return { grant, closed: true, membersEnded, signatures };
}
