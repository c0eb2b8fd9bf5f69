/** The three programs as they are committed: their bytes, and the keys whose addresses are their ids on local clusters. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM_NAMES, programArtifact } from "@starling/programs/artifacts";
import { readPrivateKeyFile } from "../chain/keyFile.ts";
import { HostError } from "../errors.ts";
import type { ProgramFile } from "./deploy.ts";

export { type ProgramName } from "@starling/programs/artifacts";

/** `keys`: a folder with coordinator.json, authorizer.json, treasurer.json; left out = the local ones. Errors: HostError bad-option. */
export async function programFiles(keys?: string): Promise<ProgramFile[]> {
  return Promise.all(
    PROGRAM_NAMES.map(async (name) => {
      const { path, keyPath } = programArtifact(name);
      const keyFile = keys === undefined ? keyPath : join(keys, `${name}.json`);
      if (!existsSync(keyFile)) {
        throw new HostError("bad-option", `--keys ${keys}: there is no ${name}.json; make it by solana-keygen new --outfile ${keyFile}`);
      }
      return { name, key: await readPrivateKeyFile(keyFile, `the key file ${keyFile}`), bytes: new Uint8Array(readFileSync(path)) };
    }),
  );
}
