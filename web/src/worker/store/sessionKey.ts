/** The session key: made by the browser, used by the browser, read by nobody. */
import {
  address,
  createSignerFromKeyPair,
  getAddressDecoder,
  type Address,
  type SignatureBytes,
  type TransactionSigner,
} from "@solana/kit";
import { generateKeypair, type Signer } from "@starling/network";

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

/** For transactions. `seed` where there is no key pair. */
export async function sessionTransactionSigner({
  session,
  sessionSeed,
}: {
  session: CryptoKeyPair | null;
  sessionSeed: Uint8Array;
}): Promise<TransactionSigner> {
  return session === null ? seedSigner(sessionSeed) : createSignerFromKeyPair(session);
}

/** Signs transactions with a raw key, without WebCrypto: the peer key, and a session key where there is no other. */
export function seedSigner(seed: Uint8Array): TransactionSigner {
  const keys = generateKeypair(seed);
  const own: Address = address(getAddressDecoder().decode(keys.publicKey));
  return {
    address: own,
    signTransactions: async (transactions) =>
      transactions.map(({ messageBytes }) => ({ [own]: keys.sign(messageBytes as unknown as Uint8Array) as SignatureBytes })),
  };
}
