import type { Address } from "@solana/kit";
import { requireMint } from "@starling/sdk/actions/treasury";
import { useQuery } from "@tanstack/react-query";
import { useChain } from "../chain/useChain.ts";

const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** Inside of ChainGate. A mint's facts; no data while `mint` is no address. */
export function useMint(mint: string) {
  const { chain, cluster } = useChain();
  const address = mint.trim();
  return useQuery({
    queryKey: ["mint", cluster.name, address],
    queryFn: () => requireMint(chain, address as Address),
    enabled: ADDRESS.test(address),
    staleTime: Infinity,
    retry: false,
  });
}
