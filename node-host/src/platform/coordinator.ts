/** This process's connection to the run's coordinator, and what to do when there is none. */
import { toMultiaddr, type PeerNetwork } from "@starling/network";
import { CoordinatorError, connectTcpCoordinator, type CoordinatorPort, type Identity } from "@starling/sdk";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { CoordinatorWatch } from "./coordinatorWatch.ts";

export interface ReachOptions {
  /** HOST:PORT or a multiaddr */
  serverAddr: string;
  /** the plain one: faults are between clients, what the coordinator hears stays whole */
  network: PeerNetwork;
  identity: Identity;
  /** false = it only watches */
  joins: boolean;
  log: HostLog;
  signal: AbortSignal;
}

/** Errors: HostError coordinator-unreachable; CoordinatorError. */
export async function reachCoordinator({ serverAddr, network, identity, joins, log, signal }: ReachOptions): Promise<CoordinatorPort> {
  const watch = new CoordinatorWatch();
  try {
    return await connectTcpCoordinator({
      network,
      coordinator: toMultiaddr(serverAddr),
      session: identity.session,
      ...(joins ? { grant: (runId: string) => identity.grant(runId, Date.now()) } : {}),
      signal,
      onStatus: (status) => {
        const event = watch.next(status);
        if (event) log(event);
      },
    });
  } catch (cause) {
    if (cause instanceof CoordinatorError && cause.code !== "unreachable" && cause.code !== "timeout") throw cause;
    throw new HostError(
      "coordinator-unreachable",
      `no coordinator answers at ${serverAddr}: is "starling server" running there, and is its port open? (${(cause as Error).message})`,
      { cause },
    );
  }
}
