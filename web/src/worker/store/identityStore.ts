/**
 * A tab's keys for one run, in IndexedDB. The session key is a WebCrypto key that cannot be read out; the peer key is raw, because the
 * transport needs it, and so is the seed of the reveal chains.
 */
import type { TrainLimits } from "../protocol.ts";
import { inStore } from "./database.ts";
import { newSessionKeys } from "./sessionKey.ts";

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
  /** it was training when it was seen last, and was asked neither to stop nor to pause: a reload goes on by itself */
  isTraining: boolean;
  limits: TrainLimits | null;
  /** base58: whose grant names the wallet as its delegate; null: the wallet's own or everyone's */
  authorizer: string | null;
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
    ...{ chainsBegun: 0, createdMs: Date.now(), isTraining: false, limits: null, authorizer: null },
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
  change: Partial<Pick<IdentityRecord, "chainsBegun" | "isTraining" | "limits" | "authorizer">>,
): Promise<void> {
  await inStore("readwrite", (store) => {
    const reading = store.get(key) as IDBRequest<IdentityRecord | undefined>;
    // in the transaction that read it: a change made in between (a chain that was begun) must not be written over
    reading.addEventListener("success", () => {
      if (reading.result) store.put({ ...reading.result, ...change });
    });
    return reading;
  });
}

/** Of this run, the identity that was training when it was seen last and was asked neither to stop nor to pause; whoever it trains for. */
export async function findTraining(place: string, runId: string): Promise<IdentityRecord | null> {
  const all = await inStore("readonly", (store) => store.getAll() as IDBRequest<IdentityRecord[]>);
  const wanted = JSON.stringify([place, runId]).slice(0, -1);
  return all.find(({ key, isTraining }) => isTraining && key.startsWith(`${wanted},`)) ?? null;
}

/** The wallet's address in a key, "" without one. */
export function ownerIn(key: string): string {
  return (JSON.parse(key) as [string, string, string])[2];
}
