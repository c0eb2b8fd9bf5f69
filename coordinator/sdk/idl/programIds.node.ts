/** Addresses of the programs on local clusters: the public halves of the committed keys. Other clusters name theirs by options. */
import { readFileSync } from "node:fs";
import { type Address, getAddressDecoder } from "@solana/kit";

export const PROGRAMS = ["coordinator", "authorizer", "treasurer"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

const KEYS = new URL("../../programs/keys/", import.meta.url);

export function localProgramId(program: ProgramName): Address {
  const secret = JSON.parse(readFileSync(new URL(`${program}.json`, KEYS), "utf8")) as number[];
  if (secret.length !== 64) throw new Error(`keys/${program}.json holds ${secret.length} bytes instead of 64`);
  return getAddressDecoder().decode(Uint8Array.from(secret.slice(32)));
}
