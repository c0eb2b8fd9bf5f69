/** A cluster as config.json names it. Which one it is, its genesis hash says. */
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
import { HostError } from "../errors.ts";

const GENESIS_LIMIT_MS = 5_000;

type Known = Pick<ClusterConfig, "name" | "label" | "chain" | "isTest">;

/** By the beginning of the hash, of which sixteen digits leave no doubt. */
const KNOWN: Readonly<Record<string, Known>> = {
  "5eykt4UsFv8P8NJd": { name: "mainnet", label: "Solana", chain: "solana:mainnet", isTest: false },
  EtWTRABZaYq6iMfe: { name: "devnet", label: "Solana devnet", chain: "solana:devnet", isTest: true },
  "4uhcVJyU9pJkvQyS": { name: "testnet", label: "Solana testnet", chain: "solana:testnet", isTest: true },
};
const LOCAL: Known = { name: "localnet", label: "Local cluster", chain: "solana:localnet", isTest: true };

const THIS_MACHINE = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * A node of this machine that does not answer now is taken for a local cluster without a hash: the page then trusts the url.
 * Errors: HostError chain where another one does not, which may be a cluster with money on it.
 */
export async function clusterConfig(rpcUrls: string[], wsUrls: string[], more: Partial<ClusterConfig> = {}): Promise<ClusterConfig> {
  let genesisHash: string | null = null;
  for (const rpc of rpcUrls) genesisHash ??= await genesisHashAt(rpc);
  const elsewhere = rpcUrls.find((rpc) => !THIS_MACHINE.test(new URL(rpc).hostname));
  if (genesisHash === null && elsewhere !== undefined)
    throw new HostError("chain", `${hostOf(elsewhere)} does not say which cluster it is of: see whether it answers getGenesisHash`);
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
