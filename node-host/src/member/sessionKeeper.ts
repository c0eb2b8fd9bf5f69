/**
 * The session by which a machine acts for its wallet: opened with one signature of the owner, renewed in time, its float for fees topped
 * up. What it holds goes back to the wallet when it is closed: by the owner at any time, by anyone once it has expired.
 */
import type { Address, KeyPairSigner } from "@solana/kit";
import { getMemberDecoder, getSessionDecoder, type Session } from "@starling/sdk/generated/coordinator/index";
import { equalBytes } from "@starling/sdk/bytes";
import { KINDS } from "@starling/sdk/solana/accounts";
import { closeSession, openSession, refuel } from "@starling/sdk/solana/instructions";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { sessionAddress, type RunAddresses } from "@starling/sdk/solana/pdas";
import type { Chain } from "@starling/sdk/actions/chain";
import { rentLamports } from "@starling/sdk/solana/rent";
import type { HostLog } from "../events.ts";

const DAY_MS = 24 * 3600 * 1000;
const LOOK_EVERY_MS = 5 * 60_000;
/** renewed when less than this part of its time is left */
const RENEW_PART = 1 / 3;
const CLOSE_LIMIT_MS = 5_000;
const FEES_LAMPORTS = 100_000n;
/** both accounts may be new */
const OPENING_LAMPORTS = rentLamports(getSessionDecoder().fixedSize) + rentLamports(getMemberDecoder().fixedSize) + FEES_LAMPORTS;

export interface SessionTerms {
  days: number;
  floatLamports: bigint;
}

export interface SessionKeeperOptions {
  chain: Chain;
  at: RunAddresses;
  runCreatedMs: bigint;
  wallet: KeyPairSigner;
  /** the session's key, as a signer */
  session: KeyPairSigner;
  peerId: Uint8Array; // (32)
  terms: SessionTerms;
  log: HostLog;
}

export class SessionKeeper {
  readonly #o: SessionKeeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #complained = "";

  constructor(options: SessionKeeperOptions) {
    this.#o = options;
  }

  /** Opens the session, renews it or tops its float up, whatever it needs. Errors: HostError chain, ChainError. */
  async attend(nowMs = Date.now()): Promise<void> {
    const { chain, at, wallet, session, peerId, terms, log } = this.#o;
    const address = await sessionAddress(chain.programs, at.run, session.address);
    const found = await this.#read(chain, address);
    const lifeMs = terms.days * DAY_MS;
    const isFine =
      found !== null &&
      Number(found.session.expiresMs) - nowMs > RENEW_PART * lifeMs &&
      equalBytes(Uint8Array.from(found.session.peerId), peerId);
    const left = found === null ? 0n : found.floatLamports + (await chain.balance(session.address));
    const missing = left >= terms.floatLamports / 4n ? 0n : terms.floatLamports - left;
    if (isFine && missing === 0n) return;
    const floatLamports = missing > CHAIN_LIMITS.floatLamports ? CHAIN_LIMITS.floatLamports : missing;
    // whole seconds, as the chain's clock has them; a session that only lacks fees keeps its end
    const expiresMs = isFine ? found.session.expiresMs : BigInt(Math.floor((nowMs + lifeMs) / 1000) * 1000);
    const rent = found === null ? OPENING_LAMPORTS : FEES_LAMPORTS;
    await chain.requireFunds(wallet.address, floatLamports + rent, "a session, with its float for the fees of training,");
    await chain.send(
      [
        await openSession(at, wallet, session, { peerId, expiresMs, floatLamports }),
        await refuel(at, session, CHAIN_LIMITS.sessionKeyLamports),
      ],
      wallet,
      found === null ? "open a session" : "renew the session",
    );
    log({
      type: "session",
      run: at.run,
      owner: wallet.address,
      session: session.address,
      expiresMs: Number(expiresMs),
      floatLamports: Number(left + floatLamports),
    });
  }

  /** Looks after it from now on, until `stop`. */
  start(): void {
    this.#timer = setInterval(() => {
      this.attend().then(
        () => (this.#complained = ""),
        (error: Error) => this.#complain(error),
      );
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells where it fails: what the session holds then stays in it. */
  async close(): Promise<void> {
    this.stop();
    const { at, wallet, session, log } = this.#o;
    // the signal that ended the daemon must not end this
    const chain = this.#o.chain.until(AbortSignal.timeout(CLOSE_LIMIT_MS));
    try {
      if ((await this.#read(chain, await sessionAddress(chain.programs, at.run, session.address))) === null) return;
      await chain.send([await closeSession(at, wallet, wallet.address, session.address)], wallet, "close the session");
    } catch (error) {
      log({
        type: "warning",
        message: `the session was not closed, its rent and float stay in it until it is (${(error as Error).message}): the same command with --close-session tries again`,
      });
    }
  }

  /** Null where there is none that this run would accept. */
  async #read(chain: Chain, address: Address): Promise<{ session: Session; floatLamports: bigint } | null> {
    const { runCreatedMs, wallet } = this.#o;
    const found = await chain.account(address);
    if (found === null || found.owner !== chain.programs.coordinator || found.data[0] !== KINDS.session) return null;
    const session = getSessionDecoder().decode(found.data);
    if (session.owner !== wallet.address || session.runCreatedMs !== runCreatedMs) return null;
    const floatLamports = found.lamports - rentLamports(found.data.length);
    return { session, floatLamports: floatLamports > 0n ? floatLamports : 0n };
  }

  #complain(error: Error): void {
    if (error.message === this.#complained || this.#o.chain.signal.aborted) return;
    this.#complained = error.message;
    this.#o.log({ type: "warning", message: `the session could not be looked after, tries again: ${error.message}` });
  }
}
