/** Everything of kit and the SDK that an action needs: a chunk of its own, loaded with the first page that reads or signs. */
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { Chain, readAddress } from "@starling/sdk/actions/chain";
import { ClusterClient, type ClusterStatus } from "@starling/sdk/solana/clusterClient";
import { LOCAL_PROGRAMS, type Programs } from "@starling/sdk/solana/pdas";
import { PageError } from "../lib/pageError.ts";
import type { ClusterConnection } from "./types.ts";

const open = new Map<string, ClusterConnection>();

/** The connection to a cluster: the same one for every caller. */
export function connectCluster(cluster: ClusterConfig): ClusterConnection {
  const found = open.get(cluster.name);
  if (found !== undefined) return found;
  const connection = connect(cluster);
  open.set(cluster.name, connection);
  return connection;
}

function programsOf({ programs }: ClusterConfig): Programs {
  if (programs === undefined) return LOCAL_PROGRAMS;
  const { coordinator, authorizer, treasurer } = programs;
  return {
    coordinator: readAddress(coordinator, "the coordinator program in config.json"),
    authorizer: readAddress(authorizer, "the authorizer program in config.json"),
    treasurer: readAddress(treasurer, "the treasurer program in config.json"),
  };
}

function connect(cluster: ClusterConfig): ClusterConnection {
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const programs = programsOf(cluster);
  const client = new ClusterClient({
    rpcUrls: cluster.rpcUrls,
    wsUrls: cluster.wsUrls,
    onStatus: (next) => {
      status = next;
      tell();
    },
  });
  let status: ClusterStatus = client.status();
  let wrong: string | null = null;
  let checked = cluster.genesisHash === undefined;

  /** A node is asked once; where it does not answer, again with the next action. */
  async function check(signal: AbortSignal): Promise<void> {
    if (checked) return;
    const answer = await client.pool.call("getGenesisHash", [], signal);
    checked = true;
    if (answer === cluster.genesisHash) return;
    wrong = `The node of ${cluster.label} answers for another network: this page expects the one with genesis hash ${cluster.genesisHash}, the node has ${String(answer).slice(0, 44)}.`;
    tell();
  }
  // told early, so that nobody fills a form for nothing; a silent node says so by its status
  void check(new AbortController().signal).catch(() => {});

  return {
    cluster,
    open: (signal, review) => new Chain({ client, programs, signal, review }),
    status: () => status,
    wrongNetwork: () => wrong,
    requireRightNetwork: async (signal) => {
      await check(signal);
      if (wrong !== null) throw new PageError("wrong-network", wrong);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
