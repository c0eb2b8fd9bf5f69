/** Whether a run id is free, said while it is typed. */
import { findRun } from "@starling/sdk/actions/run";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useChain } from "../../chain/useChain.ts";
import { explain } from "../../lib/explain.ts";
import { AddressText, Alert } from "../../ui/index.ts";
import { useWallet } from "../../wallet/useWallet.ts";
import { authorityAddress } from "./authorityAddress.ts";

const ASK_AFTER_MS = 400;

/** Inside of ChainGate. */
export default function RunIdCheck({ runId: typed }: { runId: string }) {
  const { chain, cluster } = useChain();
  const { address } = useWallet();
  const [runId, setRunId] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setRunId(typed), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useQuery({
    queryKey: ["run-id", cluster.name, runId],
    queryFn: async () => {
      const run = await findRun(chain, runId);
      return { owner: run === null ? null : await authorityAddress(chain, run) };
    },
    staleTime: 15_000,
  });
  if (found.isError) {
    return (
      <Alert title="Whether this id is free cannot be told now" tone="warn">
        {explain(found.error).text}
      </Alert>
    );
  }
  if (!found.data || runId !== typed) return <p className="text-sm text-muted">Looking whether {typed} is free…</p>;
  const { owner } = found.data;
  if (owner === null) {
    return (
      <p className="text-sm text-good" role="status">
        {runId} is free on {cluster.label}.
      </p>
    );
  }
  if (owner === address) {
    return (
      <Alert title={`You have a run ${runId} already`} tone="info">
        Sending goes on where it is: what is missing is completed, and its configuration is replaced if it is paused.
      </Alert>
    );
  }
  return (
    <Alert title={`${runId} is taken on ${cluster.label}`} tone="bad">
      It belongs to <AddressText address={owner} label="owner" />.{" "}
      {address === null ? "Connect your wallet if that is you, or choose" : "Choose"} another id.
    </Alert>
  );
}
