/** Says whether the address is a mint, and how much of its token the wallet has. */
import { unitsOf } from "@starling/sdk/actions/treasury";
import { useQuery } from "@tanstack/react-query";
import { useChain } from "../chain/useChain.ts";
import { explain } from "../lib/explain.ts";
import { formatTokens } from "../lib/format.ts";
import { Alert } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { useMint } from "./useMint.ts";

/** Inside of ChainGate. */
export default function MintCheck({ mint: text }: { mint: string }) {
  const mint = useMint(text);
  const { chain, cluster } = useChain();
  const { address } = useWallet();
  const own = useQuery({
    queryKey: ["units", cluster.name, mint.data?.mint, address],
    queryFn: async () => (await unitsOf(chain, address!, mint.data!)).units ?? 0n,
    enabled: address !== null && mint.data !== undefined,
    staleTime: 15_000,
  });
  if (mint.isError) {
    const { title, text: why } = explain(mint.error);
    return (
      <Alert title={title} tone="bad">
        {why}
      </Alert>
    );
  }
  if (!mint.data) return null;
  return (
    <p className="text-sm text-muted" role="status">
      A token with {mint.data.decimals} decimals.{" "}
      {own.data !== undefined && `Your wallet has ${formatTokens(own.data, mint.data.decimals)}.`}
    </p>
  );
}
