import { Identity, type ChainRenewal } from "@starling/sdk";
import { changeIdentity, type IdentityRecord } from "./identityStore.ts";
import { sessionSigner } from "./sessionKey.ts";

/** What the SDK takes: the identity, and how a chain it begins is kept. `owner` (32): the wallet's key; null: the record's own. */
export async function openIdentity(record: IdentityRecord, owner: Uint8Array | null): Promise<ChainRenewal & { identity: Identity }> {
  const { sessionSeed, peerSeed, ownerSeed, chainsBegun } = record;
  const session = record.session && (await sessionSigner(record.session));
  const identity = new Identity(
    { sessionSeed, peerSeed, ownerSeed, chainsBegun },
    { ...(owner && { owner }), ...(session && { session }) },
  );
  return { identity, save: () => changeIdentity(record.key, { chainsBegun: identity.secrets().chainsBegun }) };
}
