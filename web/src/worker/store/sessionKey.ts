/** The session key: made by the browser, used by the browser, read by nobody. */
import type { Signer } from "@starling/network";

/** Null where WebCrypto has no Ed25519 here (old browsers; pages that are not served over https). */
export async function newSessionKeys(): Promise<CryptoKeyPair | null> {
  try {
    return (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  } catch {
    return null;
  }
}

/** For the round's messages: `Signer` of @starling/network. */
export async function sessionSigner({ publicKey, privateKey }: CryptoKeyPair): Promise<Signer> {
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, Uint8Array.from(bytes))),
  };
}
