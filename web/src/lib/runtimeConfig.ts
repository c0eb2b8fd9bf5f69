/** The page's run-time configuration: read once, before anything else is shown. */
import { readRuntimeConfig, type ClusterConfig, type CoordinatorConfig, type RuntimeConfig } from "@starling/config/page/runtimeConfig";
import { createContext, use } from "react";

export type { ClusterConfig, CoordinatorConfig, RuntimeConfig };

/** Reads config.json beside the page. Errors: one sentence each for "not there", "not JSON" and ConfigError for its content. */
export async function loadRuntimeConfig(signal: AbortSignal): Promise<RuntimeConfig> {
  const response = await fetch(new URL("config.json", document.baseURI), { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`There is no config.json beside this page to name the networks it looks at (HTTP ${response.status}).`);
  let parsed: unknown;
  try {
    parsed = await response.json();
  } catch (cause) {
    throw new Error("The config.json beside this page is not JSON.", { cause });
  }
  return readRuntimeConfig(parsed);
}

export const RuntimeConfigContext = createContext<RuntimeConfig | null>(null);

export function useRuntimeConfig(): RuntimeConfig {
  const config = use(RuntimeConfigContext);
  if (config === null) throw new Error("useRuntimeConfig outside of App");
  return config;
}

/** What `:source` of an address means. */
export type Source =
  | { kind: "chain"; name: string; label: string; cluster: ClusterConfig }
  | { kind: "tcp"; name: string; label: string; coordinator: CoordinatorConfig };

/** Every source in the order in which the page lists them; `name` is what stands in addresses: a cluster's name or tcp-0, tcp-1 ... */
export function sourcesOf(config: RuntimeConfig): Source[] {
  return [
    ...config.coordinators.map((coordinator, i): Source => ({ kind: "tcp", name: `tcp-${i}`, label: coordinator.label, coordinator })),
    ...config.clusters.map((cluster): Source => ({ kind: "chain", name: cluster.name, label: cluster.label, cluster })),
  ];
}

/** null: config.json knows no such source */
export function findSource(config: RuntimeConfig, name: string | undefined): Source | null {
  return sourcesOf(config).find((source) => source.name === name) ?? null;
}
