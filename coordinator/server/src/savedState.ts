/** The bytes of a state file: everything with which a coordinator goes on where it was. */
import { CoordinatorError, type SavedRun } from "@starling/sdk";
import { concatBytes, equalBytes, sha256 } from "@starling/sdk/bytes";
import { Machine, MachineError } from "@starling/sdk/machine";
import { MAX_EJECTED_OWNERS, MAX_MEMBERS, MAX_MULTIADDR_CHARS, MAX_MULTIADDRS } from "@starling/sdk/members";
import { bytes, bytesUpTo, decodeAs, encodeAs, list, struct, text, u64 } from "@starling/sdk/wire";
import { ServerError } from "./errors.ts";

/** More than the fullest state has (512 members with eight long addresses each), so that a wrong file is not read into memory. */
export const MAX_STATE_BYTES = 4 * 1024 * 1024;
const MAX_MACHINE_BYTES = 256 * 1024;

/** Then the version (u8), the sha256 (32) of the body, and the body: CBOR of `BODY`. */
const MAGIC = new TextEncoder().encode("starling state\n");
const VERSION = 3;
const HEADER_BYTES = MAGIC.length + 1 + 32;

const key = bytes(32);

const BODY = struct({
  machine: bytesUpTo(MAX_MACHINE_BYTES),
  nonce: u64,
  runNowMs: u64,
  members: list(
    struct({
      owner: key,
      session: key,
      peerId: key,
      chainHead: key,
      multiaddrs: list(text(MAX_MULTIADDR_CHARS), MAX_MULTIADDRS),
      expiresMs: u64,
    }),
    MAX_MEMBERS,
  ),
  ejectedOwners: list(key, MAX_EJECTED_OWNERS),
  /** of the run config in its canonical form */
  configHash: key,
});

export interface DecodedState {
  machine: Machine;
  restored: Omit<SavedRun, "bytes">;
  /** (32) of the run config in its canonical form */
  configHash: Uint8Array;
}

export function encodeSavedState(run: SavedRun, configHash: Uint8Array): Uint8Array {
  const { bytes: machine, nonce, runNowMs, members, ejectedOwners } = run;
  const body = encodeAs(BODY, { machine, nonce, runNowMs, members, ejectedOwners, configHash });
  return concatBytes(MAGIC, new Uint8Array([VERSION]), sha256(body), body);
}

/** @throws ServerError `state-unreadable`, for any bytes that are not a state of this version */
export function decodeSavedState(file: Uint8Array): DecodedState {
  if (!equalBytes(file.subarray(0, MAGIC.length), MAGIC)) {
    throw unreadable("it does not begin as a state file does: it is another file, or of a very old server; move it away to begin anew");
  }
  const version = file[MAGIC.length];
  if (version !== VERSION) {
    throw unreadable(
      `it is of version ${String(version)}, this server reads ${VERSION}; start the server that wrote it, or move it away to begin anew ` +
        "(checkpoints of the run stay good)",
    );
  }
  const body = file.subarray(HEADER_BYTES);
  if (file.length < HEADER_BYTES || !equalBytes(sha256(body), file.subarray(MAGIC.length + 1, HEADER_BYTES))) {
    throw unreadable("its checksum does not match: it is cut short or damaged; restore a copy, or move it away to begin anew");
  }
  try {
    const { machine, configHash, ...restored } = decodeAs(BODY, body, "state file");
    return { machine: Machine.load(machine), restored, configHash };
  } catch (cause) {
    throw asUnreadable(cause);
  }
}

function asUnreadable(cause: unknown): unknown {
  if (!(cause instanceof CoordinatorError) && !(cause instanceof MachineError)) return cause;
  return unreadable(`${cause.message}; restore a copy, or move it away to begin anew`, cause);
}

function unreadable(reason: string, cause?: unknown): ServerError {
  return new ServerError("state-unreadable", `the saved state cannot be read: ${reason}`, { cause });
}
