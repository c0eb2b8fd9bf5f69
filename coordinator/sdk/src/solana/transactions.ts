/**
 * Sending a transaction until it is known what became of it. Three ends: carried out; not carried out, with the reason; or
 * `unknown` after the node's silence, which is never told as a failure.
 */
import {
  appendTransactionMessageInstructions,
  compileTransaction,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  getTransactionSize,
  type Address,
  type Instruction,
  isWritableRole,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type TransactionSigner,
} from "@solana/kit";
import { getSetComputeUnitLimitInstruction, getSetComputeUnitPriceInstruction } from "@solana-program/compute-budget";
import { Blockhashes, type RecentBlockhash } from "./blockhashes.ts";
import { ChainError } from "./chainError.ts";
import type { ClusterClient } from "./clusterClient.ts";
import { ComputeBudgets, DEFAULT_PRIORITY_FEE, MOST_COMPUTE_UNITS, type PriorityFee, PriorityFees } from "./fees.ts";
import { field, integer, list, type Json } from "./json.ts";
import type { Programs } from "./pdas.ts";
import { RpcRefusal } from "./rpcPool.ts";
import { logLines, retryable, transactionError } from "./transactionError.ts";
import { wait } from "./wait.ts";

export const MAX_TRANSACTION_BYTES = 1232;
const LAMPORTS_PER_SIGNATURE = 5_000n;
const FIRST_LOOK_MS = 300;
const LOOK_MS = 500;
const REBROADCAST_MS = 2_000;
const HEIGHT_MS = 5_000;
/** Nobody answers for longer than a blockhash lives: nothing can be said. */
const SILENCE_MS = 120_000;
const MOST_TRIES = 3;
const PREFLIGHT_FAILURE = -32002;
const ALREADY = /already been processed/i;

export interface SendOptions {
  signal?: AbortSignal;
  /** asked when nobody knows the signature: whether what the transaction does has been done */
  effect?: () => Promise<boolean>;
}

export interface Confirmation {
  status: "confirmed";
  /** base58; null when only its effect was seen */
  signature: string;
  /** null when only its effect was seen */
  slot: bigint | null;
}

/** What a transaction would do to its fee payer, were it sent now. */
export interface Preview {
  /** of the network for its signatures, and for priority */
  feeLamports: bigint;
  /** what else would leave the fee payer, such as deposits for accounts; below zero where it gets some; null: the node did not tell */
  otherLamports: bigint | null;
  /** as `send` would reject; null: it would be carried out */
  error: ChainError | null;
}

interface Signed {
  signature: string;
  wire: string;
  lifetime: RecentBlockhash;
}

export class TransactionSender {
  readonly #cluster: ClusterClient;
  readonly #programs: Programs;
  readonly #blockhashes: Blockhashes;
  readonly #fees: PriorityFees;
  readonly #budgets = new ComputeBudgets();
  #sent = 0;

  constructor(cluster: ClusterClient, programs: Programs, priorityFee: PriorityFee = DEFAULT_PRIORITY_FEE) {
    this.#cluster = cluster;
    this.#programs = programs;
    this.#blockhashes = new Blockhashes(cluster);
    this.#fees = new PriorityFees(cluster, priorityFee);
  }

  /**
   * Signers are those inside the instructions' accounts, and the fee payer.
   * @throws ChainError `rejected` (a program's refusal), `unfunded`, `expired`, `unknown`, `unreachable`, `bad-argument`, `aborted`, `closed`
   */
  async send(instructions: readonly Instruction[], feePayer: TransactionSigner, options: SendOptions = {}): Promise<Confirmation> {
    const { signal } = options;
    const price = await this.#fees.price(writableAccounts(instructions), signal);
    for (let tries = 1; ; tries++) {
      const limit = this.#budgets.limit(instructions) ?? (await this.#simulate(instructions, feePayer, price, signal)).limit;
      const signed = await this.#sign(instructions, feePayer, limit, price);
      const refusal = await this.#broadcast(signed, instructions, signal);
      if (refusal === null) return this.#confirm(signed, instructions, options);
      if (refusal.retry === null || tries === MOST_TRIES) throw refusal.error;
      if (refusal.retry === "blockhash") {
        this.#blockhashes.forget();
        await wait(LOOK_MS, signal);
      } else this.#budgets.forget(instructions);
    }
  }

  /**
   * Nothing is signed or sent. What it says of the programs' refusal is in the result.
   * @throws ChainError `unreachable`, `rpc`, `bad-argument`, `aborted`, `closed`
   */
  async preview(instructions: readonly Instruction[], feePayer: TransactionSigner, signal?: AbortSignal): Promise<Preview> {
    const price = await this.#fees.price(writableAccounts(instructions), signal);
    const has = await this.#cluster.pool.call("getBalance", [feePayer.address, { commitment: this.#cluster.commitment }], signal);
    const before = integer(field(has, "value"), "a balance");
    const { signatures } = compileTransaction(message(instructions, feePayer, await this.#blockhashes.recent(), MOST_COMPUTE_UNITS, price));
    const fee = (units: number): bigint =>
      LAMPORTS_PER_SIGNATURE * BigInt(Object.keys(signatures).length) + (price * BigInt(units) + 999_999n) / 1_000_000n;
    try {
      const { limit, payerLamports } = await this.#simulate(instructions, feePayer, price, signal);
      const simulated = fee(MOST_COMPUTE_UNITS);
      return { feeLamports: fee(limit), otherLamports: payerLamports === null ? null : before - payerLamports - simulated, error: null };
    } catch (error) {
      if (!(error instanceof ChainError) || (error.code !== "rejected" && error.code !== "unfunded")) throw error;
      return { feeLamports: fee(MOST_COMPUTE_UNITS), otherLamports: null, error };
    }
  }

  /** Without signatures: a wallet must not be asked for what is only looked at. */
  async #simulate(
    instructions: readonly Instruction[],
    feePayer: TransactionSigner,
    price: bigint,
    signal?: AbortSignal,
  ): Promise<{ limit: number; payerLamports: bigint | null }> {
    for (let tries = 1; ; tries++) {
      const transaction = compileTransaction(message(instructions, feePayer, await this.#blockhashes.recent(), MOST_COMPUTE_UNITS, price));
      refuseOversize(transaction);
      const config = {
        ...{ encoding: "base64", commitment: this.#cluster.commitment, sigVerify: false, replaceRecentBlockhash: true },
        accounts: { encoding: "base64", addresses: [feePayer.address] },
      };
      const wire = getBase64EncodedWireTransaction(transaction);
      const value = field(await this.#cluster.pool.call("simulateTransaction", [wire, config], signal), "value");
      const error = field(value, "err");
      if (error === null || error === undefined) {
        const accounts = field(value, "accounts");
        const payer = field(Array.isArray(accounts) ? accounts[0] : undefined, "lamports");
        return {
          limit: this.#budgets.learn(instructions, Number(integer(field(value, "unitsConsumed"), "units consumed"))),
          payerLamports: payer === undefined ? null : integer(payer, "lamports"),
        };
      }
      const logs = logLines(field(value, "logs"));
      if (retryable(error, logs) !== "blockhash" || tries === MOST_TRIES) {
        throw transactionError(this.#programs, shifted(instructions), error, logs, null);
      }
      this.#blockhashes.forget();
    }
  }

  async #sign(instructions: readonly Instruction[], feePayer: TransactionSigner, limit: number, price: bigint): Promise<Signed> {
    const lifetime = await this.#blockhashes.recent();
    // two equal transactions of one blockhash would be one: the limit tells them apart
    const units = Math.min(limit + (this.#sent++ % 1_000), MOST_COMPUTE_UNITS);
    const transaction = await signTransaction(instructions, feePayer, lifetime, units, price);
    refuseOversize(transaction);
    return {
      signature: getSignatureFromTransaction(transaction),
      wire: getBase64EncodedWireTransaction(transaction),
      lifetime,
    };
  }

  /** null: it is on its way, or may be. */
  async #broadcast(signed: Signed, instructions: readonly Instruction[], signal?: AbortSignal) {
    const config = { encoding: "base64", preflightCommitment: this.#cluster.commitment, maxRetries: 0 };
    try {
      await this.#cluster.pool.call("sendTransaction", [signed.wire, config], signal);
      return null;
    } catch (error) {
      if (error instanceof RpcRefusal && (error.rpcCode === PREFLIGHT_FAILURE || ALREADY.test(error.message))) {
        const judged = this.#judged(error, instructions);
        // another one must not be signed while a node that gave no answer may have passed this one on
        return judged?.retry === "blockhash" && !error.isFirst ? null : judged;
      }
      // a node that hung up may have passed it on: only looking tells
      if (error instanceof ChainError && error.code === "unreachable") return null;
      if (error instanceof RpcRefusal && /blockhash not found/i.test(error.message)) {
        return error.isFirst ? { error, retry: "blockhash" as const } : null;
      }
      throw error;
    }
  }

  #judged(refusal: RpcRefusal, instructions: readonly Instruction[]) {
    const error = field(refusal.data, "err");
    const logs = logLines(field(refusal.data, "logs"));
    // carried out already: a node that had not answered had passed it on (some say so in words alone)
    if (error === "AlreadyProcessed" || ALREADY.test(refusal.message)) return null;
    return {
      error: transactionError(this.#programs, shifted(instructions), error ?? refusal.message, logs, null),
      retry: retryable(error, logs) ?? (/blockhash not found/i.test(refusal.message) ? ("blockhash" as const) : null),
    };
  }

  async #confirm(signed: Signed, instructions: readonly Instruction[], { signal, effect }: SendOptions): Promise<Confirmation> {
    let heardMs = performance.now();
    let rebroadcastMs = heardMs;
    let heightMs = heardMs;
    let isExpired = false;
    await wait(FIRST_LOOK_MS, signal).catch(() => {});
    for (;;) {
      if (signal?.aborted) throw this.#unknown(signed, "its caller stopped waiting", signal.reason);
      try {
        const status = await this.#status(signed.signature, isExpired, signal);
        heardMs = performance.now();
        if (status !== null) {
          if (status.error === null) return { status: "confirmed", signature: signed.signature, slot: status.slot };
          const logs = await this.#logs(signed.signature, signal);
          if (retryable(status.error, logs) === "compute-budget") this.#budgets.forget(instructions);
          throw transactionError(this.#programs, shifted(instructions), status.error, logs, signed.signature);
        }
        if (isExpired) {
          if (effect !== undefined && (await effect())) return { status: "confirmed", signature: signed.signature, slot: null };
          throw new ChainError("expired", "the transaction was not carried out in time; it never will be, and may be sent again", {
            signature: signed.signature,
          });
        }
        if (performance.now() - heightMs > HEIGHT_MS) {
          heightMs = performance.now();
          isExpired = (await this.#blockhashes.blockHeight(signal)) > signed.lifetime.lastValidBlockHeight;
        }
      } catch (error) {
        if (signal?.aborted) continue;
        const isSilence = error instanceof ChainError && (error.code === "unreachable" || error.code === "rpc");
        if (!isSilence) throw error;
        if (performance.now() - heardMs > SILENCE_MS) {
          if (effect !== undefined && (await effect().catch(() => false)))
            return { status: "confirmed", signature: signed.signature, slot: null };
          throw this.#unknown(signed, "no node answers", error);
        }
      }
      if (performance.now() - rebroadcastMs > REBROADCAST_MS) {
        rebroadcastMs = performance.now();
        const config = { encoding: "base64", skipPreflight: true, maxRetries: 0 };
        await this.#cluster.pool.tellAll("sendTransaction", [signed.wire, config], signal);
      }
      await wait(LOOK_MS, signal).catch(() => {});
    }
  }

  async #status(signature: string, thorough: boolean, signal?: AbortSignal): Promise<{ error: Json; slot: bigint } | null> {
    const result = await this.#cluster.pool.call("getSignatureStatuses", [[signature], { searchTransactionHistory: thorough }], signal);
    const [status] = list(field(result, "value"), "statuses");
    if (status === null || status === undefined) return null;
    const reached = field(status, "confirmationStatus");
    const isEnough = this.#cluster.commitment === "processed" || reached === "finalized" || reached === this.#cluster.commitment;
    if (!isEnough) return null;
    return { error: field(status, "err") ?? null, slot: integer(field(status, "slot"), "a slot") };
  }

  /** What programs said in a failed transaction, without which nobody knows which of them refused; none where no node knows. */
  async #logs(signature: string, signal?: AbortSignal): Promise<string[]> {
    const commitment = this.#cluster.commitment === "finalized" ? "finalized" : "confirmed";
    const config = { encoding: "base64", commitment, maxSupportedTransactionVersion: 0 };
    try {
      const transaction = await this.#cluster.pool.call("getTransaction", [signature, config], signal);
      return logLines(field(field(transaction, "meta"), "logMessages"));
    } catch (error) {
      if (error instanceof ChainError) return [];
      throw error;
    }
  }

  #unknown(signed: Signed, why: string, cause: unknown): ChainError {
    return new ChainError(
      "unknown",
      `${why}: transaction ${signed.signature} was sent, and it is not known whether it was carried out; look before sending it again`,
      {
        cause,
        signature: signed.signature,
      },
    );
  }
}

/** With its compute budget and, if it pays any, its price, in front. */
export async function signTransaction(
  instructions: readonly Instruction[],
  feePayer: TransactionSigner,
  lifetime: RecentBlockhash,
  units: number,
  microLamports: bigint,
) {
  return signTransactionMessageWithSigners(message(instructions, feePayer, lifetime, units, microLamports));
}

function message(
  instructions: readonly Instruction[],
  feePayer: TransactionSigner,
  lifetime: RecentBlockhash,
  units: number,
  microLamports: bigint,
) {
  return pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayerSigner(feePayer, empty),
    (unborn) => setTransactionMessageLifetimeUsingBlockhash(lifetime, unborn),
    (bare) => appendTransactionMessageInstructions([...budget(units, microLamports), ...instructions], bare),
  );
}

/** @throws ChainError `bad-argument` */
function refuseOversize(transaction: Parameters<typeof getTransactionSize>[0]): void {
  const size = getTransactionSize(transaction);
  if (size > MAX_TRANSACTION_BYTES) {
    throw new ChainError("bad-argument", `the transaction has ${size} bytes, at most ${MAX_TRANSACTION_BYTES} fit`);
  }
}

function budget(units: number, microLamports: bigint): Instruction[] {
  // always two: where in the transaction an instruction stands does not depend on the price
  return [getSetComputeUnitLimitInstruction({ units }), getSetComputeUnitPriceInstruction({ microLamports })];
}

/** Instructions as they stand in the transaction, behind the budget's two. */
function shifted(instructions: readonly Instruction[]): Instruction[] {
  return [...budget(0, 0n), ...instructions];
}

function writableAccounts(instructions: readonly Instruction[]): Address[] {
  const accounts = instructions.flatMap((one) => one.accounts ?? []).filter(({ role }) => isWritableRole(role));
  return [...new Set(accounts.map(({ address }) => address))];
}
