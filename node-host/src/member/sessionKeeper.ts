/** Looks after the session by which a machine acts for its wallet, for as long as the daemon runs: opens, renews and fills it up in time. */
import type { KeyPairSigner } from "@solana/kit";
import type { Chain } from "@starling/sdk/actions/chain";
import { closeSession, openSession } from "@starling/sdk/actions/session";
import type { HostLog } from "../events.ts";

const LOOK_EVERY_MS = 5 * 60_000;
const CLOSE_LIMIT_MS = 5_000;

export interface SessionKeeperOptions {
  chain: Chain;
  runId: string;
  wallet: KeyPairSigner;
  /** the session's key, as a signer */
  session: KeyPairSigner;
  /** the key of the machine's peer id, as a signer */
  peer: KeyPairSigner;
  terms: { days: number; floatLamports: bigint };
  log: HostLog;
}

export class SessionKeeper {
  readonly #o: SessionKeeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #complained = "";

  constructor(options: SessionKeeperOptions) {
    this.#o = options;
  }

  /** Opens the session, renews it or tops its float up, whatever it needs. Errors: ActionError, ChainError. */
  async attend(): Promise<void> {
    const { chain, runId, wallet, session, peer, terms, log } = this.#o;
    const { run, type, expiresMs, floatLamports } = await openSession(chain, wallet, { runId, session, peer, ...terms });
    if (type === "nothing") return;
    log({ type: "session", run, owner: wallet.address, session: session.address, expiresMs, floatLamports: Number(floatLamports) });
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
    const { runId, wallet, session, log } = this.#o;
    // the signal that ended the daemon must not end this
    const chain = this.#o.chain.until(AbortSignal.timeout(CLOSE_LIMIT_MS));
    try {
      await closeSession(chain, wallet, { runId, session: session.address, key: session });
    } catch (error) {
      log({
        type: "warning",
        message: `the session was not closed, its rent and float stay in it until it is (${(error as Error).message}): the same command with --close-session tries again`,
      });
    }
  }

  #complain(error: Error): void {
    if (error.message === this.#complained || this.#o.chain.signal.aborted) return;
    this.#complained = error.message;
    this.#o.log({ type: "warning", message: `the session could not be looked after, tries again: ${error.message}` });
  }
}
