/** All that an owner has in the runs of one cluster, and in those that its delegates train in. Read again every few seconds. */
import { isAddress, type Address } from "@solana/kit";
import type { Chain } from "@starling/sdk/actions/chain";
import { delegatesOf } from "@starling/sdk/actions/grants";
import { memberships, type Membership } from "@starling/sdk/actions/memberships";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { Failure } from "../chain/ActionStatus.tsx";
import { useChain } from "../chain/useChain.ts";
import { explain } from "../lib/explain.ts";
import { AddressText, Alert, Button, EmptyState, LinkButton, Skeleton } from "../ui/index.ts";
import { DelegatesCard } from "./DelegatesCard.tsx";
import { MembershipCard } from "./MembershipCard.tsx";
import { SummaryCard } from "./SummaryCard.tsx";

const READ_EVERY_MS = 10_000;
/** each costs as much as the owner's own */
const MOST_DELEGATES = 16;

export interface Owned {
  mine: Membership[];
  delegates: { owner: Address; memberships: Membership[] }[];
  /** that are not read */
  moreDelegates: number;
}

async function read(chain: Chain, owner: Address): Promise<Owned> {
  const [mine, delegates] = await Promise.all([memberships(chain, owner), delegatesOf(chain, owner)]);
  const others = delegates.filter((delegate) => delegate !== owner);
  return {
    mine,
    delegates: await Promise.all(
      others.slice(0, MOST_DELEGATES).map(async (delegate) => ({ owner: delegate, memberships: await memberships(chain, delegate) })),
    ),
    moreDelegates: Math.max(0, others.length - MOST_DELEGATES),
  };
}

/** Inside of ChainGate. `isOwn`: the connected wallet's. */
export default function OwnedRewards({ owner, isOwn }: { owner: string; isOwn: boolean }) {
  return isAddress(owner) ? (
    <Rewards isOwn={isOwn} owner={owner} />
  ) : (
    <Alert title="That is no address" tone="bad">
      {owner.slice(0, 60)} does not decode to the 32 bytes of a key: look whether a letter is missing.
    </Alert>
  );
}

function Rewards({ owner, isOwn }: { owner: Address; isOwn: boolean }) {
  const { chain, cluster } = useChain();
  const queries = useQueryClient();
  const { name } = cluster;
  const query = useQuery({
    queryKey: ["rewards", name, owner],
    queryFn: () => read(chain, owner),
    refetchInterval: READ_EVERY_MS,
    structuralSharing: false,
  });
  const refresh = useCallback(() => void queries.invalidateQueries({ queryKey: ["rewards", name] }), [queries, name]);
  if (query.isPending) return <Skeleton className="h-60 w-full" />;
  const { data } = query;
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 text-muted">
        {isOwn ? "Your wallet" : "The wallet"} <AddressText address={owner} label="wallet" /> on {cluster.label}
      </p>
      {data === undefined && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {data !== undefined && query.isError && (
        <Alert
          action={
            <Button busy={query.isFetching} onClick={() => void query.refetch()} size="small">
              Try again
            </Button>
          }
          title={explain(query.error).title}
          tone="warn"
        >
          {explain(query.error).text} What stands below was read before.
        </Alert>
      )}
      {data !== undefined && <Found data={data} isOwn={isOwn} owner={owner} refresh={refresh} />}
    </>
  );
}

function Found({ data, owner, isOwn, refresh }: { data: Owned; owner: Address; isOwn: boolean; refresh(): void }) {
  const { mine, delegates, moreDelegates } = data;
  if (mine.length === 0 && delegates.length === 0)
    return (
      <EmptyState
        action={
          <LinkButton to="/" variant="primary">
            See the runs
          </LinkButton>
        }
        title="Nothing here yet"
      >
        {isOwn
          ? "This wallet takes part in no run on this network. Rewards belong to the wallet that a machine was given, or that joined in a tab."
          : "That wallet takes part in no run on this network."}
      </EmptyState>
    );
  return (
    <>
      {mine.length > 0 && <SummaryCard memberships={mine} />}
      {mine.map((membership) => (
        <MembershipCard isOwn={isOwn} key={membership.run} membership={membership} owner={owner} refresh={refresh} />
      ))}
      {delegates.length > 0 && <DelegatesCard delegates={delegates} more={moreDelegates} />}
    </>
  );
}
