/**
 * A tab's keys for one run, in IndexedDB. The session key is a WebCrypto key that cannot be read out; the peer key is raw, because the
 * transport needs it, and so is the seed of the reveal chains.
 */
import { Identity, type ChainRenewal } from "@starling/sdk";
import type { TrainLimits } from "../protocol.ts";
import { inStore } from "./database.ts";
import { newSessionKeys, sessionSigner } from "./sessionKey.ts";

export interface IdentityRecord {
  key: string;
  /** null where this browser has no Ed25519: then `sessionSeed` is the session key, and can be read by whoever can read the page */
  session: CryptoKeyPair | null;
  /** (32) the reveal chains come from it */
  sessionSeed: Uint8Array;
  peerSeed: Uint8Array; // (32)
  /** (32) the owner, where no wallet is */
  ownerSeed: Uint8Array;
  chainsBegun: number;
  createdMs: number;
  /** it was training when it was seen last, and was not asked to stop: a reload goes on by itself */
  isTraining: boolean;
  limits: TrainLimits | null;
}

/** `place`: the cluster's name, or the coordinator's peer id; `owner`: the wallet's address, "" without one. */
export function identityKey(place: string, runId: string, owner: string): string {
  return JSON.stringify([place, runId, owner]);
}

export function loadIdentity(key: string): Promise<IdentityRecord | undefined> {
  return inStore("readonly", (store) => store.get(key) as IDBRequest<IdentityRecord | undefined>);
}

/** The identity kept under `key`, made and kept where there is none yet. */
export async function ensureIdentity(key: string): Promise<IdentityRecord> {
  const found = await loadIdentity(key);
  if (found) return found;
  const random = () => crypto.getRandomValues(new Uint8Array(32));
  const fresh: IdentityRecord = {
    ...{ key, session: await newSessionKeys(), sessionSeed: random(), peerSeed: random(), ownerSeed: random() },
    ...{ chainsBegun: 0, createdMs: Date.now(), isTraining: false, limits: null },
  };
  try {
    await inStore("readwrite", (store) => store.add(fresh));
    return fresh;
  } catch (error) {
    // another tab made it at the same moment
    const theirs = await loadIdentity(key);
    if (theirs) return theirs;
    throw error;
  }
}

/** Changes what is kept, without touching the keys. Nothing where there is no such identity. */
export async function changeIdentity(
  key: string,
  change: Partial<Pick<IdentityRecord, "chainsBegun" | "isTraining" | "limits">>,
): Promise<void> {
  const record = await loadIdentity(key);
  if (record) await inStore("readwrite", (store) => store.put({ ...record, ...change }));
}

/** Forgets the keys: the next time this browser is a new member. */
export async function forgetIdentity(key: string): Promise<void> {
  await inStore("readwrite", (store) => store.delete(key));
}

/** What the SDK takes: the identity, and how a chain it begins is kept. `owner` (32): the wallet's key; null: the record's own. */
export async function openIdentity(record: IdentityRecord, owner: Uint8Array | null): Promise<ChainRenewal & { identity: Identity }> {
  const { sessionSeed, peerSeed, ownerSeed, chainsBegun } = record;
  const session = record.session && (await sessionSigner(record.session));
  const identity = new Identity(
    { sessionSeed, peerSeed, ownerSeed, chainsBegun },
    { ...(owner && { owner }), ...(session && { session }) },
  );
  return { identity, save: () => changeIdentity(record.key, { chainsBegun: identity.secrets().chainsBegun }) };
}
