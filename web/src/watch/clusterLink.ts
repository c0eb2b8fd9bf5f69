/** One cluster client and what it says of itself, in the page's words. */
import { ClusterClient, type ClusterStatus } from "@starling/sdk/solana/clusterClient";
import { ClusterClock } from "@starling/sdk/solana/clusterClock";
import { LOCAL_PROGRAMS, type Programs } from "@starling/sdk/solana/pdas";
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
import type { Connection, WatchedCluster } from "./protocol.ts";

export class ClusterLink {
  readonly cluster: WatchedCluster;
  readonly client: ClusterClient;
  readonly clock = new ClusterClock();
  readonly programs: Programs;
  readonly #listeners = new Set<() => void>();
  #heardMs: number | null = null;

  /** @throws ChainError `bad-argument` for urls that are none */
  constructor(cluster: WatchedCluster) {
    this.cluster = cluster;
    this.programs = (cluster.programs as Programs | undefined) ?? LOCAL_PROGRAMS;
    this.client = new ClusterClient({
      ...{ rpcUrls: cluster.rpcUrls, wsUrls: cluster.wsUrls },
      onStatus: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  /** the cluster's clock minus ours, ms */
  offsetMs(): number {
    return Number(this.clock.nowMs()) - Date.now();
  }

  /** An answer, or a change, came. */
  heard(): void {
    this.#heardMs = Date.now();
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  connection(): Connection {
    return connectionOf(this.client.status(), this.cluster.rpcUrls, this.#heardMs);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.client.close();
  }
}

/** `heardMs`: of the last answer; null before the first. Pure. */
export function connectionOf(status: ClusterStatus, rpcUrls: readonly string[], heardMs: number | null): Connection {
  const { url, isPrimary, reason, websocketsOpen, websockets, websocketReasons } = status;
  if (url === null && websocketsOpen === 0) {
    const text = `No RPC node of this cluster answers${reason === null ? "" : `: ${reason}`}. It is asked again without end.`;
    return heardMs === null ? { kind: "connecting", isFailing: true, text } : { kind: "stale", sinceMs: heardMs, text };
  }
  if (heardMs === null) return { kind: "connecting", isFailing: false, text: `asking ${hostOf(rpcUrls[0]!)}` };
  if (url === null)
    return { kind: "live", text: `RPC nodes do not answer (${reason ?? "no reason given"}); changes still come by websocket` };
  if (!isPrimary)
    return { kind: "live", text: `The first RPC node does not answer (${reason ?? "no reason given"}); ${hostOf(url)} is asked instead` };
  const isStarting = websocketReasons.every((one) => one === "not yet open");
  if (websockets > 0 && websocketsOpen === 0 && !isStarting) {
    return { kind: "live", text: `No websocket is open (${websocketReasons.join("; ")}); the run is asked for every 1.5 s` };
  }
  return { kind: "live", text: null };
}
