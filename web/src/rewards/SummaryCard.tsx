/** All runs of a wallet together. */
import type { Membership } from "@starling/sdk/actions/memberships";
import { formatSol, formatTokens, shortAddress } from "../lib/format.ts";
import { Card } from "../ui/index.ts";
import { returnable, tokenSums } from "./amounts.ts";
import { Figures } from "./Figures.tsx";

export function SummaryCard({ memberships }: { memberships: readonly Membership[] }) {
  const sums = tokenSums(memberships);
  const named = (label: string, mint: string): string => (sums.length === 1 ? label : `${label}, token ${shortAddress(mint)}`);
  return (
    <Card title="All runs">
      <Figures
        figures={[
          ...sums.map(({ mint, decimals, payable }) => ({
            label: named("Can be claimed now", mint),
            value: formatTokens(payable, decimals),
          })),
          ...sums.map(({ mint, decimals, claimed }) => ({ label: named("Claimed so far", mint), value: formatTokens(claimed, decimals) })),
          {
            label: "Deposits and floats",
            value: formatSol(memberships.reduce((sum, one) => sum + returnable(one), 0n)),
            hint: "comes back when sessions and memberships are closed",
          },
        ]}
      />
    </Card>
  );
}
