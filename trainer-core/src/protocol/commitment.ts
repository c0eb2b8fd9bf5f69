/** The hashes and signatures that bind a result to its trainer, round and bytes (DESIGN.md section 6). */
import type { Signer } from "@starling/network/keys";
import { verifySignature } from "@starling/network/keys";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytes, encodeBare, string, struct, u16, u32 } from "./codec.ts";
import {
  type Announce,
  blobAddress,
  type CommitmentFields,
  commitmentFields,
  listEntries,
  type ListEntries,
  maxRunIdBytes,
} from "./messages.ts";

const domain = string(32);
const commitmentPreimage = struct({ domain, fields: commitmentFields });
const announcePreimage = struct({ domain, fields: commitmentFields, commitment: bytes(32), blob: blobAddress });
const listPreimage = struct({ domain, runId: string(maxRunIdBytes), epoch: u16, step: u32, entries: listEntries });

/**
 * (32) sha256 over the domain, every field and the payload, which itself holds shapes, indices and values.
 * `fields.payloadBytes` must be the payload's length: a payload that differs in length has no such commitment.
 */
export function commitmentHash(fields: CommitmentFields, payload: Uint8Array): Uint8Array {
  return sha256
    .create()
    .update(encodeBare(commitmentPreimage, { domain: "starling/commitment/1", fields }, "commitment"))
    .update(payload)
    .digest();
}

/**
 * (32) what the trainer signs: all that it says. The commitment covers the fields too, but who has not seen the payload
 * cannot check that: without the fields under the signature anyone could move an honest result to another round, where
 * it would prove an equivocation.
 */
export function announceDigest({ fields, commitment, blob }: Omit<Announce, "signature">): Uint8Array {
  return sha256(encodeBare(announcePreimage, { domain: "starling/announce/1", fields, commitment, blob }, "announce"));
}

/** (32) equal for all witnesses that verified the same commitments. */
export function listRoot(runId: string, epoch: number, step: number, entries: ListEntries): Uint8Array {
  return sha256(encodeBare(listPreimage, { domain: "starling/list/1", runId, epoch, step, entries }, "list"));
}

export async function signAnnounce(
  signer: Signer,
  fields: CommitmentFields,
  commitment: Uint8Array,
  blob: { root: Uint8Array; sizeBytes: number },
): Promise<Announce> {
  const said = { fields, commitment, blob: { root: blob.root, sizeBytes: blob.sizeBytes } };
  return { ...said, signature: await signer.sign(announceDigest(said)) };
}

export type VerifySignature = (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

/** Whether its sender signed it. Whether the sender was to train that batch is for the round to say. */
export function announceIsSigned(announce: Announce, verify: VerifySignature = verifySignature): boolean {
  return verify(announce.fields.sender, announceDigest(announce), announce.signature);
}
