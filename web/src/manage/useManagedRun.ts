/** A run with all that its authority decides about, read again every few seconds and after each action. */
import type { Address } from "@solana/kit";
import { readGrants } from "@starling/sdk/actions/grants";
import { findRun, listMembers, type OnChainRun } from "@starling/sdk/actions/run";
import { findTreasury, treasuryFacts } from "@starling/sdk/actions/treasury";
import type { TreasuryFacts } from "@starling/sdk/actions/dump";
import { runAddresses } from "@starling/sdk/solana/pdas";
import type { GrantReading } from "@starling/sdk/solana/accounts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import type { Chain } from "@starling/sdk/actions/chain";
import { useChain } from "../chain/useChain.ts";

export interface ManagedRun {
  runId: string;
  /** null: there is none, or it is closed */
  run: OnChainRun | null;
  /** who may change it; null where nothing of it is left */
  authority: Address | null;
  treasury: TreasuryFacts | null;
  /** "tokens" where it has a treasury */
  unit: "tokens" | "points";
  decimals: number;
  grants: GrantReading[];
  members: { owner: Address; grant: Address }[];
}

const READ_EVERY_MS = 5000;

/** Inside of ChainGate. */
export function useManagedRun(runId: string) {
  const { chain, cluster } = useChain();
  const queries = useQueryClient();
  const queryKey = ["managed-run", cluster.name, runId];
  const query = useQuery({ queryKey, queryFn: () => readManaged(chain, runId), refetchInterval: READ_EVERY_MS, structuralSharing: false });
  const refresh = useCallback(
    () => void queries.invalidateQueries({ queryKey: ["managed-run", cluster.name, runId] }),
    [queries, cluster.name, runId],
  );
  return { query, refresh };
}

async function readManaged(chain: Chain, runId: string): Promise<ManagedRun> {
  const run = await findRun(chain, runId);
  const at = await runAddresses(chain.programs, runId);
  const found = await findTreasury(chain, at.run, run?.account.mainAuthority ?? null);
  const treasury = found && (await treasuryFacts(chain, found));
  const [grants, members] =
    run === null ? [[], []] : await Promise.all([readGrants(chain, run.account.joinAuthority), listMembers(chain, run)]);
  return {
    runId,
    run,
    authority: treasury?.account.mainAuthority ?? run?.account.mainAuthority ?? null,
    treasury,
    unit: treasury === null ? "points" : "tokens",
    decimals: treasury?.decimals ?? 0,
    grants,
    members: members.map(({ owner, grant }) => ({ owner, grant })),
  };
}
