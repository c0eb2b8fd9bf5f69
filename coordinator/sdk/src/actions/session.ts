/**
 * The session by which a key acts for a wallet: opened with one signature of the owner, renewed in time, its float for fees topped up.
 * What it holds goes back to the wallet when it is closed: by the owner at any time, by anyone once it has expired.
 */
import { getAddressEncoder, type Address, type TransactionSigner } from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";
import { equalBytes } from "../bytes.ts";
import { getMemberDecoder, getSessionDecoder } from "../generated/coordinator/index.ts";
import { decodeSession, KINDS, listSessions, type SessionReading } from "../solana/accounts.ts";
import { ChainError } from "../solana/chainError.ts";
import { closeSession as closeSessionInstruction, openSession as openSessionInstruction, refuel } from "../solana/instructions.ts";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import { sessionAddress } from "../solana/pdas.ts";
import { rentLamports } from "../solana/rent.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { addressesFor, isOf, requireRunHead, type RunHead, type RunRef } from "./run.ts";

const DAY_MS = 24 * 3600 * 1000;
/** renewed when less than this part of its time is left */
const RENEW_PART = 1 / 3;
const FEES_LAMPORTS = 100_000n;
const SESSION_RENT_LAMPORTS = rentLamports(getSessionDecoder().fixedSize);
/** both accounts may be new */
const OPENING_LAMPORTS = SESSION_RENT_LAMPORTS + rentLamports(getMemberDecoder().fixedSize) + FEES_LAMPORTS;

/** A session as it is. */
export interface SessionFacts {
  expiresMs: number;
  peerId: Uint8Array; // (32)
  /** in the session's account, above its rent */
  floatLamports: bigint;
  /** of the session key itself */
  keyLamports: bigint;
}

/** A session as it shall be. */
export interface SessionTerms {
  peerId: Uint8Array; // (32)
  days: number;
  floatLamports: bigint;
}

export type SessionNeeds =
  | { type: "nothing" }
  | {
      type: "open" | "renew" | "top-up";
      /** whole seconds, as the chain's clock has them */
      expiresMs: number;
      /** what is added */
      floatLamports: bigint;
      /** what the owner must have, rent and fees included */
      costLamports: bigint;
    };

/** Pure. `session` null: there is none that the run would accept. A session that only lacks fees keeps its end. */
export function sessionNeeds(session: SessionFacts | null, terms: SessionTerms, nowMs: number): SessionNeeds {
  const lifeMs = terms.days * DAY_MS;
  const isFine = session !== null && session.expiresMs - nowMs > RENEW_PART * lifeMs && equalBytes(session.peerId, terms.peerId);
  const left = session === null ? 0n : session.floatLamports + session.keyLamports;
  const missing = left >= terms.floatLamports / 4n ? 0n : terms.floatLamports - left;
  if (isFine && missing === 0n) return { type: "nothing" };
  const floatLamports = missing > CHAIN_LIMITS.floatLamports ? CHAIN_LIMITS.floatLamports : missing;
  return {
    type: session === null ? "open" : isFine ? "top-up" : "renew",
    expiresMs: isFine ? session.expiresMs : Math.floor((nowMs + lifeMs) / 1000) * 1000,
    floatLamports,
    costLamports: floatLamports + (session === null ? OPENING_LAMPORTS : FEES_LAMPORTS),
  };
}

/** Null where there is none that this run would accept of this owner. Errors: ChainError. */
export async function findSession(chain: Chain, run: RunHead, owner: Address, session: Address): Promise<SessionFacts | null> {
  const account = await sessionAddress(chain.programs, run.address, session);
  const [found, key] = await chain.accounts([account, session]);
  if (!found || found.owner !== chain.programs.coordinator || found.data[0] !== KINDS.session) return null;
  const reading = decodeSession(chain.programs, found);
  if (reading.owner !== owner || !isOf(run, reading)) return null;
  return {
    expiresMs: Number(reading.expiresMs),
    peerId: Uint8Array.from(reading.peerId),
    floatLamports: floatOf(reading),
    keyLamports: key?.lamports ?? 0n,
  };
}

/** What is in a session's account above its rent. */
export function floatOf({ lamports }: Pick<SessionReading, "lamports">): bigint {
  return lamports > SESSION_RENT_LAMPORTS ? lamports - SESSION_RENT_LAMPORTS : 0n;
}

export interface OpenSessionInput {
  runId: string;
  /** the key that acts for the wallet; it signs too, which moves the first fees to it */
  session: TransactionSigner;
  /** the key of the machine's peer id; it signs too: nobody can claim another's */
  peer: TransactionSigner;
  days: number;
  floatLamports: bigint;
  nowMs?: number;
}

export interface OpenedSession {
  run: Address;
  type: SessionNeeds["type"];
  expiresMs: number;
  /** in the account and the session key together, afterwards */
  floatLamports: bigint;
  /** null: nothing had to be done */
  signature: string | null;
}

/** Opens the session, renews it or tops its float up, whatever it needs. Errors: ActionError not-found, unfunded, unknown-outcome, cancelled; ChainError. */
export async function openSession(chain: Chain, wallet: TransactionSigner, input: OpenSessionInput, tell?: Tell): Promise<OpenedSession> {
  const { session, peer, days } = input;
  const run = await requireRunHead(chain, input.runId);
  const found = await findSession(chain, run, wallet.address, session.address);
  const peerId = new Uint8Array(getAddressEncoder().encode(peer.address));
  const needs = sessionNeeds(found, { peerId, days, floatLamports: input.floatLamports }, input.nowMs ?? Date.now());
  const left = found === null ? 0n : found.floatLamports + found.keyLamports;
  if (needs.type === "nothing")
    return { run: run.address, type: "nothing", expiresMs: found!.expiresMs, floatLamports: left, signature: null };
  const { type, expiresMs, floatLamports, costLamports } = needs;
  await chain.requireFunds(wallet.address, costLamports, "a session, with its float for the fees of training,");
  tell?.({ step: 1, of: 1, text: type === "open" ? "opening a session" : "renewing the session" });
  const terms = { expiresMs: BigInt(expiresMs), floatLamports };
  const signature = await chain.send(
    [await openSessionInstruction(run.at, wallet, session, peer, terms), await refuel(run.at, session, CHAIN_LIMITS.sessionKeyLamports)],
    wallet,
    type === "open" ? "open a session" : "renew the session",
  );
  return { run: run.address, type, expiresMs, floatLamports: left + floatLamports, signature };
}

export interface ClosedSession {
  /** null: it was closed already */
  signature: string | null;
  /** to the owner, from the account and, where its key signed, from the key */
  returnedLamports: bigint;
}

/**
 * The owner closes a session; its client leaves the run. `key`: the session's key where it is at hand, so that what it was filled up
 * with comes back too. Errors: ActionError not-allowed (another's), unknown-outcome, cancelled; ChainError.
 */
export async function closeSession(
  chain: Chain,
  wallet: TransactionSigner,
  input: RunRef & { session: Address; key?: TransactionSigner },
): Promise<ClosedSession> {
  const at = await addressesFor(chain, input);
  const { session, key } = input;
  const account = await sessionAddress(chain.programs, at.run, session);
  const [found, ofKey] = await chain.accounts([account, session]);
  const rest = key?.address === session ? (ofKey?.lamports ?? 0n) : 0n;
  const isOpen = found && found.owner === chain.programs.coordinator && found.data[0] === KINDS.session;
  const owner = isOpen ? decodeSession(chain.programs, found).owner : wallet.address;
  if (owner !== wallet.address)
    throw new ActionError("not-allowed", `session ${session} belongs to ${owner}; the wallet is ${wallet.address}`);
  const closing = isOpen ? [await closeSessionInstruction(at, wallet, wallet.address, session)] : [];
  const lamports = isOpen ? found.lamports : 0n;
  if (key !== undefined && rest > 0n) {
    const emptying = getTransferSolInstruction({ source: key, destination: wallet.address, amount: rest });
    try {
      const signature = await chain.send([...closing, emptying], wallet, "close the session");
      return { signature, returnedLamports: lamports + rest };
    } catch (error) {
      // the key paid for something in the meantime: it keeps the little it has, and the session is closed without it
      if (
        !isOpen ||
        (!(error instanceof ChainError && error.code === "rejected") && !(error instanceof ActionError && error.code === "unfunded"))
      )
        throw error;
    }
  }
  if (!isOpen) return { signature: null, returnedLamports: 0n };
  return { signature: await chain.send(closing, wallet, "close the session"), returnedLamports: lamports };
}

/** Two accounts each beside the run's: eight fit a transaction. */
const SWEPT_AT_ONCE = 8;
/** clocks differ */
const EXPIRED_FOR_MS = 60_000;

export interface SweptSession {
  session: Address;
  owner: Address;
  lamports: bigint;
}

/** Closes the expired sessions of a run, whosever they are: what they hold goes back to their owners. Errors: ActionError, ChainError. */
export async function sweepSessions(
  chain: Chain,
  payer: TransactionSigner,
  input: RunRef & { nowMs?: number },
  tell?: Tell,
): Promise<SweptSession[]> {
  const at = await addressesFor(chain, input);
  const nowMs = input.nowMs ?? Date.now();
  const all = await listSessions(chain.client, chain.programs, { run: at.run }, chain.signal);
  const expired = all.filter(({ expiresMs }) => expiresMs + BigInt(EXPIRED_FOR_MS) < BigInt(nowMs));
  const of = Math.ceil(expired.length / SWEPT_AT_ONCE);
  for (let step = 1; step <= of; step++) {
    const some = expired.slice((step - 1) * SWEPT_AT_ONCE, step * SWEPT_AT_ONCE);
    tell?.({ step, of, text: `closing ${some.length} expired sessions` });
    const instructions = await Promise.all(some.map(({ owner, session }) => closeSessionInstruction(at, payer, owner, session)));
    await chain.send(instructions, payer, "close expired sessions");
  }
  return expired.map(({ session, owner, lamports }) => ({ session, owner, lamports }));
}
