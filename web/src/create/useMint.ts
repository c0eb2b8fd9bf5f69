import type { Address } from "@solana/kit";
import { requireMint } from "@starling/sdk/actions/treasury";
import { useQuery } from "@tanstack/react-query";
import { useChain } from "../chain/useChain.ts";
import { looksLikeAddress } from "../lib/addressText.ts";

/** Inside of ChainGate. A mint's facts; no data while `mint` is no address. */
export function useMint(mint: string) {
  const { chain, cluster } = useChain();
  const address = mint.trim();
  return useQuery({
    queryKey: ["mint", cluster.name, address],
    queryFn: () => requireMint(chain, address as Address),
    enabled: looksLikeAddress(address),
    staleTime: Infinity,
    retry: false,
  });
}
