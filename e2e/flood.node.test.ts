/**
 * A run of three clients, separate processes, flooded from one host with 1,000 connections and 10,000 messages a second, by
 * strangers and by a member turned bad: rounds go on, nobody honest is cut off, and what the flood took is given back. The figures are
 * printed; the flooder runs at nice 19, as on two cores it would otherwise take the clients' CPU rather than their network.
 * `STARLING_FLOOD_S=120` makes it long, `STARLING_FLOOD_NICE=0` makes it harder.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gossipTopic } from "@starling/trainer-core/protocol/messages";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LiveRun, median, type Node } from "./src/liveRun.ts";
import { follow, REPOSITORY } from "./src/processes.ts";

const FLOOD_S = Number(process.env["STARLING_FLOOD_S"] ?? 6);
const NICE = process.env["STARLING_FLOOD_NICE"] ?? "19";
const BEFORE_S = Math.max(4, FLOOD_S / 4);
const CONNECTIONS = 1000;
const MESSAGES_PER_SECOND = 10_000;

interface Resources {
  rssMiB: number;
  fds: number;
  cpuSeconds: number;
}

function resourcesOf(node: Node): Resources {
  const { pid } = node.running.process;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024,
    fds: readdirSync(`/proc/${pid}/fd`).length,
    cpuSeconds: cpuSecondsOf(pid!),
  };
}

/** Of all threads, in ticks of 10 ms (proc(5), fields 14 and 15). */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

describe("a flood from one host", () => {
  const run = new LiveRun({
    clients: 3,
    config: {
      rounds_per_epoch: 4000,
      epoch_time: 3600,
      warmup_time: 60,
      init_min_clients: 3,
      max_round_train_time: 15,
      round_witness_time: 15,
    },
  });
  beforeAll(async () => {
    await run.start();
    await run.until(
      "rounds of all three",
      300_000,
      () => run.server.phases.filter(({ runState, live }) => runState === "RoundTrain" && live === 3).length > 8,
    );
  }, 330_000);
  afterAll(() => run.stop());

  /** ms of the rounds that began in the window */
  function roundsBetween(fromMs: number, toMs: number): number[] {
    const begins = run.server.phases.filter(({ runState }) => runState === "RoundTrain");
    return begins.slice(1).flatMap(({ atMs }, i) => (begins[i].atMs >= fromMs && begins[i].atMs < toMs ? [atMs - begins[i].atMs] : []));
  }

  it("costs the run little", { timeout: 1000 * (BEFORE_S + 2 * FLOOD_S) + 400_000 }, async () => {
    const nodes = [run.server, ...run.clients];
    const addressOf = (node: Node): string =>
      ((node.of("listening")[0] ?? node.of("starting")[0])["multiaddrs"] as string[]).find((address) => !address.includes("/ws"))!;
    const beforeMs = Date.now();
    const atStart = nodes.map(resourcesOf);
    await sleep(BEFORE_S * 1000);
    const before = nodes.map(resourcesOf);

    const options = {
      clients: run.clients.map(addressOf),
      coordinator: addressOf(run.server),
      runId: "test",
      topic: gossipTopic("test"),
      seconds: FLOOD_S,
      connections: CONNECTIONS,
      messagesPerSecond: MESSAGES_PER_SECOND,
    };
    const flooder = follow(
      spawn(
        "nice",
        [
          "-n",
          NICE,
          process.execPath,
          "--disable-warning=ExperimentalWarning",
          join(REPOSITORY, "e2e/src/flood.ts"),
          JSON.stringify(options),
        ],
        {
          stdio: ["ignore", "pipe", "pipe"],
        },
      ),
    );
    const { member } = JSON.parse(await flooder.line((line) => line.includes('"flooding"'), 120_000)) as { member: string };
    const floodMs = Date.now();
    const atFlood = nodes.map(resourcesOf);
    const peak = before.map((each) => ({ ...each }));
    let flooderCpuSeconds = 0;
    const over = flooder.ended.then(() => true);
    while (!(await Promise.race([over, sleep(200, false)]))) {
      for (const [i, node] of nodes.entries()) {
        const now = resourcesOf(node);
        peak[i] = { rssMiB: Math.max(peak[i].rssMiB, now.rssMiB), fds: Math.max(peak[i].fds, now.fds), cpuSeconds: now.cpuSeconds };
      }
      if (flooder.process.exitCode === null) flooderCpuSeconds = cpuSecondsOf(flooder.process.pid!);
    }
    const endMs = Date.now();
    expect((await flooder.ended).code, flooder.stderr.join("\n")).toBe(0);
    const flooded = JSON.parse(flooder.stdout.at(-1)!) as Record<string, number>;
    await run.until("file descriptors are given back", 90_000, () => nodes.every((node, i) => resourcesOf(node).fds <= before[i].fds + 2));
    const after = nodes.map(resourcesOf);

    const quiet = roundsBetween(beforeMs, floodMs - 1000);
    const during = roundsBetween(floodMs, endMs);
    const offered = (flooded["gossipFrames"] + flooded["junkFrames"] + flooded["calls"]) / FLOOD_S;
    console.log(`flood: ${JSON.stringify(flooded)}, ${offered.toFixed(0)} messages/s, ${flooderCpuSeconds} s of CPU`);
    console.log(
      `round: ${median(quiet)} ms before (${quiet.length} rounds), ${median(during)} ms during (${during.length} rounds), ratio ${(median(during) / median(quiet)).toFixed(2)}`,
    );
    for (const [i, node] of nodes.entries()) {
      const of = (each: Resources): string => `${each.rssMiB.toFixed(0)} MiB ${each.fds} fds`;
      const share = (from: Resources, to: Resources, ms: number): string =>
        `${((100_000 * (to.cpuSeconds - from.cpuSeconds)) / ms).toFixed(0)} %`;
      const cpu = `CPU ${share(atStart[i], before[i], BEFORE_S * 1000)} of a core before, ${share(atFlood[i], peak[i], endMs - floodMs)} during`;
      console.log(`${node.name}: before ${of(before[i])}, peak ${of(peak[i])}, after ${of(after[i])}; ${cpu}`);
    }

    const roundsSince = (): number => run.server.phases.filter(({ runState, atMs }) => runState === "RoundTrain" && atMs > floodMs).length;
    await run.until("rounds go on", 120_000, () => roundsSince() > 2);
    // 1,000 connections and their buffers, not everything that was sent
    for (const [i] of nodes.entries()) expect(peak[i].rssMiB - before[i].rssMiB).toBeLessThan(300);
    const { different, steps } = run.equalSteps();
    expect(different).toEqual([]);
    expect(steps.length).toBeGreaterThan(8);
    for (const node of nodes) {
      expect(node.ended).toBe(false);
      // Nobody honest is held to have flooded: only strangers, by their address, and the bad member.
      for (const line of node.of("limit")) {
        const blamed = String(line["who"]);
        for (const { self } of honest(run.clients)) expect(blamed).not.toContain(self.slice(0, 8));
      }
    }
    expect(member).toMatch(/^[0-9a-f]{64}$/);
    for (const client of run.clients) expect(client.told("stranded")).toEqual([]);
    expect(run.server.phases.at(-1)!.live).toBe(3);
  });
});

function honest(clients: readonly Node[]): { self: string }[] {
  return clients.map((node) => ({ self: String(node.of("starting")[0]["peerId"]) }));
}
