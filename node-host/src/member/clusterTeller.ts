/** The state of the cluster's nodes as a person wants to hear of it: what lasts, once, and that it is over. */
import type { ClusterStatus } from "@starling/sdk/solana/clusterClient";
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
import type { HostLog } from "../events.ts";

/** a node that is slow for a moment is no news */
const LASTS_MS = 5_000;
const ALL_WELL = "the primary RPC answers again, and its websocket is open";

/** Takes every status in. `stop` lets go of what it was about to say. */
export function clusterTeller(log: HostLog): { tell(status: ClusterStatus): void; stop(): void } {
  let said = ALL_WELL;
  let newest = ALL_WELL;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    tell: (status) => {
      newest = clusterSentence(status);
      if (newest === said) return stop();
      // not begun anew: what changes every second would never be told
      timer ??= setTimeout(() => {
        timer = undefined;
        said = newest;
        log({ type: "warning", message: newest });
      }, LASTS_MS).unref();
    },
    stop,
  };
}

function clusterSentence({ url, isPrimary, reason, websocketsOpen, websockets, websocketReasons }: ClusterStatus): string {
  if (url === null) return `no RPC answers (${reason ?? "unknown why"}): it goes on as far as it can without, and asks again`;
  const rpc = isPrimary
    ? "the primary RPC answers"
    : `the primary RPC does not answer (${reason ?? "unknown why"}): goes on over ${hostOf(url)}`;
  if (websocketsOpen === 0 && websockets > 0)
    return `${rpc}; no websocket is open (${websocketReasons.join("; ")}): it asks at intervals instead`;
  return isPrimary ? ALL_WELL : rpc;
}
