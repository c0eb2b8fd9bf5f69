/** What the keys earned that join by this wallet's permission. Each claims for itself. */
import type { Address } from "@solana/kit";
import type { Membership } from "@starling/sdk/actions/memberships";
import { AddressText, Card, Table } from "../ui/index.ts";
import { amountOf } from "./amounts.ts";

interface Row {
  owner: Address;
  membership: Membership | null;
}

export function DelegatesCard({
  delegates,
  more,
}: {
  delegates: readonly { owner: Address; memberships: readonly Membership[] }[];
  more: number;
}) {
  const rows = delegates.flatMap(({ owner, memberships }): Row[] =>
    memberships.length === 0 ? [{ owner, membership: null }] : memberships.map((membership) => ({ owner, membership })),
  );
  const amount = (pick: (membership: Membership) => bigint) =>
    function Amount({ membership }: Row) {
      return membership === null ? "–" : amountOf(membership, pick(membership));
    };
  return (
    <Card
      description="Keys that join by this wallet's permission. Their rewards are their own: each is claimed with its own wallet."
      title="Delegates"
    >
      <Table
        caption="Rewards of delegates"
        columns={[
          { key: "owner", header: "Delegate", cell: ({ owner }) => <AddressText address={owner} label="delegate" /> },
          {
            key: "run",
            header: "Run",
            cell: ({ membership }) => (membership === null ? "takes part in none" : (membership.runId ?? "a closed run")),
          },
          { key: "earned", header: "Earned", align: "end", cell: amount(({ member }) => member?.earned ?? 0n) },
          { key: "slashed", header: "Slashed", align: "end", cell: amount(({ member }) => member?.slashed ?? 0n) },
          { key: "claimed", header: "Claimed", align: "end", cell: amount(({ member }) => member?.claimed ?? 0n) },
          { key: "payable", header: "Claimable", align: "end", cell: amount(({ claimable, unsettled }) => claimable + unsettled.due) },
        ]}
        rowKey={({ owner, membership }) => `${owner} ${membership?.run ?? ""}`}
        rows={rows}
      />
      {more > 0 && <p className="mt-3 text-sm text-muted">{more} more delegates are not shown.</p>}
    </Card>
  );
}
