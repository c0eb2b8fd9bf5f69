/** Key files as Solana's tools write them: a JSON array of 64 bytes, secret and public half, for the owner's eyes only. */
import { existsSync, writeFileSync } from "node:fs";
import { createKeyPairSignerFromBytes, type KeyPairSigner } from "@solana/kit";
import { generateKeypair } from "@starling/network";
import { readPrivateKeyFile } from "../chain/keyFile.ts";
import { HostError } from "../errors.ts";

/** The key in `path`; a new one is made and kept there when there is no file. Errors: HostError bad-option. */
export async function keyFile(path: string): Promise<KeyPairSigner> {
  if (existsSync(path)) return readPrivateKeyFile(path, `the key file ${path}`);
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const bytes = Uint8Array.from([...seed, ...generateKeypair(seed).publicKey]);
  try {
    writeFileSync(path, `${JSON.stringify([...bytes])}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new HostError("bad-option", `the key file ${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
  return createKeyPairSignerFromBytes(bytes);
}
