/**
 * `bench tab`: the same engine steps by a tab's Worker in Chromium and by a daemon's engine thread in Node, in turn, on the same software
 * adapter (Chromium's, so that what differs is the host), and what a tab's training does to the thread that draws its page.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineOptions, type OptionsOf } from "@starling/config";
import { RemoteEngine } from "@starling/node-host/engine/remoteEngine";
import { useBundledSoftwareDriver, useSoftwareDriverOf } from "@starling/trainer-core/device/dawn.node";
import { build } from "vite";
import { findChromium, launchChromium } from "../../e2e/src/chromium.ts";
import { serveSite } from "../../e2e/src/site.ts";
import { median } from "./statistics.ts";
import type { BenchRound, FromBenchWorker, ToBenchWorker } from "./tab/messages.ts";
import { BenchRounds } from "./tab/rounds.ts";
import { benchTrainOptions } from "./train.ts";
import { loadWorkload, type Workload } from "./workload.ts";

const { configPath, clients, microBatchSize, json } = benchTrainOptions.specs;

export const benchTabOptions = defineOptions({
  configPath,
  clients,
  microBatchSize,
  rounds: { ...benchTrainOptions.specs.rounds, default: 10, doc: "Rounds of one run." },
  runs: {
    type: "integer",
    unit: "runs",
    min: 1,
    max: 100,
    default: 5,
    env: null,
    doc: "Runs of each, in turn; the ratio is their median.",
  },
  portion: {
    type: "number",
    unit: "ms",
    min: 0,
    max: 10_000,
    default: 20,
    env: null,
    doc: "What one submit of the tab may take, as on the page; 0 = no portions.",
  },
  json,
});

export interface TabReport {
  bench: "tab";
  adapter: { tab: string; node: string };
  loadAverage: { start: number; end: number };
  run: string;
  microBatchSequences: number;
  batchTokens: number;
  rounds: number;
  tokensPerSecond: { tab: number[]; node: number[] };
  /** tab over Node, median over pairs of runs in turn */
  ratio: number;
  longestDispatch: { label: string; ms: number };
  longestPortionMs: number;
  /** of the page's own thread while its Worker trained; 0: none over 50 ms */
  longestPageTaskMs: number;
  parametersEqual: boolean;
}

/** Measures and prints. Errors: ConfigError, TrainError, HostError; an Error where there is no Chromium. */
export async function benchTab(options: OptionsOf<typeof benchTabOptions>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "starling-bench-tab-"));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    await benchIn(folder, options, undo);
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

/** `undo`: what ends the things it starts, in their order. */
async function benchIn(folder: string, options: OptionsOf<typeof benchTabOptions>, undo: (() => unknown)[]): Promise<void> {
  const { rounds, runs } = options;
  const workload = loadWorkload(options.configPath, options.clients, options.microBatchSize);
  const start = loadavg()[0];
  const outDir = join(folder, "page");
  await build({
    configFile: false,
    root: join(dirname(fileURLToPath(import.meta.url)), "tab"),
    base: "./",
    logLevel: "warn",
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2024", chunkSizeWarningLimit: 10_000 },
  });
  const site = await serveSite({ "/": outDir });
  undo.push(() => site.close());
  const { path: chromiumPath } = await findChromium();
  const browser = await launchChromium();
  undo.push(() => browser.close());
  // Debian keeps what its /usr/bin/chromium starts elsewhere
  const isShared = [dirname(chromiumPath), "/usr/lib/chromium"].some(useSoftwareDriverOf);
  if (!isShared) useBundledSoftwareDriver();
  const node = await RemoteEngine.create({
    runConfig: workload.runConfig,
    plan: workload.plan,
    settings: { profile: "software", microBatchSequences: workload.microBatchSequences },
  });
  undo.push(() => node.stop());
  const page = await browser.newPage();
  await page.goto(`${site.url}/`);
  const ask = async (request: ToBenchWorker): Promise<FromBenchWorker> => {
    const plain: unknown =
      request.type === "run"
        ? { ...request, rounds: request.rounds.map((r) => ({ ...r, sequences: r.sequences.map((s) => [...s]) })) }
        : request;
    const answer = await page.evaluate(
      (message) => (globalThis as unknown as { bench: { ask(m: unknown): Promise<FromBenchWorker> } }).bench.ask(message),
      plain,
    );
    if (answer.type === "failed") throw new Error(`the tab: ${answer.message}`);
    return answer;
  };
  const created = await ask({
    type: "create",
    runConfig: workload.runConfig,
    profile: "software",
    microBatchSequences: workload.microBatchSequences,
    portionMs: options.portion === 0 ? null : options.portion,
    clients: options.clients,
  });
  if (created.type !== "created") throw new Error(`the tab answered ${created.type}`);
  const nodeRounds = new BenchRounds(node, workload.plan, options.clients);
  let next = 0;
  const tokensPerSecond: TabReport["tokensPerSecond"] = { tab: [], node: [] };
  let longestPortionMs = 0;
  let parametersEqual = true;
  const batchTokens = workload.batchSequences * workload.plan.sequenceTokens;
  await page.evaluate(() => (globalThis as unknown as { bench: { forget(): void } }).bench.forget());
  // the first one warms up: code is compiled, staging buffers are made
  for (let run = 0; run <= runs; run++) {
    const work = await roundsOf(workload, next, run === 0 ? Math.max(2, options.clients) : rounds);
    next += work.length;
    const both = {
      tab: async () => {
        const ran = await ask({ type: "run", rounds: work });
        if (ran.type !== "ran") throw new Error(`the tab answered ${ran.type}`);
        if (run > 0) longestPortionMs = Math.max(longestPortionMs, ran.longestPortionMs);
        return ran;
      },
      node: () => nodeRounds.run(work),
    };
    const hashes: string[] = [];
    for (const side of run % 2 === 0 ? (["tab", "node"] as const) : (["node", "tab"] as const)) {
      const { ms, parameterHash } = await both[side]();
      hashes.push(parameterHash);
      if (run > 0) tokensPerSecond[side].push((work.length * batchTokens) / (ms / 1000));
    }
    parametersEqual &&= hashes[0] === hashes[1];
  }
  const report: TabReport = {
    bench: "tab",
    adapter: { tab: created.adapter, node: node.adapter },
    loadAverage: { start, end: loadavg()[0] },
    run: workload.runId,
    microBatchSequences: created.microBatchSequences,
    batchTokens,
    rounds,
    tokensPerSecond,
    ratio: median(tokensPerSecond.tab.map((value, n) => value / tokensPerSecond.node[n])),
    longestDispatch: created.longestDispatch,
    longestPortionMs,
    longestPageTaskMs: await page.evaluate(() => (globalThis as unknown as { bench: { longestTaskMs(): number } }).bench.longestTaskMs()),
    parametersEqual,
  };
  print(report, isShared);
  if (options.json) console.log(JSON.stringify(report));
}

async function roundsOf(workload: Workload, first: number, count: number): Promise<BenchRound[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => ({
      sequences: await workload.batch(first + n),
      learningRate: workload.learningRate(first + n),
      lookaheadLearningRate: workload.learningRate(first + n - 1),
    })),
  );
}

function print(report: TabReport, isShared: boolean): void {
  const { adapter, loadAverage, tokensPerSecond: speed, longestDispatch } = report;
  const list = (values: readonly number[]) => values.map((v) => v.toFixed(0).padStart(7)).join(" ");
  console.log(
    [
      `adapter  tab: ${adapter.tab}; Node: ${adapter.node}${isShared ? " (the same library)" : " (npm's own library)"}`,
      `load     ${loadAverage.start.toFixed(1)} at the start, ${loadAverage.end.toFixed(1)} at the end`,
      `run      ${report.run}: ${report.rounds} rounds of ${report.batchTokens} tokens a run, micro-batches of ${report.microBatchSequences}`,
      `tab      ${list(speed.tab)} tokens/s`,
      `Node     ${list(speed.node)} tokens/s`,
      `ratio    ${report.ratio.toFixed(3)} (median over pairs of runs in turn)`,
      `adapter held at most ${report.longestPortionMs.toFixed(1)} ms by one submit, ${longestDispatch.ms.toFixed(1)} ms by one dispatch (${longestDispatch.label || "not measured"})`,
      `page's own thread: longest task ${report.longestPageTaskMs === 0 ? "under 50 ms" : `${report.longestPageTaskMs.toFixed(0)} ms`}`,
      `parameters after each run: ${report.parametersEqual ? "equal bit for bit" : "DIFFERENT"}`,
    ].join("\n"),
  );
}
