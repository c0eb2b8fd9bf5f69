/** `starling join-authorization-create|read|delegate|delete`: the grants by which a run's join authority lets people in. */
import type { Address } from "@solana/kit";
import type {
  OptionsOf,
  joinAuthorizationCreateOptions,
  joinAuthorizationDelegateOptions,
  joinAuthorizationDeleteOptions,
  joinAuthorizationReadOptions,
} from "@starling/config";
import { createGrant, deleteGrant, nameOfGrantee, requireGrant, setDelegates } from "@starling/sdk/actions/grants";
import type { GrantReading } from "@starling/sdk/solana/accounts";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print, tellProgress } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function joinAuthorizationCreate(options: OptionsOf<typeof joinAuthorizationCreateOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const { grant, isNew, signature } = await createGrant(chain, wallet, { grantee: options.authorizer.trim() as Address });
    print(options.json, { ...shown(grant), created: isNew, signature }, [
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
  const joinAuthority = options.joinAuthority.trim() as Address;
  const add = options.delegatesAdded as Address[];
  if (!options.delegatesClear && add.length === 0)
    throw new HostError("bad-option", "nothing to do: give --delegates-added, --delegates-clear or both");
  return withChain(options, async (chain) => {
    const { grant, signatures } = await setDelegates(chain, wallet, { joinAuthority, add, clear: options.delegatesClear });
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
    const { grant, closed, membersEnded, signatures } = await deleteGrant(chain, wallet, { grantee, runId: options.runId }, tellProgress);
    print(options.json, { ...shown(grant), active: false, closed, membersEnded, signatures }, [
      closed
        ? `deleted the authorization of ${nameOfGrantee(grantee)}`
        : `the authorization of ${nameOfGrantee(grantee)} is not active any more; it has delegates, so it can be closed 30 days after this change, or once they are cleared`,
      ...membersEnded.map(({ runId, owner }) => `${owner} leaves run ${runId} at the end of the epoch`),
    ]);
    return EXIT_CODES.ok;
  });
}

function shown({ address, grantor, grantee, isActive, delegates, updatedMs }: GrantReading) {
  return { address, joinAuthority: grantor, authorizer: grantee, active: isActive, delegates, updatedMs };
}

function sentence({ grantor, grantee, isActive }: GrantReading): string {
  const whom = nameOfGrantee(grantee);
  return isActive ? `${grantor} lets ${whom} join its runs` : `the grant of ${grantor} for ${whom} is not active`;
}
