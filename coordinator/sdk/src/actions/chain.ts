/** An action's way to the chain: reads accounts, shows and sends transactions, and says what went wrong in a sentence. */
import { isAddress, type Address, type Instruction, type TransactionSigner } from "@solana/kit";
import { ChainError } from "../solana/chainError.ts";
import type { ClusterClient } from "../solana/clusterClient.ts";
import { field, integer, list, type ChainAccount } from "../solana/json.ts";
import type { Programs } from "../solana/pdas.ts";
import { TransactionSender } from "../solana/transactions.ts";
import { formatSol } from "./amounts.ts";
import { describe } from "./describe.ts";
import { ActionError } from "./errors.ts";

/** What a person is shown of a transaction before the wallet is asked. */
export interface Review {
  /** what the transaction is for, such as "claim rewards" */
  what: string;
  /** in plain words, one line an instruction */
  lines: string[];
  feePayer: Address;
  /** of the network, and for priority */
  feeLamports: bigint;
  /** what else leaves the fee payer: deposits of accounts, a float, a bond; below zero where it gets some back; null: the node did not tell */
  rentLamports: bigint | null;
  /** why it would fail; null: it would work now */
  error: Error | null;
}

export interface ChainSetup {
  client: ClusterClient;
  programs: Programs;
  /** aborted when the work is to end */
  signal: AbortSignal;
  /** a compute unit; default: 0, the base fee alone */
  maxPriorityFeeMicroLamports?: number;
  /** Called before each transaction is signed. Rejects where it shall not be sent: with ActionError "cancelled". */
  review?: (review: Review) => Promise<void>;
}

/** No program of ours is asked for more at once. */
const MOST_AT_ONCE = 100;

export class Chain {
  readonly client: ClusterClient;
  readonly programs: Programs;
  readonly signal: AbortSignal;
  /** decimals of the mints that were read, for the words in which amounts are told */
  readonly decimals: Map<Address, number>;
  readonly #setup: ChainSetup;
  readonly #sender: TransactionSender;
  /** of the newest transaction that was confirmed: an RPC that has not come so far is not asked */
  #slot: bigint | null = null;

  constructor(setup: ChainSetup, decimals = new Map<Address, number>()) {
    this.client = setup.client;
    this.programs = setup.programs;
    this.signal = setup.signal;
    this.decimals = decimals;
    this.#setup = setup;
    const maxMicroLamports = BigInt(setup.maxPriorityFeeMicroLamports ?? 0);
    this.#sender = new TransactionSender(setup.client, setup.programs, { maxMicroLamports });
  }

  /** The same chain with other programs. */
  with(programs: Programs): Chain {
    return new Chain({ ...this.#setup, programs }, this.decimals);
  }

  /** The same chain for what is still to be done when its own signal has aborted, or for what has an end of its own. */
  until(signal: AbortSignal): Chain {
    return new Chain({ ...this.#setup, signal }, this.decimals);
  }

  account(address: Address): Promise<ChainAccount | null> {
    return this.client.account(address, this.#reading());
  }

  async accounts(addresses: readonly Address[]): Promise<(ChainAccount | null)[]> {
    const found: (ChainAccount | null)[] = [];
    for (let at = 0; at < addresses.length; at += MOST_AT_ONCE) {
      const { accounts } = await this.client.accounts(addresses.slice(at, at + MOST_AT_ONCE), this.#reading());
      found.push(...accounts);
    }
    return found;
  }

  #reading(): { signal: AbortSignal; minSlot?: bigint } {
    return { signal: this.signal, ...(this.#slot !== null && { minSlot: this.#slot }) };
  }

  async balance(address: Address): Promise<bigint> {
    const { signal, minSlot } = this.#reading();
    const config = { commitment: this.client.commitment, ...(minSlot !== undefined && { minContextSlot: Number(minSlot) }) };
    const answer = await this.client.pool.call("getBalance", [address, config], signal);
    return integer(field(answer, "value"), "a balance");
  }

  /** Errors: ActionError unfunded, which says what is needed and what is there. */
  async requireFunds(address: Address, lamports: bigint, what: string): Promise<void> {
    const has = await this.balance(address);
    if (has < lamports)
      throw new ActionError(
        "unfunded",
        `${what} needs ${formatSol(lamports)} (most of it is rent, which comes back), and ${address} has ${formatSol(has)}`,
      );
  }

  /**
   * One transaction; resolves to its signature once it is confirmed. `what` says what it does.
   * Errors: ActionError unfunded, unknown-outcome, cancelled (and whatever `review` and the signer throw); ChainError.
   */
  async send(instructions: readonly Instruction[], payer: TransactionSigner, what: string): Promise<string> {
    try {
      await this.#review(instructions, payer, what);
      const { signature, slot } = await this.#sender.send(instructions, payer, { signal: this.signal });
      this.#slot = slot ?? this.#slot;
      return signature;
    } catch (error) {
      throw await this.#explained(error, payer.address, what);
    }
  }

  /**
   * What became of a transaction that was sent. Null: no node knows it; it may still be carried out while its blockhash lives, a
   * minute or two. Errors: ChainError.
   */
  async outcome(signature: string): Promise<"done" | "failed" | null> {
    const config = { searchTransactionHistory: true };
    const [status] = list(
      field(await this.client.pool.call("getSignatureStatuses", [[signature], config], this.signal), "value"),
      "statuses",
    );
    if (status === null || status === undefined || field(status, "confirmationStatus") === "processed") return null;
    return (field(status, "err") ?? null) === null ? "done" : "failed";
  }

  async #review(instructions: readonly Instruction[], payer: TransactionSigner, what: string): Promise<void> {
    const { review } = this.#setup;
    if (review === undefined) return;
    const preview = await this.#sender.preview(instructions, payer, this.signal);
    const error = preview.error === null ? null : ((await this.#explained(preview.error, payer.address, what)) as Error);
    await review({
      ...{ what, lines: describe(instructions, this.programs, this.decimals), feePayer: payer.address },
      ...{ feeLamports: preview.feeLamports, rentLamports: preview.otherLamports, error },
    });
    if (error !== null) throw error;
  }

  async #explained(error: unknown, payer: Address, what: string): Promise<unknown> {
    if (!(error instanceof ChainError)) return error;
    const { signature } = error;
    if (error.code === "unfunded") {
      const has = await this.balance(payer).catch(() => null);
      const balance = has === null ? "" : `: it has ${formatSol(has)}`;
      return new ActionError("unfunded", `cannot ${what}: ${payer} has too little SOL for fees and rent${balance}`, { cause: error });
    }
    if (error.code === "unknown") {
      const which = signature === null ? "what it does" : `transaction ${signature}`;
      return new ActionError(
        "unknown-outcome",
        `cannot tell whether this worked: ${what}. It was sent, and no RPC could say in time what became of it: look for ${which} in an explorer before you try it again`,
        { cause: error, signature },
      );
    }
    return error;
  }
}

/** Errors: ActionError bad-argument where the text does not decode to 32 bytes; `what` names it. */
export function readAddress(text: string, what: string): Address {
  const trimmed = text.trim();
  if (isAddress(trimmed)) return trimmed;
  throw new ActionError("bad-argument", `${what} ${trimmed.slice(0, 60)}: must be a Solana address, 32 bytes as base58`);
}
