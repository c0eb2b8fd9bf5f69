/** This process's connection to the run's coordinator, and what to do when there is none. */
import { toMultiaddr, type PeerNetwork } from "@starling/network";
import { CoordinatorError, connectTcpCoordinator, type ConnectionStatus, type CoordinatorPort, type Identity } from "@starling/sdk";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { CoordinatorWatch } from "./coordinatorWatch.ts";

const STILL_MS = 5_000;

export interface ReachOptions {
  /** HOST:PORT or a multiaddr */
  serverAddr: string;
  /** the plain one: faults are between clients, what the coordinator hears stays whole */
  network: PeerNetwork;
  identity: Identity;
  /** keeps the identity, so that it can join with a fresh reveal chain when one is spent; null = it only watches */
  joins: { save: () => void } | null;
  log: HostLog;
  signal: AbortSignal;
}

/** Takes every status of a connection and tells what a person wants to hear of it, until `signal` aborts. */
export function statusTeller(log: HostLog, signal: AbortSignal): (status: ConnectionStatus) => void {
  const watch = new CoordinatorWatch();
  let still: NodeJS.Timeout | undefined;
  const tell = (status: ConnectionStatus): void => {
    const event = watch.next(status);
    if (event) log(event);
    // a status comes once: how long it lasts is for us to say
    clearTimeout(still);
    if (!status.connected && !signal.aborted) still = setTimeout(() => tell(status), STILL_MS).unref();
  };
  signal.addEventListener("abort", () => clearTimeout(still), { once: true });
  return tell;
}

/** Errors: HostError coordinator-unreachable; CoordinatorError. */
export async function reachCoordinator({ serverAddr, network, identity, joins, log, signal }: ReachOptions): Promise<CoordinatorPort> {
  try {
    return await connectTcpCoordinator({
      network,
      coordinator: toMultiaddr(serverAddr),
      session: identity.session,
      ...(joins ? { grant: (runId: string) => identity.grant(runId, Date.now()), chain: { identity, save: joins.save } } : {}),
      signal,
      onStatus: statusTeller(log, signal),
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
