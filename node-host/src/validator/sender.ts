/** Sends few transactions and many alike, and waits until they are confirmed: all that putting programs on a cluster takes. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  appendTransactionMessageInstructions,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type Instruction,
  type Rpc,
  type Signature,
  type SolanaRpcApi,
  type TransactionSigner,
} from "@solana/kit";
import { HostError } from "../errors.ts";

type Cluster = Rpc<SolanaRpcApi>;

const POLL_MS = 200;
const SEND_AGAIN_MS = 2_000;
/** a blockhash lives for 150 slots, a minute on a real cluster */
const GIVE_UP_MS = 90_000;
const IN_FLIGHT = 16;
/** of getSignatureStatuses */
const STATUSES_AT_ONCE = 200;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 8_000;
const ATTEMPTS = 7;
export const REQUEST_LIMIT_MS = 20_000;

export class Sender {
  readonly rpc: Cluster;
  /** pays, and is the authority of what it makes */
  readonly payer: TransactionSigner;
  readonly #signal: AbortSignal;

  constructor(rpc: Cluster, payer: TransactionSigner, signal: AbortSignal) {
    this.rpc = rpc;
    this.payer = payer;
    this.#signal = signal;
  }

  /** One transaction. Errors: HostError chain when it is refused, or its outcome stays unknown. */
  async send(instructions: Instruction[]): Promise<void> {
    await this.sendAll([instructions]);
  }

  /** Transactions whose order does not matter; resolves when all are confirmed. */
  async sendAll(transactions: Instruction[][], onConfirmed: (count: number) => void = () => undefined): Promise<void> {
    const wires = new Map<Signature, string>();
    const waiting = transactions.values();
    const { value: blockhash } = await this.ask((rpc, abortSignal) =>
      rpc.getLatestBlockhash({ commitment: "confirmed" }).send({ abortSignal }),
    );
    const worker = async (): Promise<void> => {
      for (const instructions of waiting) {
        const message = pipe(
          createTransactionMessage({ version: 0 }),
          (m) => setTransactionMessageFeePayerSigner(this.payer, m),
          (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
          (m) => appendTransactionMessageInstructions(instructions, m),
        );
        const signed = await signTransactionMessageWithSigners(message);
        const wire = getBase64EncodedWireTransaction(signed);
        wires.set(getSignatureFromTransaction(signed), wire);
        await this.#sendWire(wire);
      }
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, transactions.length) }, worker));
    await this.#confirm(wires, onConfirmed);
  }

  /** Resolves in a later slot than this one. */
  async nextSlot(): Promise<void> {
    const slot = () => this.ask((rpc, abortSignal) => rpc.getSlot({ commitment: "confirmed" }).send({ abortSignal }));
    const now = await slot();
    while ((await slot()) <= now) await sleep(POLL_MS, undefined, { signal: this.#signal });
  }

  async #sendWire(wire: string): Promise<void> {
    // without preflight: the status says what became of it, and a simulation may look at an older slot
    await this.ask((rpc, abortSignal) =>
      rpc
        .sendTransaction(wire as Parameters<typeof rpc.sendTransaction>[0], { encoding: "base64", skipPreflight: true })
        .send({ abortSignal }),
    );
  }

  async #confirm(wires: Map<Signature, string>, onConfirmed: (count: number) => void): Promise<void> {
    const total = wires.size;
    const sinceMs = performance.now();
    let sentMs = sinceMs;
    while (wires.size > 0) {
      await sleep(POLL_MS, undefined, { signal: this.#signal });
      const left = [...wires.keys()];
      for (let i = 0; i < left.length; i += STATUSES_AT_ONCE) {
        const some = left.slice(i, i + STATUSES_AT_ONCE);
        const { value } = await this.ask((rpc, abortSignal) => rpc.getSignatureStatuses(some).send({ abortSignal }));
        value.forEach((status, at) => {
          if (!status) return;
          if (status.err) throw new HostError("chain", `the transaction ${some[at]} was refused: ${jsonOf(status.err)}`);
          if (status.confirmationStatus !== "processed") wires.delete(some[at]!);
        });
      }
      onConfirmed(total - wires.size);
      const nowMs = performance.now();
      if (nowMs - sinceMs > GIVE_UP_MS) {
        throw new HostError(
          "chain",
          `the outcome of ${wires.size} of ${total} transactions is unknown after ${GIVE_UP_MS / 1000} s: run the same command again, it goes on where it stopped`,
        );
      }
      if (wires.size > 0 && nowMs - sentMs > SEND_AGAIN_MS) {
        sentMs = nowMs;
        for (const wire of wires.values()) await this.#sendWire(wire);
      }
    }
  }

  /** Ends with this sender's work, or after so long. */
  within(limitMs: number): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(limitMs)]);
  }

  /** A request that is made again where the node is busy, limits us, or did not answer. Errors: HostError chain. */
  async ask<T>(request: (rpc: Cluster, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1, backoffMs = FIRST_BACKOFF_MS; ; attempt++, backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS)) {
      this.#signal.throwIfAborted();
      try {
        return await request(this.rpc, this.within(REQUEST_LIMIT_MS));
      } catch (cause) {
        if (this.#signal.aborted) throw cause;
        if (attempt === ATTEMPTS) {
          throw new HostError("chain", `the RPC node does not answer as it should, ${ATTEMPTS} times now: ${(cause as Error).message}`, {
            cause,
          });
        }
        await sleep(backoffMs, undefined, { signal: this.#signal });
      }
    }
  }
}

export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? Number(field) : field));
}
