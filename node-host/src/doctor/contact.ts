/** One visit to the coordinator, as a spectator with keys of the moment: several checks look at what it brought. */
import { connect } from "node:net";
import { parseRunConfig, type RunConfig } from "@starling/config";
import { generateKeypair, toMultiaddr } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { connectTcpCoordinator, type CoordinatorPort } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";

const TCP_TIMEOUT_MS = 5_000;
const HELLO_TIMEOUT_MS = 8_000;
const SNAPSHOT_TIMEOUT_MS = 4_000;

export interface Contact {
  /** time to open a TCP connection, ms; null where the address is no plain one */
  tcpMs: number | null;
  runId: string;
  configToml: string;
  /** null: this version does not read it; `configError` says why */
  config: RunConfig | null;
  configError: string | null;
  /** the run's state; null when no snapshot came in time */
  state: { runState: string; epoch: number; step: number; members: number } | null;
  /** this machine's clock minus the coordinator's, ms; null when it did not say */
  clockOffsetMs: number | null;
  /** why no snapshot came */
  refusal: string | null;
}

/** What failed, by how far it came: each has its own remedy. */
export class ContactError extends Error {
  readonly stage: "tcp" | "libp2p";
  readonly systemCode: string;
  constructor(stage: "tcp" | "libp2p", systemCode: string, message: string) {
    super(message);
    this.name = "ContactError";
    this.stage = stage;
    this.systemCode = systemCode;
  }
}

/** Errors: ContactError. */
export async function visitCoordinator(
  serverAddr: string,
  signal: AbortSignal,
  helloTimeoutMs: number = HELLO_TIMEOUT_MS,
): Promise<Contact> {
  const address = toMultiaddr(serverAddr);
  const plain = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(address);
  const tcpMs = plain ? await openTcp(plain[1]!, Number(plain[2]), signal) : null;
  const network = await createNodeNetwork({ seed: crypto.getRandomValues(new Uint8Array(32)), listen: [], onError: () => undefined });
  let coordinator: CoordinatorPort | null = null;
  let refusal: string | null = null;
  const refused = Promise.withResolvers<null>();
  try {
    coordinator = await connectTcpCoordinator({
      network,
      coordinator: address,
      session: generateKeypair(),
      connectTimeoutMs: helloTimeoutMs,
      signal,
      onStatus: ({ error }) => {
        refusal = error?.message ?? refusal;
        if (staleOffsetMs(refusal) !== null) refused.resolve(null);
      },
    });
    const info = await coordinator.runInfo(signal);
    let config: RunConfig | null = null;
    let configError: string | null = null;
    try {
      config = parseRunConfig(info.configToml, { source: "the coordinator's run config" });
    } catch (error) {
      configError = (error as Error).message;
    }
    const first = await Promise.race([firstSnapshot(coordinator), refused.promise]);
    const state = first && Machine.load(first.snapshot.bytes).state();
    return {
      tcpMs,
      runId: info.runId,
      configToml: info.configToml,
      config,
      configError,
      state: state && { runState: state.runState, epoch: state.epoch, step: state.step, members: first!.snapshot.members.length },
      clockOffsetMs: first ? first.atMs - Number(first.snapshot.coordinatorNowMs) : staleOffsetMs(refusal),
      refusal,
    };
  } catch (error) {
    throw new ContactError("libp2p", (error as { code?: string }).code ?? "unknown", (error as Error).message);
  } finally {
    await coordinator?.close();
    await network.stop();
  }
}

/** A coordinator whose clock is far from ours refuses to be watched, and says by how much (ReplayGuard of @starling/network). */
function staleOffsetMs(refusal: string | null): number | null {
  const seconds = /was signed (-?\d+) s from now/.exec(refusal ?? "")?.[1];
  return seconds === undefined ? null : -1000 * Number(seconds);
}

function openTcp(host: string, port: number, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (error: ContactError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error) reject(error);
      else resolve(performance.now() - startedMs);
    };
    const onAbort = (): void => end(new ContactError("tcp", "ABORTED", "the check was ended"));
    const timer = setTimeout(() => end(new ContactError("tcp", "ETIMEDOUT", `${host} port ${port} does not answer`)), TCP_TIMEOUT_MS);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => end(null));
    socket.once("error", (error: NodeJS.ErrnoException) => end(new ContactError("tcp", error.code ?? "unknown", error.message)));
  });
}

async function firstSnapshot(coordinator: CoordinatorPort) {
  type First = { snapshot: Parameters<Parameters<CoordinatorPort["subscribe"]>[0]>[0]; atMs: number };
  const { promise, resolve } = Promise.withResolvers<First | null>();
  const stop = coordinator.subscribe((snapshot) => resolve({ snapshot, atMs: Date.now() }));
  const timer = setTimeout(() => resolve(null), SNAPSHOT_TIMEOUT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    stop();
  }
}
