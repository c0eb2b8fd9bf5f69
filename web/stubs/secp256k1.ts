/**
 * In the place of @noble/curves/secp256k1.js below @libp2p/crypto: peer ids are ed25519 keys here, everywhere. A peer with another kind
 * of key is refused as one whose key cannot be read, and a visitor loads 6 kB less.
 */
export const secp256k1: unknown = new Proxy(
  {},
  {
    get() {
      throw new Error("peer ids are ed25519 keys here, this is a secp256k1 key");
    },
  },
);
