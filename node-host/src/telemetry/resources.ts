/** What this process takes of its machine, as an event every 10 s. */
import { readdirSync } from "node:fs";
import type { HostEvent, HostLog } from "../events.ts";
import { watchEventLoop } from "../platform/eventLoopLag.ts";

const EVERY_MS = 10_000;

/** Returns what takes the next sample. */
function resourceSampler(): () => Extract<HostEvent, { type: "resources" }> {
  const lagP99Ms = watchEventLoop();
  return () => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      type: "resources",
      rssBytes: rss,
      heapBytes: heapUsed,
      openFiles: openFiles(),
      cpuSeconds: Math.round((user + system) / 1e4) / 100,
      lagP99Ms: lagP99Ms(),
    };
  };
}

/** Tells `log` every 10 s; returns what ends it. */
export function watchResources(log: HostLog, everyMs: number = EVERY_MS): () => void {
  const sample = resourceSampler();
  const timer = setInterval(() => log(sample()), everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Descriptors of this process; null where the system does not list them. */
function openFiles(): number | null {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one was the listing itself
  } catch {
    return null;
  }
}
