import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import type { Chain } from "@starling/sdk/actions/chain";
import type { ClusterStatus } from "@starling/sdk/solana/clusterClient";
import { use, useMemo, useSyncExternalStore } from "react";
import { ConnectionContext } from "./ChainGate.tsx";
import { requestReview } from "./reviews.ts";
import type { ClusterConnection } from "./types.ts";

export interface ChainHandle {
  /** for reading, and for a single transaction, which is shown before the wallet is asked; several steps go through `useAction` */
  chain: Chain;
  cluster: ClusterConfig;
  /** a sentence; null: right, or not known yet */
  wrongNetwork: string | null;
  status: ClusterStatus;
}

const FOREVER = new AbortController().signal;

export function useConnection(cluster?: string): ClusterConnection {
  const connection = use(ConnectionContext);
  if (connection === null) throw new Error("the chain is only known inside of <ChainGate>");
  if (cluster !== undefined && cluster !== connection.cluster.name)
    throw new Error(`inside of <ChainGate cluster="${connection.cluster.name}">, asked for ${cluster}`);
  return connection;
}

/** Inside of `<ChainGate cluster={cluster}>`. */
export function useChain(cluster?: string): ChainHandle {
  const connection = useConnection(cluster);
  const status = useSyncExternalStore(connection.subscribe, connection.status);
  const wrongNetwork = useSyncExternalStore(connection.subscribe, connection.wrongNetwork);
  const chain = useMemo(
    () => connection.open(FOREVER, (review) => requestReview({ review, network: connection.cluster.label, step: null, signal: FOREVER })),
    [connection],
  );
  return { chain, cluster: connection.cluster, wrongNetwork, status };
}
