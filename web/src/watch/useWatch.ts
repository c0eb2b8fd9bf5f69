/** Live runs for React: `useRun` and `useRunList` follow while the component is mounted. */
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { useRuntimeConfig, type RuntimeConfig } from "../lib/runtimeConfig.ts";
import type { RunKey } from "./protocol.ts";
import { type ListState, type RunFeedState, WatchClient, type WatchPort } from "./watchClient.ts";

/** One for the whole page: its Worker outlives a change of routes. */
let shared: { config: RuntimeConfig; client: WatchClient } | null = null;

function clientFor(config: RuntimeConfig): WatchClient {
  if (shared?.config === config) return shared.client;
  shared?.client.close();
  const client = new WatchClient(
    { clusters: config.clusters, coordinators: config.coordinators },
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "starling watch" }) as WatchPort,
  );
  shared = { config, client };
  return client;
}

const OUT_OF_SIGHT_MS = 30_000;

/** Connections of a page that was long out of sight are made anew: the browser may have frozen it. */
function useWake(client: WatchClient): void {
  useEffect(() => {
    let hiddenMs: number | null = document.hidden ? Date.now() : null;
    const onChange = (): void => {
      if (document.hidden) hiddenMs = Date.now();
      else if (hiddenMs !== null && Date.now() - hiddenMs > OUT_OF_SIGHT_MS) client.wake();
      if (!document.hidden) hiddenMs = null;
    };
    // back from the browser's cache of whole pages
    const onShow = (event: PageTransitionEvent): void => {
      if (event.persisted) client.wake();
    };
    document.addEventListener("visibilitychange", onChange);
    addEventListener("pageshow", onShow);
    return () => {
      document.removeEventListener("visibilitychange", onChange);
      removeEventListener("pageshow", onShow);
    };
  }, [client]);
}

export interface LiveRun extends RunFeedState {
  older(): void;
}

export function useRun(source: string, runId: string): LiveRun {
  const client = clientFor(useRuntimeConfig());
  useWake(client);
  const key = useMemo((): RunKey => ({ source, runId }), [source, runId]);
  const subscribe = useCallback((listener: () => void) => client.follow(key, listener), [client, key]);
  const state = useSyncExternalStore(subscribe, () => client.run(key));
  const older = useCallback(() => client.older(key), [client, key]);
  return useMemo(() => ({ ...state, older }), [state, older]);
}

export function useRunList(): ListState {
  const client = clientFor(useRuntimeConfig());
  useWake(client);
  const subscribe = useCallback((listener: () => void) => client.followList(listener), [client]);
  return useSyncExternalStore(subscribe, () => client.list());
}
