/** The newest blockhash, asked for once in a while for all who need one. */
import { type Blockhash, isBlockhash } from "@solana/kit";
import type { ClusterClient } from "./clusterClient.ts";
import { field, integer, string, unexpected } from "./json.ts";

/** Valid for 150 blocks, a minute or more: a transaction shall have most of that left. */
const FRESH_MS = 10_000;

export interface RecentBlockhash {
  blockhash: Blockhash;
  /** after this block no transaction with it can be carried out */
  lastValidBlockHeight: bigint;
}

export class Blockhashes {
  readonly #cluster: ClusterClient;
  #newest: Promise<RecentBlockhash> | null = null;
  #askedMs = 0;

  constructor(cluster: ClusterClient) {
    this.#cluster = cluster;
  }

  recent(): Promise<RecentBlockhash> {
    if (this.#newest === null || performance.now() - this.#askedMs > FRESH_MS) {
      this.#askedMs = performance.now();
      this.#newest = this.#ask();
      this.#newest.catch(() => (this.#newest = null));
    }
    return this.#newest;
  }

  /** A node did not know it: ask again. */
  forget(): void {
    this.#newest = null;
  }

  async blockHeight(signal?: AbortSignal): Promise<bigint> {
    const config = { commitment: this.#cluster.commitment };
    return integer(await this.#cluster.pool.call("getBlockHeight", [config], signal), "the block height");
  }

  async #ask(): Promise<RecentBlockhash> {
    const result = await this.#cluster.pool.call("getLatestBlockhash", [{ commitment: this.#cluster.commitment }]);
    const value = field(result, "value");
    const blockhash = string(field(value, "blockhash"), "a blockhash");
    if (!isBlockhash(blockhash)) throw unexpected("a blockhash", "32 bytes in base58", blockhash);
    return {
      blockhash,
      lastValidBlockHeight: integer(field(value, "lastValidBlockHeight"), "a block height"),
    };
  }
}
