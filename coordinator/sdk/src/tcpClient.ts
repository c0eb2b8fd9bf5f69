import type { PeerKey } from "@starling/network";
import { type Clock, systemClock } from "./clock.ts";
import { CoordinatorError } from "./errors.ts";
import { asCoordinatorError, FIRST_BACKOFF_MS, longer, pause } from "./retry.ts";
import { askRunInfo, TcpCoordinator } from "./tcpCoordinator.ts";
import type { TcpCoordinatorOptions } from "./tcpOptions.ts";

/** How long to keep trying for the first contact, unless the caller says otherwise. */
const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;

/**
 * Connects to a coordinator over a network. Resolves once it has answered; afterwards the connection heals itself:
 * with back-off, joining again, and telling nobody anything older than what they know.
 * @throws CoordinatorError `unreachable`, `wrong-run`, `aborted`, `malformed`
 */
export async function connectTcpCoordinator(options: TcpCoordinatorOptions): Promise<TcpCoordinator> {
  const clock = options.clock ?? systemClock();
  const deadlineMs = clock.nowMs() + (options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
  for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = longer(backoffMs)) {
    try {
      return await contact(options, clock);
    } catch (cause) {
      const error = asCoordinatorError(cause, "connecting to the coordinator");
      const retry = (error.code === "unreachable" || error.code === "timeout") && clock.nowMs() + backoffMs < deadlineMs;
      if (!retry) throw error;
      await pause(clock, backoffMs, options.signal);
    }
  }
}

async function contact(options: TcpCoordinatorOptions, clock: Clock): Promise<TcpCoordinator> {
  const { network, coordinator, signal } = options;
  let peer: PeerKey;
  if (typeof coordinator === "string") {
    peer = await network.connectAddress(coordinator, signal);
  } else {
    peer = coordinator.peerId;
    network.pin(coordinator);
    await network.connect(peer, signal);
  }
  const info = await askRunInfo(network, peer, options.requestTimeoutMs, signal);
  if (options.runId !== undefined && options.runId !== info.runId) {
    throw new CoordinatorError("wrong-run", `expected the coordinator of run ${options.runId}, it serves ${info.runId}`);
  }
  return new TcpCoordinator(options, clock, peer, info.runId);
}
