/** What a transaction shall pay: price from what others paid for the same accounts, limit from simulation. */
import type { Address, Instruction } from "@solana/kit";
import type { ClusterClient } from "./clusterClient.ts";
import { field, integer, list } from "./json.ts";

export interface PriorityFee {
  /** never more than this a compute unit; 0 = pay the base fee alone */
  maxMicroLamports: bigint;
}

/** At 100,000 compute units: 5,000 lamports, as much as the base fee of a signature. */
export const DEFAULT_PRIORITY_FEE: PriorityFee = { maxMicroLamports: 50_000n };
/** Of the recent fees, the one that three quarters of them do not exceed. */
const PERCENTILE = 0.75;
const PRICE_FRESH_MS = 60_000;
const MOST_PRICES = 64;

export class PriorityFees {
  readonly #cluster: ClusterClient;
  readonly #fee: PriorityFee;
  readonly #known = new Map<string, { atMs: number; price: bigint }>();

  constructor(cluster: ClusterClient, fee: PriorityFee) {
    this.#cluster = cluster;
    this.#fee = fee;
  }

  /** Micro-lamports a compute unit. A node that does not say costs nothing: the base fee it is then. */
  async price(writable: readonly Address[], signal?: AbortSignal): Promise<bigint> {
    if (this.#fee.maxMicroLamports === 0n) return 0n;
    const accounts = writable.slice(0, 128);
    const name = accounts.join();
    const known = this.#known.get(name);
    if (known !== undefined && performance.now() - known.atMs < PRICE_FRESH_MS) return known.price;
    let price = 0n;
    try {
      const told = list(await this.#cluster.pool.call("getRecentPrioritizationFees", [[...accounts]], signal), "fees");
      const fees = told.slice(0, 150).map((one) => integer(field(one, "prioritizationFee"), "a fee"));
      fees.sort((a, b) => (a < b ? -1 : 1));
      price = fees[Math.floor(PERCENTILE * (fees.length - 1))] ?? 0n;
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    if (price > this.#fee.maxMicroLamports) price = this.#fee.maxMicroLamports;
    if (this.#known.size >= MOST_PRICES) this.#known.clear();
    this.#known.set(name, { atMs: performance.now(), price });
    return price;
  }
}

/** The most units that a transaction may use. */
export const MOST_COMPUTE_UNITS = 1_400_000;

/** A tick does little when simulated, and takes up to 90,000 when it counts: it ends a round that many have left. */
const ROOM_COMPUTE_UNITS = 100_000;

/** What transactions of a kind used when simulated, with room for a state that has grown since. */
export class ComputeBudgets {
  readonly #limits = new Map<string, number>();

  limit(instructions: readonly Instruction[]): number | undefined {
    return this.#limits.get(kind(instructions));
  }

  learn(instructions: readonly Instruction[], unitsUsed: number): number {
    const limit = Math.min(Math.ceil(1.5 * unitsUsed) + ROOM_COMPUTE_UNITS, MOST_COMPUTE_UNITS);
    this.#limits.set(kind(instructions), Math.max(limit, this.#limits.get(kind(instructions)) ?? 0));
    return this.#limits.get(kind(instructions))!;
  }

  forget(instructions: readonly Instruction[]): void {
    this.#limits.delete(kind(instructions));
  }
}

/** Program, first byte, and how many accounts: settle of 20 is no settle of 1. */
function kind(instructions: readonly Instruction[]): string {
  return instructions.map((one) => `${one.programAddress}/${one.data?.[0] ?? ""}/${one.accounts?.length ?? 0}`).join();
}
