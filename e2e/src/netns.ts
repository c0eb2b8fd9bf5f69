/** A network of namespaces whose lines are slow and lossy (netns.py): what peers on the other side of the world are like. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { follow, REPOSITORY } from "./processes.ts";

export interface SlowNetworkOptions {
  nodes: number;
  /** one way, ms */
  delayMs: number;
  /** share of IP packets */
  loss: number;
  seed: number;
}

export interface Carried {
  carried: number;
  lost: number;
  overflow: number;
  mostQueued: number;
}

export interface SlowNetwork {
  /** The command that runs `command` in node `index` (from 0), and the address it has there. */
  place(index: number, command: readonly string[]): { command: string[]; host: string };
  /** Takes it down, after the processes in it have ended. */
  stop(): Promise<Carried>;
}

/** Null when it can be had here, else why not. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun";
  for (const [command, argument] of [
    ["ip", "-V"],
    ["python3", "-V"],
  ]) {
    if (spawnSync(command, [argument]).status !== 0) return `there is no ${command}`;
  }
  return null;
}

/** Errors: when the system refuses, with its words. */
export async function slowNetwork({ nodes, delayMs, loss, seed }: SlowNetworkOptions): Promise<SlowNetwork> {
  const prefix = `starling-${process.pid}`;
  const words = [prefix, nodes, delayMs, loss, seed].map(String);
  const child = spawn("python3", [join(REPOSITORY, "e2e/src/netns.py"), ...words], { stdio: ["pipe", "pipe", "pipe"] });
  const router = follow(child);
  await router.line((line) => line === "ready", 20_000);
  return {
    place: (index, command) => ({
      command: ["ip", "netns", "exec", `${prefix}-${index + 1}`, ...command],
      host: `10.99.0.${index + 1}`,
    }),
    stop: async () => {
      child.stdin.end();
      await router.ended;
      return JSON.parse(router.stdout.at(-1)!) as Carried;
    },
  };
}
