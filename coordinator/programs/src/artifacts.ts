/** Where the programs' binaries lie, and the keys of the addresses they have in tests and on a local validator. */
import { type Address, getAddressDecoder } from "@solana/kit";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const PROGRAM_NAMES = ["coordinator", "authorizer", "treasurer"] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];

export interface ProgramArtifact {
  readonly name: ProgramName;
  /** the ELF file, coordinator/programs/artifacts/NAME.so */
  readonly path: string;
  /** its bytes, read when first asked for */
  readonly bytes: Uint8Array;
  /** a key file as `solana-keygen` writes them (JSON array of 64 bytes): public knowledge, for local validators only */
  readonly keyPath: string;
  /** the address of that key */
  readonly programId: Address;
}

/** `STARLING_PROGRAMS_DIR` names another folder of binaries, as `scripts/build-programs.mjs --verify` does for fresh ones. */
export function programArtifact(name: ProgramName): ProgramArtifact {
  const room = join(import.meta.dirname, "..");
  const path = join(process.env["STARLING_PROGRAMS_DIR"] ?? join(room, "artifacts"), `${name}.so`);
  const keyPath = join(room, "keys", `${name}.json`);
  const key = JSON.parse(readFileSync(keyPath, "utf8")) as number[];
  let bytes: Uint8Array | undefined;
  return {
    name,
    path,
    get bytes() {
      bytes ??= new Uint8Array(readFileSync(path));
      return bytes;
    },
    keyPath,
    programId: getAddressDecoder().decode(Uint8Array.from(key.slice(32))),
  };
}
