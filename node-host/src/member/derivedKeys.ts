/**
 * A machine's session and peer keys from its wallet's signature under a fixed sentence, which is the same each time. Whoever sees the
 * keys cannot tell the wallet's; a machine whose disk is gone (a container) finds its session again. Two machines of one wallet need
 * identity files of their own, or they would be one and the same member.
 */
import { createHash } from "node:crypto";
import { createSignableMessage, type KeyPairSigner } from "@solana/kit";
import type { IdentitySecrets } from "@starling/sdk";

export async function derivedKeys(wallet: KeyPairSigner, runId: string): Promise<IdentitySecrets> {
  const [signatures] = await wallet.signMessages([createSignableMessage(`starling: keys of this wallet's machine in run ${runId}`)]);
  const secret = signatures![wallet.address]!;
  const seed = (what: string): Uint8Array => new Uint8Array(createHash("sha256").update(`starling/${what}/`).update(secret).digest());
  return {
    ownerSeed: seed("unused owner"),
    sessionSeed: seed("session"),
    peerSeed: seed("peer"),
    // a chain that was committed to before must not be begun again, and nothing says how many there were
    chainsBegun: Math.floor(Date.now() / 1000),
  };
}
