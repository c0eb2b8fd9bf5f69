/**
 * One run of clients of several MatFormer tiers: a local testnet of tiers 0, 1 and 2 that hold the whole model, and a client of tier 2
 * that holds its part alone. Then the checkpoint's tiers are written.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { processesWith, REPOSITORY, starling, type Running } from "./src/processes.ts";

/** On two cores, four clients on software adapters; a stop for a run that hangs, not a measure of speed. */
const LIMIT_MS = 240_000;

type HostLine = {
  type: string;
  matformer?: { tier: number; sliced: boolean; neurons: number; ofNeurons: number };
  event?: { type: string; epoch: number; step: number };
};

let cwd: string;
const processes: Running[] = [];

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "starling-matformer-"));
  cpSync(join(REPOSITORY, "config/data/shakespeare"), join(cwd, "data"), { recursive: true });
  // 64 neurons in tiles of 16: widths 64, 32 and 16
  const config = readFileSync(join(REPOSITORY, "config/runs/test/config.toml"), "utf8")
    .replace(/compression_chunk = \d+/, "compression_chunk = 16")
    .replace(/rounds_per_epoch = \d+/, "rounds_per_epoch = 4")
    .replace(/warmup_time = \d+/, "warmup_time = 60")
    .replace(/Local = "[^"]*"/, 'Local = "data/train"');
  writeFileSync(join(cwd, "config.toml"), config);
});
afterAll(async () => {
  for (const { process: child } of processes) child.kill("SIGKILL");
  await Promise.all(processes.map(({ ended }) => ended));
  rmSync(cwd, { recursive: true, force: true });
});

function start(args: readonly string[]): Running {
  const running = starling(args, { cwd });
  processes.push(running);
  return running;
}

const linesOf = (client: Running): HostLine[] =>
  client.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as HostLine);
const told = (client: Running, type: string) => linesOf(client).flatMap(({ event }) => (event?.type === type ? [event] : []));

it(
  "trains, agrees on every epoch's parameters, and keeps the part of who holds no more in step",
  async () => {
    const testnet = start([
      ...["local-testnet", "start", "--num-clients", "3", "--client-matformer-tiers", "0,1,2", "--client-device", "software"],
      ...["--config-path", cwd, "--server-port", "0", "--web-port", "none", "--tui", "false"],
    ]);
    const address = /coordinator at ([^,]+),/.exec(await testnet.line((line) => line.includes("coordinator at "), 60_000))![1];
    const sliced = start([
      ...["client", "--server-addr", address, "--data-dir", cwd, "--device", "software", "--logs", "json"],
      ...["--matformer-tier", "2", "--matformer-load-strategy", "sliced", "--checkpoint-dir", join(cwd, "sliced")],
    ]);
    await testnet.line(
      (line) => line.includes("client-3 ready") && line.includes("tier 2: trains 16 of 64 neurons a layer, holds all"),
      LIMIT_MS,
    );
    // it may be ready after the first epoch has begun: the second one with it begins from parameters that others agreed on
    const begun = new Set<number>();
    await sliced.line((line) => {
      if (!line.startsWith("{")) return false;
      const { event } = JSON.parse(line) as HostLine;
      if (event?.type === "epochReady") begun.add(event.epoch);
      return begun.size >= 2 && event?.type === "trained";
    }, LIMIT_MS);
    expect(linesOf(sliced).find(({ type }) => type === "engine")?.matformer).toEqual({ tier: 2, sliced: true, neurons: 16, ofNeurons: 64 });
    // once at most, where it came late: from then on its part was that of the agreed model every time
    expect(told(sliced, "resync").length).toBeLessThanOrEqual(1);
    expect(told(sliced, "stranded")).toEqual([]);
    expect(told(sliced, "parameterHash")).toEqual([]);
    expect(told(sliced, "epochModel")).toEqual([]);
    expect(existsSync(join(cwd, "sliced", "test-step1"))).toBe(false);

    testnet.process.kill("SIGINT");
    await testnet.ended;
    expect(testnet.stdout.concat(testnet.stderr).filter((line) => /replaces them/.test(line)).length).toBeLessThanOrEqual(2);
    const last = testnet.stdout.at(-1)!;
    expect(last).toMatch(/^checkpoint: /);
    sliced.process.kill("SIGINT");
    await sliced.ended;

    const checkpoint = last.slice("checkpoint: ".length);
    const exported = start([
      ...["export-matformer-tiers", "--checkpoint", checkpoint, "--tiers", "1,2", "--out", cwd],
      ...["--compression-chunk", "16", "--json"],
    ]);
    expect((await exported.ended).code, exported.stderr.join("\n")).toBe(0);
    const { tiers } = JSON.parse(exported.stdout.join("\n")) as { tiers: { path: string; intermediateSize: number; notForRuns: null }[] };
    expect(tiers.map(({ intermediateSize, notForRuns }) => [intermediateSize, notForRuns])).toEqual([
      [32, null],
      [16, null],
    ]);
    const manifest = JSON.parse(readFileSync(join(tiers[1].path, "matformer_manifest.json"), "utf8")) as Record<string, unknown>;
    const state = JSON.parse(readFileSync(join(checkpoint, "starling.json"), "utf8")) as { parameter_hash: string };
    expect(manifest["base_parameter_hash"]).toBe(state.parameter_hash);
    expect(await processesWith(cwd)).toEqual([]);
  },
  3 * LIMIT_MS,
);

it("refuses tiers that the model cannot have, with the reason", async () => {
  const run = start(["local-testnet", "start", "--num-clients", "3", "--config-path", "test", "--client-matformer-tiers", "0,2"]);
  expect((await run.ended).code).toBe(2);
  expect(run.stderr.join("\n")).toMatch(/--client-matformer-tiers 2: MatFormer tier 2: .*64 neurons .*tiles of 32.*tiles of 16/);
});
