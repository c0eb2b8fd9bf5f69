/** The lamports of a session key, which pays for all that a member sends; its float fills it up. */
import type { TransactionSigner } from "@solana/kit";
import { CoordinatorError } from "../errors.ts";
import type { ClusterClient } from "./clusterClient.ts";
import { getSessionDecoder } from "../generated/coordinator/index.ts";
import { refuel } from "./instructions.ts";
import { CHAIN_LIMITS } from "./limits.ts";
import { type RunAddresses, sessionAddress } from "./pdas.ts";
import { rentLamports } from "./rent.ts";
import type { TransactionSender } from "./transactions.ts";

/** Rent of an account without data: a fee payer must keep it. */
const KEY_RENT_LAMPORTS = rentLamports(0);
/** Rent of a Session account: what is above is the float. */
const SESSION_RENT_LAMPORTS = rentLamports(getSessionDecoder().fixedSize);
/** Below this the key is filled up: 100 signatures are left, time enough to try again. */
const LOW_LAMPORTS = KEY_RENT_LAMPORTS + 500_000n;
/** Not even a few transactions more. */
const EMPTY_LAMPORTS = KEY_RENT_LAMPORTS + 50_000n;
const LOOK_AFTER_SENT = 30;
const LOOK_AFTER_MS = 120_000;

export interface FuelGaugeOptions {
  cluster: ClusterClient;
  sender: TransactionSender;
  at: RunAddresses;
  session: TransactionSigner;
  signal: AbortSignal;
  onError: (error: CoordinatorError | null) => void;
}

export class FuelGauge {
  readonly #options: FuelGaugeOptions;
  #sentSince = LOOK_AFTER_SENT;
  #lookedMs = 0;
  #told = false;

  constructor(options: FuelGaugeOptions) {
    this.#options = options;
  }

  /** A transaction is about to be paid. */
  spent(): void {
    this.#sentSince += 1;
  }

  /** Looks now and then, and fills up. */
  async look(): Promise<void> {
    const { cluster, at, session, sender, signal } = this.#options;
    if (this.#sentSince < LOOK_AFTER_SENT && performance.now() - this.#lookedMs < LOOK_AFTER_MS) return;
    const account = await sessionAddress(at.programs, at.run, session.address);
    const { accounts } = await cluster.accounts([session.address, account], { signal });
    this.#lookedMs = performance.now();
    this.#sentSince = 0;
    const key = accounts[0]?.lamports ?? 0n;
    const float = (accounts[1]?.lamports ?? 0n) - SESSION_RENT_LAMPORTS;
    if (key < LOW_LAMPORTS && float > 0n && key > KEY_RENT_LAMPORTS) {
      await sender.send([await refuel(at, session, CHAIN_LIMITS.sessionKeyLamports)], session, { signal });
    } else if (key < EMPTY_LAMPORTS) {
      this.#told = true;
      // not seen again for two minutes, or thirty tries
      this.#options.onError(
        new CoordinatorError(
          "not-allowed",
          `the session key ${session.address} has ${key} lamports and its float is spent: it cannot pay for transactions; open the session again with a new float`,
        ),
      );
      return;
    }
    if (this.#told) this.#options.onError(null);
    this.#told = false;
  }
}
