/** How a process is told to end: by a signal, by its parent over IPC, or by its parent's death. */
import type { ParentMessage } from "../events.ts";

export interface StopRequest {
  /** aborted at the first request; the reason is a word for the log */
  signal: AbortSignal;
  /** resolves at the first request */
  requested: Promise<string>;
}

/** A second signal ends the process at once. */
export function listenForStop(onMessage: (message: Exclude<ParentMessage, { type: "stop" }>) => void = () => undefined): StopRequest {
  const controller = new AbortController();
  let resolve!: (reason: string) => void;
  const requested = new Promise<string>((r) => (resolve = r));
  const stop = (reason: string) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(reason);
    resolve(reason);
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
  if (process.connected) {
    // an orphan that trains on unseen is worse than one that stops
    process.on("disconnect", () => {
      if (!controller.signal.aborted) stop("its parent is gone");
    });
    process.on("message", (message: ParentMessage) => {
      if (message.type === "stop") {
        if (!controller.signal.aborted) stop("asked by its parent");
      } else onMessage(message);
    });
  }
  return { signal: controller.signal, requested };
}
