/** The kept keys as signers of transactions. */
import {
  address,
  createSignerFromKeyPair,
  getAddressDecoder,
  type Address,
  type SignatureBytes,
  type TransactionSigner,
} from "@solana/kit";
import { generateKeypair } from "@starling/network/keys";

/** The session key; from its seed where this browser makes no key pair. */
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
