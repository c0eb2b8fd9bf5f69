/** Solana private keys as operators keep them. A key, or a piece of one, is never part of a message. */
import { readFileSync } from "node:fs";
import {
  createKeyPairSignerFromBytes,
  createKeyPairSignerFromPrivateKeyBytes,
  getBase58Encoder,
  type KeyPairSigner,
  type ReadonlyUint8Array,
} from "@solana/kit";
import { HostError } from "../errors.ts";

export interface WalletOptions {
  walletPrivateKeyPath: string | undefined;
  rawWalletPrivateKey: string | undefined;
}

/** The key that signs: RAW_WALLET_PRIVATE_KEY, else the file. Errors: HostError bad-option. */
export async function readWallet(options: WalletOptions): Promise<KeyPairSigner> {
  const wallet = await findWallet(options);
  if (wallet) return wallet;
  throw new HostError("bad-option", "this needs a private key: give --wallet-private-key-path FILE, or set RAW_WALLET_PRIVATE_KEY");
}

/** As `readWallet`, but null where none was given. */
export async function findWallet({ walletPrivateKeyPath: path, rawWalletPrivateKey: raw }: WalletOptions): Promise<KeyPairSigner | null> {
  if (raw !== undefined) return parsePrivateKey(raw, "RAW_WALLET_PRIVATE_KEY");
  return path === undefined ? null : readPrivateKeyFile(path, `--wallet-private-key-path ${path}`);
}

/** `what` names the file in messages. Errors: HostError bad-option. */
export async function readPrivateKeyFile(path: string, what: string): Promise<KeyPairSigner> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HostError("bad-option", `${what} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parsePrivateKey(text, what);
}

/**
 * A JSON array of numbers or base58 text: 64 bytes (secret half, public half) or the 32 of the secret half.
 * Errors: HostError bad-option, without a cause, since that could repeat the key.
 */
export async function parsePrivateKey(text: string, what: string): Promise<KeyPairSigner> {
  const refuse = (why: string): HostError => new HostError("bad-option", `${what}: ${why}`);
  const found = readBytes(text.trim());
  if (typeof found === "string") throw refuse(found);
  if (found.length !== 32 && found.length !== 64)
    throw refuse(`holds ${found.length} bytes; a private key has 64, or 32 without its public half`);
  try {
    return found.length === 64 ? await createKeyPairSignerFromBytes(found) : await createKeyPairSignerFromPrivateKeyBytes(found);
  } catch {
    throw refuse("its public half does not belong to its secret half: the key is damaged");
  }
}

/** The bytes, or what is wrong. */
function readBytes(text: string): ReadonlyUint8Array | string {
  if (text === "") return "is empty";
  if (text.startsWith("[")) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      return "begins like a JSON array and is none; it must be [n, n, ...] with 64 or 32 numbers";
    }
    if (!(parsed as unknown[]).every((n) => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= 255))
      return "holds something else than whole numbers from 0 to 255";
    return Uint8Array.from(parsed as number[]);
  }
  const base58 = text.replace(/^(["'])(.*)\1$/s, "$2");
  if (base58.length > 100 || !/^[1-9A-HJ-NP-Za-km-z]+$/.test(base58)) return "must be a JSON array of 64 or 32 numbers, or base58";
  return getBase58Encoder().encode(base58);
}
