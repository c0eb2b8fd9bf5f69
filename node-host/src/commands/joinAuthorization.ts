/** `starling join-authorization-create|read|delegate|delete`: the grants by which a run's join authority lets people in. */
import type { Address, Instruction } from "@solana/kit";
import type {
  OptionsOf,
  joinAuthorizationCreateOptions,
  joinAuthorizationDelegateOptions,
  joinAuthorizationDeleteOptions,
  joinAuthorizationReadOptions,
} from "@starling/config";
import type { GrantReading } from "@starling/sdk/solana/accounts";
import { closeGrant, createGrant, setDelegates, setGrantActive } from "@starling/sdk/solana/grants";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import { withChain } from "../chain/chain.ts";
import type { Chain } from "@starling/sdk/actions/chain";
import { enforceGrant } from "@starling/sdk/actions/enforceGrant";
import { findGrant } from "@starling/sdk/actions/grant";
import { readWallet } from "../chain/keyFile.ts";
import { print, progress } from "../chain/print.ts";
import { rentLamports } from "@starling/sdk/solana/rent";
import { requireProgram } from "@starling/sdk/actions/run";
import { EXIT_CODES, HostError } from "../errors.ts";

const GRANT_BYTES = 120;

export async function joinAuthorizationCreate(options: OptionsOf<typeof joinAuthorizationCreateOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const grantee = options.authorizer.trim() as Address;
  return withChain(options, async (chain) => {
    await requireProgram(chain, "authorizer");
    const before = await findGrant(chain, wallet.address, grantee);
    const instructions: Instruction[] = [];
    if (before === null) {
      await chain.requireFunds(wallet.address, rentLamports(GRANT_BYTES), "the grant");
      instructions.push(await createGrant(chain.programs, wallet, wallet, grantee));
    }
    if (!before?.isActive) instructions.push(await setGrantActive(chain.programs, wallet, grantee, true));
    const signature = instructions.length === 0 ? null : await chain.send(instructions, wallet, "create the authorization");
    const grant = await requireGrant(chain, wallet.address, grantee);
    print(options.json, { ...shown(grant), created: before === null, signature }, [
      signature === null ? `nothing to do: ${sentence(grant)}` : sentence(grant),
    ]);
    return EXIT_CODES.ok;
  });
}

export async function joinAuthorizationRead(options: OptionsOf<typeof joinAuthorizationReadOptions>): Promise<number> {
  return withChain(options, async (chain) => {
    const grant = await requireGrant(chain, options.joinAuthority.trim() as Address, options.authorizer.trim() as Address);
    print(options.json, shown(grant), [
      sentence(grant),
      `last changed ${new Date(Number(grant.updatedMs)).toISOString()}`,
      ...(grant.delegates.length === 0 ? ["no delegates"] : grant.delegates.map((delegate) => `delegate ${delegate}`)),
    ]);
    return EXIT_CODES.ok;
  });
}

export async function joinAuthorizationDelegate(options: OptionsOf<typeof joinAuthorizationDelegateOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const grantor = options.joinAuthority.trim() as Address;
  const added = [...new Set(options.delegatesAdded)] as Address[];
  if (!options.delegatesClear && added.length === 0)
    throw new HostError("bad-option", "nothing to do: give --delegates-added, --delegates-clear or both");
  return withChain(options, async (chain) => {
    const before = await requireGrant(chain, grantor, wallet.address);
    const kept = options.delegatesClear ? [] : before.delegates;
    const missing = added.filter((delegate) => !kept.includes(delegate));
    if (kept.length + missing.length > CHAIN_LIMITS.delegates)
      throw new HostError(
        "bad-option",
        `a grant holds ${CHAIN_LIMITS.delegates} delegates, and this would make ${kept.length + missing.length}: clear with --delegates-clear`,
      );
    const signatures: string[] = [];
    let clear = options.delegatesClear && before.delegates.length > 0;
    for (let at = 0; at < missing.length || clear; at += CHAIN_LIMITS.delegatesAtOnce) {
      const some = missing.slice(at, at + CHAIN_LIMITS.delegatesAtOnce);
      const instruction = await setDelegates(chain.programs, wallet, wallet, grantor, some, { clear });
      signatures.push(await chain.send([instruction], wallet, "set the delegates"));
      clear = false;
    }
    const grant = await requireGrant(chain, grantor, wallet.address);
    print(options.json, { ...shown(grant), signatures }, [
      `${wallet.address} has ${grant.delegates.length} delegates${signatures.length === 0 ? ", as before" : ""}`,
      ...grant.delegates.map((delegate) => `delegate ${delegate}`),
    ]);
    return EXIT_CODES.ok;
  });
}

export async function joinAuthorizationDelete(options: OptionsOf<typeof joinAuthorizationDeleteOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const grantee = options.authorizer.trim() as Address;
  return withChain(options, async (chain) => {
    const grant = await requireGrant(chain, wallet.address, grantee);
    const signatures: string[] = [];
    if (grant.isActive) {
      signatures.push(
        await chain.send([await setGrantActive(chain.programs, wallet, grantee, false)], wallet, "deactivate the authorization"),
      );
      progress("the authorization is not active any more: nobody can join by it");
    }
    const ended = await enforceGrant(
      chain,
      { grant: grant.address, joinAuthority: wallet.address, runId: options.runId },
      wallet,
      ({ text }) => progress(text),
    );
    const isKept = grant.delegates.length > 0;
    // a grant with delegates stays for 30 days, so that they can see what became of it
    let closed = true;
    try {
      signatures.push(
        await chain.send([await closeGrant(chain.programs, wallet, grantee, wallet.address)], wallet, "close the authorization"),
      );
    } catch (error) {
      if (!isKept || (error as { code?: string }).code !== "rejected") throw error;
      closed = false;
    }
    print(options.json, { ...shown(grant), active: false, closed, membersEnded: ended, signatures }, [
      closed
        ? `deleted the authorization of ${nameOf(grantee)}`
        : `the authorization of ${nameOf(grantee)} is not active any more; it has delegates, so it can be closed 30 days after this change, or once they are cleared`,
      ...ended.map(({ runId, owner }) => `${owner} leaves run ${runId} at the end of the epoch`),
    ]);
    return EXIT_CODES.ok;
  });
}

/** Errors: HostError chain where there is none. */
async function requireGrant(chain: Chain, grantor: Address, grantee: Address): Promise<GrantReading> {
  const grant = await findGrant(chain, grantor, grantee);
  if (grant) return grant;
  throw new HostError(
    "chain",
    `${grantor} has granted nothing to ${nameOf(grantee)}: starling join-authorization-create, with the key of ${grantor}, does it`,
  );
}

function shown({ address, grantor, grantee, isActive, delegates, updatedMs }: GrantReading) {
  return { address, joinAuthority: grantor, authorizer: grantee, active: isActive, delegates, updatedMs };
}

function sentence({ grantor, grantee, isActive }: GrantReading): string {
  return isActive ? `${grantor} lets ${nameOf(grantee)} join its runs` : `the grant of ${grantor} for ${nameOf(grantee)} is not active`;
}

function nameOf(grantee: Address): string {
  return grantee === PUBLIC_GRANTEE ? "everyone" : grantee;
}
