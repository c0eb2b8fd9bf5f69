/** The key of a session that this browser opened. */
import { createSignerFromKeyPair, type Address, type TransactionSigner } from "@solana/kit";

/** Where the session is this browser's, its key signs too: what it was filled up with then comes back as well. */
export async function keyOfThisBrowser(
  cluster: string,
  runId: string | null,
  owner: Address,
  session: Address,
): Promise<TransactionSigner | undefined> {
  if (runId === null) return undefined;
  try {
    const { identityKey, loadIdentity } = await import("../worker/store/identityStore.ts");
    const record = await loadIdentity(identityKey(cluster, runId, owner));
    const signer = record?.session ? await createSignerFromKeyPair(record.session) : undefined;
    return signer?.address === session ? signer : undefined;
  } catch {
    // a browser that keeps nothing has no key of it
    return undefined;
  }
}
