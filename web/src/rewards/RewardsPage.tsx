/** What an owner earned, run by run: of the connected wallet, or of any address one wants to look at. */
import { lazy, Suspense, useId, useState, type FormEvent } from "react";
import { useSearchParams } from "react-router";
import { ChainGate } from "../chain/ChainGate.tsx";
import { looksLikeAddress } from "../lib/addressText.ts";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { Button, Card, EmptyState, Field, LinkButton, Select, Skeleton, TextInput } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";

const OwnedRewards = lazy(() => import("./OwnedRewards.tsx"));

export default function RewardsPage() {
  const { clusters } = useRuntimeConfig();
  const [query, setQuery] = useSearchParams();
  const { address: own, open, status } = useWallet();
  const cluster = clusters.find(({ name }) => name === query.get("cluster")) ?? clusters[0];
  const asked = query.get("owner");
  const owner = asked ?? own;
  const change = (key: string, value: string | null): void =>
    setQuery((before) => {
      const next = new URLSearchParams(before);
      if (value === null) next.delete(key);
      else next.set(key, value);
      return next;
    });
  return (
    <div className="space-y-5">
      <header className="flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="text-2xl font-semibold">Rewards</h1>
          <p className="text-muted">What a wallet earned in each run, what it can claim, and the deposits it gets back.</p>
        </div>
        {clusters.length > 1 && (
          <Field label="Network">
            <Select
              onChange={(event) => change("cluster", event.target.value)}
              options={clusters.map(({ name, label }) => ({ value: name, label }))}
              value={cluster?.name}
            />
          </Field>
        )}
      </header>
      {cluster === undefined ? (
        <EmptyState action={<LinkButton to="/">See the runs</LinkButton>} title="This page knows no chain">
          Rewards are paid on a chain, and config.json beside this page names none.
        </EmptyState>
      ) : owner === null ? (
        <EmptyState
          action={
            <Button busy={status === "connecting" || status === "loading"} onClick={open} variant="primary">
              Connect wallet
            </Button>
          }
          title="Whose rewards?"
        >
          Connect the wallet that owns the machines, or look at any wallet below.
        </EmptyState>
      ) : (
        <ChainGate cluster={cluster.name} fallback={<Waiting />} key={`${cluster.name} ${owner}`}>
          <Suspense fallback={<Waiting />}>
            <OwnedRewards isOwn={owner === own} owner={owner} />
          </Suspense>
        </ChainGate>
      )}
      {cluster !== undefined && (
        <LookAt
          key={asked ?? ""}
          onBack={asked !== null && own !== null && asked !== own ? () => change("owner", null) : null}
          onLook={(address) => change("owner", address)}
        />
      )}
    </div>
  );
}

function Waiting() {
  return (
    <div aria-busy="true" aria-label="Reading the rewards" className="space-y-4" role="status">
      <Skeleton className="h-24 w-full" />
      <Skeleton className="h-64 w-full" />
    </div>
  );
}

function LookAt({ onLook, onBack }: { onLook(address: string): void; onBack: (() => void) | null }) {
  const form = useId();
  const [text, setText] = useState("");
  const [error, setError] = useState<string | undefined>();
  const look = (event: FormEvent): void => {
    event.preventDefault();
    const address = text.trim();
    if (looksLikeAddress(address)) return onLook(address);
    setError(
      address === "" ? "Enter an address first." : "That is no address: one has 32 to 44 letters and digits, without 0, O, I and l.",
    );
  };
  return (
    <Card title="Look at another wallet">
      <form className="flex flex-wrap items-end gap-3" id={form} noValidate onSubmit={look}>
        <div className="min-w-0 grow basis-72">
          <Field error={error} hint="Anybody's rewards can be looked at; only their owner can claim them." label="Wallet address">
            <TextInput autoCapitalize="off" onChange={(event) => setText(event.target.value)} value={text} />
          </Field>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button type="submit">Show rewards</Button>
          {onBack !== null && (
            <Button onClick={onBack} variant="ghost">
              Back to my wallet
            </Button>
          )}
        </div>
      </form>
    </Card>
  );
}
