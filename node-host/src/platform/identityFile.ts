/** A client's keys on disk. The file holds secrets: mode 600, written whole or not at all, and of one process at a time. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Identity, parseIdentity, serializeIdentity, type IdentitySecrets } from "@starling/sdk";
import { fromHex } from "@starling/sdk/bytes";
import { HostError } from "../errors.ts";
import { makeFolder } from "./folders.ts";
import { takeLock } from "./lockFile.ts";

export interface LoadedIdentity {
  identity: Identity;
  /** Writes the file; on the disk when it returns. Errors: HostError identity. */
  save(): void;
  /** lets another process have the identity; call it last */
  release(): void;
}

export interface IdentityChoices {
  /** (32) the wallet that earns, where that is not the identity's own owner key */
  owner?: Uint8Array;
  /** what a new identity is to be; left out = keys by chance */
  fresh?: IdentitySecrets;
}

/**
 * The identity in `path`, made new (`fresh`) when the file does not exist; without a path a new one that is kept nowhere. Reads our own
 * JSON, and the existing system's key files (32 raw bytes, or 64 hex digits), from which all three keys then come.
 * Errors: HostError identity, also when another process runs with it: the two would sign against each other.
 */
export function loadIdentity(path: string | undefined, { owner, fresh }: IdentityChoices = {}): LoadedIdentity {
  if (path === undefined) return { identity: newIdentity(owner, fresh), save: () => undefined, release: () => undefined };
  const release = lock(path);
  try {
    return { ...read(path, owner, fresh), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The identity in a file that is there, without taking it from a process that runs with it. Errors: HostError identity. */
export function readIdentity(path: string): Identity {
  if (existsSync(path)) return read(path, undefined, undefined).identity;
  throw new HostError("identity", `there is no identity file ${path}: starling create-static-p2p-identity ${path} makes one`);
}

function newIdentity(owner: Uint8Array | undefined, fresh: IdentitySecrets | undefined): Identity {
  return new Identity(fresh ?? Identity.generate().secrets(), { owner });
}

function lock(path: string): () => void {
  try {
    makeFolder(dirname(path));
    const taken = takeLock(path);
    if ("release" in taken) return taken.release;
    throw new HostError(
      "identity-in-use",
      `--identity-secret-key-path ${path} is in use by the process ${taken.heldBy}: two clients with the same keys refuse each other's messages; give each a file of its own, or end that process`,
    );
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof HostError && cause.code === "identity-in-use") throw cause;
    // keys that were put where this user may not write, on purpose
    if (existsSync(path) && (code === "EACCES" || code === "EROFS" || code === "EPERM")) return () => undefined;
    throw new HostError("identity", `the identity file ${path} cannot be written: ${message}`, { cause });
  }
}

function read(path: string, owner: Uint8Array | undefined, fresh: IdentitySecrets | undefined): Omit<LoadedIdentity, "release"> {
  let identity: Identity;
  let readOnly = false;
  try {
    if (existsSync(path)) {
      const bytes = readFileSync(path);
      const seed = bytes.length === 32 ? new Uint8Array(bytes) : fromHex(bytes.toString("utf8").trim(), 32);
      readOnly = seed !== null;
      identity = seed
        ? new Identity({ ownerSeed: seed, sessionSeed: seed, peerSeed: seed, chainsBegun: Math.floor(Date.now() / 1000) }, { owner })
        : new Identity(parseIdentity(bytes.toString("utf8")), { owner });
    } else identity = newIdentity(owner, fresh);
  } catch (cause) {
    throw new HostError("identity", `--identity-secret-key-path ${path}: ${(cause as Error).message}`, { cause });
  }
  return {
    identity,
    save: () => {
      if (readOnly) return; // a key file of the existing system stays as it is
      try {
        const file = openSync(`${path}.new`, "w", 0o600);
        try {
          writeFileSync(file, serializeIdentity(identity.secrets()));
          fsyncSync(file); // a link revealed before a power cut must not be revealed again after it
        } finally {
          closeSync(file);
        }
        renameSync(`${path}.new`, path);
      } catch (cause) {
        throw new HostError("identity", `the identity file ${path} cannot be written: ${(cause as Error).message}`, { cause });
      }
    },
  };
}
