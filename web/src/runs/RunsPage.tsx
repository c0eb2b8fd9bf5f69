/** All runs of all sources, live. */
import { useSearchParams } from "react-router";
import { sourcesOf, useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { Button, classes, EmptyState, Field, LinkButton, Select, Skeleton, TextInput } from "../ui/index.ts";
import { countByFilter, RUN_FILTERS, RUN_ORDERS, type RunFilter, type RunOrder, selectRuns } from "../watch/filters.ts";
import { useRunList } from "../watch/useWatch.ts";
import { ConnectionNote } from "./ConnectionNote.tsx";
import { RunCard } from "./RunCard.tsx";

const FILTER_WORDS: Record<RunFilter, string> = { active: "Active", all: "All", completed: "Completed", paused: "Paused" };
const ORDER_WORDS: Record<RunOrder, string> = {
  activity: "Most active",
  name: "Name",
  newest: "Newest",
  progress: "Progress",
  clients: "Clients",
};

export default function RunsPage() {
  const config = useRuntimeConfig();
  const sources = sourcesOf(config);
  const { runs: bySource, connections } = useRunList();
  const [params, setParams] = useSearchParams();
  const filter = oneOf(RUN_FILTERS, params.get("show")) ?? "active";
  const order = oneOf(RUN_ORDERS, params.get("sort")) ?? "activity";
  const search = params.get("q") ?? "";
  const set = (name: string, value: string, usual: string): void =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === usual) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );

  const all = sources.flatMap(({ name }) => bySource.get(name) ?? []);
  const counts = countByFilter(all);
  const shown = selectRuns(all, filter, order, search);
  const isLoading = sources.some(({ name }) => {
    const connection = connections.get(name);
    return connection === undefined || (connection.kind === "connecting" && !connection.isFailing);
  });
  const labelOf = (source: string): string => sources.find(({ name }) => name === source)?.label ?? source;

  return (
    <div className="space-y-5">
      <header className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl font-semibold">Runs</h1>
        {config.clusters.length > 0 && (
          <LinkButton to="/create" variant="primary">
            Create a run
          </LinkButton>
        )}
      </header>
      <div className="flex flex-wrap items-end justify-between gap-x-4 gap-y-3">
        <div aria-label="Which runs" className="flex flex-wrap gap-1 rounded-lg border border-line bg-surface p-1" role="group">
          {RUN_FILTERS.map((name) => (
            <button
              aria-pressed={filter === name}
              className={classes(
                "min-h-8 rounded-md px-3 text-sm font-medium transition-colors pointer-coarse:min-h-11",
                filter === name ? "bg-accent-soft text-accent" : "text-muted hover:bg-line/60 hover:text-text",
              )}
              key={name}
              onClick={() => set("show", name, "active")}
              type="button"
            >
              {FILTER_WORDS[name]} <span className="tabular font-normal">{counts[name]}</span>
            </button>
          ))}
        </div>
        <div className="flex grow flex-wrap items-end gap-3 sm:grow-0">
          <Field className="grow sm:w-56" label="Search">
            <TextInput
              onChange={(event) => set("q", event.target.value, "")}
              placeholder="name, id or network"
              type="search"
              value={search}
            />
          </Field>
          <Field className="w-36 grow sm:grow-0" label="Sort by">
            <Select
              onChange={(event) => set("sort", event.target.value, "activity")}
              options={RUN_ORDERS.map((value) => ({ value, label: ORDER_WORDS[value] }))}
              value={order}
            />
          </Field>
        </div>
      </div>
      <div className="space-y-2">
        {sources.map(({ name, label }) => {
          const connection = connections.get(name);
          if (connection === undefined) return null;
          const hasData = (bySource.get(name)?.length ?? 0) > 0;
          return <ConnectionNote connection={connection} hasData={hasData} key={name} label={label} />;
        })}
      </div>
      <p aria-live="polite" className="sr-only">
        {isLoading ? "Looking for runs" : `${shown.length} of ${all.length} runs shown`}
      </p>
      {shown.length > 0 ? (
        <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          {shown.map((run) => (
            <li className="min-w-0" key={`${run.key.source}/${run.key.runId}`}>
              <RunCard connection={connections.get(run.key.source)} run={run} sourceLabel={labelOf(run.key.source)} />
            </li>
          ))}
        </ul>
      ) : sources.length === 0 ? (
        <EmptyState title="No network is configured">
          The config.json beside this page names neither a cluster nor a coordinator, so there is nothing to look at.
        </EmptyState>
      ) : isLoading ? (
        <div aria-busy="true" className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          <Skeleton className="h-48 w-full" />
          <Skeleton className="h-48 w-full" />
          <Skeleton className="h-48 w-full" />
        </div>
      ) : all.length === 0 && !sources.some(({ name }) => connections.get(name)?.kind === "live") ? (
        <EmptyState title="No run can be shown now">What is wrong stands above. The page goes on trying by itself.</EmptyState>
      ) : all.length === 0 ? (
        <EmptyState
          action={
            config.clusters.length > 0 && (
              <LinkButton to="/create" variant="primary">
                Create the first
              </LinkButton>
            )
          }
          title="There is no run yet"
        >
          As soon as somebody creates one it shows up here by itself.
        </EmptyState>
      ) : (
        <EmptyState
          action={<Button onClick={() => setParams({ show: "all" }, { replace: true })}>Show all {all.length}</Button>}
          title={search === "" ? `No ${FILTER_WORDS[filter].toLowerCase()} run` : `Nothing found for "${search}"`}
        >
          {counts.all} {counts.all === 1 ? "run is" : "runs are"} known, {counts.active} of them active.
        </EmptyState>
      )}
    </div>
  );
}

function oneOf<T extends string>(values: readonly T[], value: string | null): T | null {
  return values.find((one) => one === value) ?? null;
}
