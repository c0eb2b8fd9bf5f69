/** Ed25519 keys made from names, so that every run of a test has the same addresses; signing is synchronous. */
import { type Address, getAddressDecoder } from "@solana/kit";
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

/** DER of an Ed25519 private key up to its 32 secret bytes (RFC 8410). */
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export interface Key {
  readonly name: string;
  readonly address: Address;
  /** (32) */
  readonly bytes: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** The keys of one chain: an account named in a transaction as a signer is signed for if its key was made here. */
export class Keyring {
  readonly #seed: string;
  readonly #byName = new Map<string, Key>();
  readonly #byAddress = new Map<Address, Key>();

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** The key of that name, made on first use. */
  key(name: string): Key {
    const known = this.#byName.get(name);
    if (known) return known;
    const secret = createHash("sha256").update(`${this.#seed}/${name}`).digest();
    const privateKey: KeyObject = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_PREFIX, secret]), format: "der", type: "pkcs8" });
    const bytes = new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32));
    const key: Key = {
      name,
      bytes,
      address: getAddressDecoder().decode(bytes),
      sign: (message) => new Uint8Array(sign(null, message, privateKey)),
    };
    this.#byName.set(name, key);
    this.#byAddress.set(key.address, key);
    return key;
  }

  of(address: Address): Key | undefined {
    return this.#byAddress.get(address);
  }
}
