/** A cluster as config.json names it. Which one it is, its genesis hash says. */
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";

const GENESIS_LIMIT_MS = 5_000;

type Known = Pick<ClusterConfig, "name" | "label" | "chain" | "isTest">;

/** By the beginning of the hash, of which sixteen digits leave no doubt. */
const KNOWN: Readonly<Record<string, Known>> = {
  "5eykt4UsFv8P8NJd": { name: "mainnet", label: "Solana", chain: "solana:mainnet", isTest: false },
  EtWTRABZaYq6iMfe: { name: "devnet", label: "Solana devnet", chain: "solana:devnet", isTest: true },
  "4uhcVJyU9pJkvQyS": { name: "testnet", label: "Solana testnet", chain: "solana:testnet", isTest: true },
};
const LOCAL: Known = { name: "localnet", label: "Local cluster", chain: "solana:localnet", isTest: true };

/** A node that does not answer now is taken for a local cluster without a hash: the page then trusts the url. */
export async function clusterConfig(rpcUrls: string[], wsUrls: string[], more: Partial<ClusterConfig> = {}): Promise<ClusterConfig> {
  const genesisHash = await genesisHashAt(rpcUrls[0]!);
  const known = genesisHash === null ? LOCAL : (KNOWN[genesisHash.slice(0, 16)] ?? LOCAL);
  return { ...known, rpcUrls, wsUrls, ...(genesisHash !== null && { genesisHash }), ...more };
}

/** base58; null when the node does not say. */
async function genesisHashAt(rpc: string): Promise<string | null> {
  try {
    const response = await fetch(rpc, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "getGenesisHash" }),
      signal: AbortSignal.timeout(GENESIS_LIMIT_MS),
    });
    const { result } = (await response.json()) as { result?: unknown };
    return typeof result === "string" ? result : null;
  } catch {
    return null;
  }
}
