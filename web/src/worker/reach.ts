/** The two ways to a run: a TCP coordinator's WebSocket, or the programs on a cluster. */
import { address } from "@solana/kit";
import type { PeerNetwork } from "@starling/network";
import {
  connectTcpCoordinator,
  isFinalRefusal,
  type ChainRenewal,
  type ConnectionStatus,
  type CoordinatorPort,
  type Snapshot,
} from "@starling/sdk";
import type { TransactionSigner } from "@solana/kit";
import type { TrainSource } from "./protocol.ts";
import { TabError } from "./failure.ts";

export interface Reached {
  coordinator: CoordinatorPort & { checkpoint?(location: string, parameterHash: Uint8Array, signal?: AbortSignal): Promise<void> };
  /** after everything else was closed */
  close(): Promise<void>;
}

export interface ReachOptions {
  source: TrainSource;
  network: PeerNetwork;
  keys: ChainRenewal;
  /** null without a cluster */
  session: TransactionSigner | null;
  signal: AbortSignal;
  onConnection(text: string | null): void;
  /** it will never be a member again */
  onRefused(text: string): void;
}

/** Errors: CoordinatorError, ChainError. */
export async function reach({ source, network, keys, session, signal, onConnection, onRefused }: ReachOptions): Promise<Reached> {
  const onStatus = ({ connected, error }: ConnectionStatus): void => {
    if (error !== null && isFinalRefusal(error)) onRefused(error.message);
    onConnection(error !== null ? error.message : connected ? null : "the coordinator is out of reach");
  };
  if (source.kind === "tcp") {
    const { identity } = keys;
    const coordinator = await connectTcpCoordinator({
      ...{ network, coordinator: source.address, session: identity.session, chain: keys, signal, onStatus },
      grant: (runId) => identity.grant(runId, Date.now()),
    });
    return { coordinator, close: async () => undefined };
  }
  if (session === null) throw new TabError("internal", "a run on a cluster needs a session key that signs transactions");
  // a tab at a TCP coordinator does not load a chain's client
  const [{ ClusterClient }, { connectSolanaCoordinator }, { LOCAL_PROGRAMS }] = await Promise.all([
    import("@starling/sdk/solana/clusterClient"),
    import("@starling/sdk/solana/solanaCoordinator"),
    import("@starling/sdk/solana/pdas"),
  ]);
  const { rpcUrls, wsUrls, runId, programs, authorizer } = source;
  const client = new ClusterClient({ rpcUrls, wsUrls });
  try {
    const coordinator = await connectSolanaCoordinator({
      ...{ client, runId, session, chain: keys, signal, onStatus },
      programs: programs
        ? { coordinator: address(programs.coordinator), authorizer: address(programs.authorizer), treasurer: address(programs.treasurer) }
        : LOCAL_PROGRAMS,
      ...(authorizer !== undefined && { authorizer: address(authorizer) }),
    });
    return { coordinator, close: () => client.close() };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The first snapshot. Errors: `signal`'s reason. */
export function firstSnapshot(coordinator: CoordinatorPort, signal: AbortSignal): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    let undo: (() => void) | null = null;
    const done = (snapshot: Snapshot): void => {
      signal.removeEventListener("abort", onAbort);
      queueMicrotask(() => undo?.());
      resolve(snapshot);
    };
    undo = coordinator.subscribe(done);
  });
}
