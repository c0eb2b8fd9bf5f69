/** Grants of the scope "CoordinatorJoinRun". */
import type { Address } from "@solana/kit";
import { decodeGrant, type GrantReading } from "../solana/accounts.ts";
import { grantAddress } from "../solana/pdas.ts";
import type { Chain } from "./chain.ts";

/** Null where nothing was granted, or someone merely sent lamports to the address. Errors: ChainError. */
export async function findGrant(chain: Chain, grantor: Address, grantee: Address): Promise<GrantReading | null> {
  const address = await grantAddress(chain.programs, grantor, grantee);
  const found = await chain.account(address);
  return found === null || found.owner !== chain.programs.authorizer ? null : decodeGrant(chain.programs, address, found);
}
