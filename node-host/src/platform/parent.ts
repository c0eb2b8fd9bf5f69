/** How a process is told to end: by a signal, by its parent over IPC, or by its parent's death. */
import type { ParentMessage } from "../events.ts";

export interface StopRequest {
  /** aborted at the first request; the reason is a word for the log */
  signal: AbortSignal;
  /** resolves at the first request */
  requested: Promise<string>;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A second signal ends the process at once. */
export function listenForStop(onMessage: (message: Exclude<ParentMessage, { type: "stop" }>) => void = () => undefined): StopRequest {
  const controller = new AbortController();
  let resolve!: (reason: string) => void;
  const requested = new Promise<string>((r) => (resolve = r));
  const stop = (reason: string) => {
    if (controller.signal.aborted) return;
    controller.abort(reason);
    resolve(reason);
  };
  for (const signal of SIGNALS) process.on(signal, () => (controller.signal.aborted ? endNow(signal) : stop(signal)));
  if (process.connected) {
    // an orphan that trains on unseen is worse than one that stops
    process.on("disconnect", () => stop("its parent is gone"));
    process.on("message", (message: ParentMessage) => {
      if (message.type === "stop") stop("asked by its parent");
      else onMessage(message);
    });
  }
  return { signal: controller.signal, requested };
}

const beforeEnd = new Set<() => void>();

/** Calls `listener` right before `endNow` does its work, which leaves time for nothing asynchronous. Returns how to forget it. */
export function onEndNow(listener: () => void): () => void {
  beforeEnd.add(listener);
  return () => beforeEnd.delete(listener);
}

/**
 * Ends this process by the signal itself. `process.exit` would first wait for the engine's thread to come back from the
 * driver, which takes a minute while a software adapter compiles.
 */
export function endNow(signal: NodeJS.Signals): void {
  for (const listener of beforeEnd) listener();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** The signal in a stop's reason; SIGTERM where it was no signal that asked. */
export function signalOf(reason: string): NodeJS.Signals {
  return SIGNALS.find((signal) => signal === reason) ?? "SIGTERM";
}
