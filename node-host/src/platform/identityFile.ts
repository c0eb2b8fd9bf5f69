/** A client's keys on disk. The file holds secrets: mode 600, written whole or not at all. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Identity, parseIdentity, serializeIdentity } from "@starling/sdk";
import { fromHex } from "@starling/sdk/bytes";
import { HostError } from "../errors.ts";
import { makeFolder } from "./folders.ts";

/**
 * The identity in `path`, made new when the file does not exist; without a path a new one that is kept nowhere. Reads our own
 * JSON, and the existing system's key files (32 raw bytes, or 64 hex digits), from which all three keys then come.
 * Errors: HostError identity.
 */
export function loadIdentity(path: string | undefined): { identity: Identity; save: () => void } {
  if (path === undefined) return { identity: Identity.generate(), save: () => undefined };
  let identity: Identity;
  let readOnly = false;
  try {
    if (existsSync(path)) {
      const bytes = readFileSync(path);
      const seed = bytes.length === 32 ? new Uint8Array(bytes) : fromHex(bytes.toString("utf8").trim(), 32);
      readOnly = seed !== null;
      identity = seed
        ? new Identity({ ownerSeed: seed, sessionSeed: seed, peerSeed: seed, chainsBegun: Math.floor(Date.now() / 1000) })
        : new Identity(parseIdentity(bytes.toString("utf8")));
    } else identity = Identity.generate();
  } catch (cause) {
    throw new HostError("identity", `--identity-secret-key-path ${path}: ${(cause as Error).message}`, { cause });
  }
  return {
    identity,
    save: () => {
      if (readOnly) return; // a key file of the existing system stays as it is
      try {
        makeFolder(dirname(path));
        writeFileSync(`${path}.new`, serializeIdentity(identity.secrets()), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch (cause) {
        throw new HostError("identity", `the identity file ${path} cannot be written: ${(cause as Error).message}`, { cause });
      }
    },
  };
}
