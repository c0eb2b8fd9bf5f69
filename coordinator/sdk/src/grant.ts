import { type Signer, verifySignature } from "@starling/network";
import { concatBytes, equalBytes } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";

/** An owner's word that a session key and a peer id act for it in one run until a moment. Signed by the owner's key. */
export interface SessionGrant {
  owner: Uint8Array; // (32)
  session: Uint8Array; // (32)
  peerId: Uint8Array; // (32)
  runId: string;
  expiresMs: bigint;
  signature: Uint8Array; // (64)
}

const TAG = new TextEncoder().encode("starling session grant/1\0");

/** tag, owner, session, peer id, expiresMs u64 LE, run id UTF-8 (last, hence without its length) */
function grantBytes(grant: Omit<SessionGrant, "signature">): Uint8Array {
  const expires = new Uint8Array(8);
  new DataView(expires.buffer).setBigUint64(0, grant.expiresMs, true);
  return concatBytes(TAG, grant.owner, grant.session, grant.peerId, expires, new TextEncoder().encode(grant.runId));
}

export async function signGrant(
  owner: Signer,
  { session, peerId, runId, expiresMs }: Omit<SessionGrant, "owner" | "signature">,
): Promise<SessionGrant> {
  const unsigned = { owner: owner.publicKey, session, peerId, runId, expiresMs };
  return { ...unsigned, signature: await owner.sign(grantBytes(unsigned)) };
}

/** What a grant must cover. */
export interface GrantUse {
  session: Uint8Array; // (32)
  peerId: Uint8Array; // (32)
  runId: string;
  nowMs: number;
}

/**
 * Proves that a grant covers this session, this authenticated peer, this run and this moment.
 * @throws CoordinatorError `bad-grant`, `wrong-run`
 */
export function verifyGrant(grant: SessionGrant, wanted: GrantUse): void {
  checkGrant(grant, wanted);
  if (!verifySignature(grant.owner, grantBytes(grant), grant.signature)) {
    throw new CoordinatorError("bad-grant", "the grant is not signed by the owner it names");
  }
}

/** All of it but the signature. @throws CoordinatorError `bad-grant`, `wrong-run` */
export function checkGrant(grant: SessionGrant, wanted: GrantUse): void {
  if (grant.runId !== wanted.runId) {
    throw new CoordinatorError("wrong-run", `the grant is for run ${grant.runId}, this coordinator serves ${wanted.runId}`);
  }
  if (!equalBytes(grant.session, wanted.session)) {
    throw new CoordinatorError("bad-grant", "the grant names another session key than the one that signed the request");
  }
  if (!equalBytes(grant.peerId, wanted.peerId)) {
    throw new CoordinatorError("bad-grant", "the grant names another peer id than the one this connection proved");
  }
  if (grant.expiresMs <= BigInt(Math.floor(wanted.nowMs))) {
    throw new CoordinatorError("bad-grant", "the grant has expired; open a new session with the owner's key");
  }
}
