/**
 * `bench peers`: our training step against those of jax-js, TensorFlow.js and tabgpt, in one run on one adapter: equal model,
 * parameters, tokens and dtype; pairs of ours and theirs in turn, the other way round every time.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineOptions, type OptionsOf } from "@starling/config";
import { useBundledSoftwareDriver, useSoftwareDriverOf } from "@starling/trainer-core/device/dawn.node";
import { PEER_SIZES, stepFlops, type ContestantName, type PeerSize } from "./peers/contestant.ts";
import { chromiumSide, nodeSide, tabgptCheckout, type Side } from "./peers/sides.ts";
import { median } from "./statistics.ts";

export const benchPeersOptions = defineOptions({
  pairs: {
    type: "integer",
    unit: "pairs",
    min: 1,
    max: 100,
    default: 5,
    env: null,
    doc: "Pairs of ours and theirs; medians are over them.",
  },
  steps: {
    type: "integer",
    unit: "steps",
    min: 1,
    max: 1000,
    default: 2,
    env: null,
    doc: "Training steps of each half of a pair.",
  },
  sizes: {
    type: "string",
    minBytes: 1,
    default: PEER_SIZES[0].name,
    env: null,
    doc: `Models, by name, comma between: ${PEER_SIZES.map(({ name }) => name).join(", ")}; \`ratios\` are those of the first.`,
  },
  rivals: {
    type: "string",
    minBytes: 1,
    default: "jax-js,jax-js in Node,tfjs,tabgpt",
    env: null,
    doc: "Rivals, by name, comma between.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Also print the report as one JSON object on the last line." },
});

/** A rival that has not ended its duel by then is left out: the others are still measured. */
const DUEL_MS = 20 * 60_000;

/** Loss after the warm-up's steps may differ by this much: equal work, other roundings. */
export const LOSS_TOLERANCE = 1e-3;

const DUELS = {
  "jax-js": { key: "jaxjs", where: "chromium", ours: "starling", theirs: "jax-js", target: 2 },
  "jax-js in Node": { key: "jaxjsNode", where: "node", ours: "starling", theirs: "jax-js", target: 2 },
  tfjs: { key: "tfjs", where: "chromium", ours: "starling", theirs: "tfjs", target: 3 },
  tabgpt: { key: "tabgpt", where: "chromium", ours: "starling-clipped", theirs: "tabgpt", target: 3 },
} as const satisfies Record<
  string,
  { key: string; where: "chromium" | "node"; ours: ContestantName; theirs: ContestantName; target: number }
>;
type DuelName = keyof typeof DUELS;

interface Half {
  /** ms a step, of each pair */
  stepMs: number[];
  parameters: number;
  createMs: number;
  /** of the first steps, before any update and after some */
  losses: number[];
}

export interface Duel {
  where: "chromium" | "node";
  adapter: string;
  ours: Half;
  theirs: Half;
  /** theirs over ours, median over pairs */
  ratio: number;
  target: number;
  /** most that the losses of the first steps differ by; null where the model is another one */
  lossDifference: number | null;
}

type Outcome = Duel | { absent: string };

export interface PeersReport {
  bench: "peers";
  machine: { cpu: string; cores: number; node: string; sameDriver: boolean };
  loadAverage: { start: number; end: number };
  pairs: number;
  stepsAHalf: number;
  /** of the first size; null where there is no such rival */
  ratios: Record<string, number | null>;
  sizes: { name: string; why: string; sequences: number; sequenceTokens: number; gigaflopsAStep: number; duels: Record<string, Outcome> }[];
}

/** Steps of the warm-up: code is compiled, staging is made, the losses are compared. */
const WARM_STEPS = 3;

/** Measures and prints. Throws where a loss proves that the work is not equal. */
export async function benchPeers(options: OptionsOf<typeof benchPeersOptions>): Promise<void> {
  const sizes = named(options.sizes, PEER_SIZES, "size");
  const rivals = options.rivals.split(",").map((name) => {
    if (!Object.hasOwn(DUELS, name)) throw new RangeError(`there is no rival "${name}"; there are: ${Object.keys(DUELS).join(", ")}`);
    return name as DuelName;
  });
  const start = loadavg()[0];
  const folder = mkdtempSync(join(tmpdir(), "starling-bench-peers-"));
  const open: Side[] = [];
  try {
    const chromium = await chromiumSide(join(folder, "page"));
    open.push(chromium);
    const sameDriver = chromium.driverFolders.some(useSoftwareDriverOf);
    if (!sameDriver) useBundledSoftwareDriver();
    const node = nodeSide();
    open.push(node);
    const report: PeersReport = {
      bench: "peers",
      machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version, sameDriver },
      loadAverage: { start, end: 0 },
      pairs: options.pairs,
      stepsAHalf: options.steps,
      ratios: {},
      sizes: [],
    };
    for (const size of sizes) {
      const duels: Record<string, Outcome> = {};
      const { name, why, sequences, sequenceTokens } = size;
      report.sizes.push({ name, why, sequences, sequenceTokens, gigaflopsAStep: stepFlops(size) / 1e9, duels });
      console.log(sizeLine(size));
      for (const rival of rivals) {
        const { key, where } = DUELS[rival];
        const outcome = await outcomeOf(rival, where === "node" ? node : chromium, size, options);
        duels[key] = outcome;
        console.log(duelLines(rival, outcome));
        if (size === sizes[0]) report.ratios[key] = "absent" in outcome ? null : outcome.ratio;
      }
    }
    report.loadAverage.end = loadavg()[0];
    console.log(`load ${report.loadAverage.start.toFixed(1)} at the start, ${report.loadAverage.end.toFixed(1)} at the end`);
    if (options.json) console.log(JSON.stringify(report, (_, value: unknown) => (typeof value === "number" ? rounded(value) : value)));
  } finally {
    for (const side of open.reverse()) await side.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What proves a measurement wrong ends the run; a rival that does not start or never ends is absent, with the reason. */
async function outcomeOf(rival: DuelName, side: Side, size: PeerSize, options: { pairs: number; steps: number }): Promise<Outcome> {
  const limit = new AbortController();
  try {
    return await Promise.race([
      duel(rival, side, size, options),
      sleep(DUEL_MS, null, { signal: limit.signal, ref: false }).then(() => {
        throw new RivalError(`it had not ended after ${DUEL_MS / 60_000} minutes`);
      }),
    ]);
  } catch (error) {
    if (!(error instanceof RivalError)) throw error;
    return { absent: error.message };
  } finally {
    limit.abort();
    for (const name of [DUELS[rival].ours, DUELS[rival].theirs]) await side.end(name);
  }
}

/** Of theirs, not of ours. */
class RivalError extends Error {}

async function duel(rival: DuelName, side: Side, size: PeerSize, { pairs, steps }: { pairs: number; steps: number }): Promise<Outcome> {
  const { where, ours, theirs, target } = DUELS[rival];
  if (rival === "tabgpt") {
    const checkout = tabgptCheckout();
    if ("absent" in checkout) return checkout;
  }
  const halves: Half[] = [];
  let adapter = "";
  for (const name of [ours, theirs]) {
    const created = await side.ask(name, { type: "create", name, size });
    if (created.type !== "created") {
      const message = `${name} in ${where}: ${failure(created)}`;
      throw name === theirs ? new RivalError(message) : new Error(message);
    }
    adapter = created.adapter;
    const half: Half = { stepMs: [], parameters: created.parameters, createMs: created.createMs, losses: [] };
    half.losses = (await ran(side, name, 0, WARM_STEPS)).losses;
    halves.push(half);
  }
  const names = [ours, theirs] as const;
  for (let pair = 0; pair < pairs; pair++) {
    for (const n of pair % 2 === 0 ? [0, 1] : [1, 0]) {
      const { ms } = await ran(side, names[n], WARM_STEPS + pair * steps, steps);
      halves[n].stepMs.push(ms / steps);
    }
  }
  const [a, b] = halves;
  const lossDifference = theirs === "tabgpt" ? null : Math.max(...a.losses.map((loss, n) => Math.abs(loss - b.losses[n])));
  if (lossDifference !== null && !(lossDifference <= LOSS_TOLERANCE)) {
    throw new Error(`${rival} does other work than ours: losses ${b.losses.join(", ")} against ${a.losses.join(", ")}`);
  }
  return { where, adapter, ours: a, theirs: b, ratio: median(a.stepMs.map((ms, n) => b.stepMs[n] / ms)), target, lossDifference };
}

async function ran(side: Side, name: ContestantName, first: number, steps: number): Promise<{ ms: number; losses: number[] }> {
  const told = await side.ask(name, { type: "run", first, steps });
  if (told.type !== "ran") throw new Error(`${name}: ${failure(told)}`);
  return told;
}

function failure(told: { type: string; message?: string }): string {
  return told.message ?? `an unexpected answer, ${told.type}`;
}

function named<T extends { name: string }>(list: string, all: readonly T[], what: string): T[] {
  return list.split(",").map((name) => {
    const found = all.find((one) => one.name === name);
    if (!found) throw new RangeError(`there is no ${what} "${name}"; there are: ${all.map((one) => one.name).join(", ")}`);
    return found;
  });
}

function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

function sizeLine(size: PeerSize): string {
  const { hiddenSize, numLayers } = size.config;
  const shape = `${numLayers} layers of ${hiddenSize}, ${size.sequences} x ${size.sequenceTokens} tokens, ${(stepFlops(size) / 1e9).toFixed(2)} GFLOP a step, f32`;
  return `\n${size.name}: ${shape} (${size.why})`;
}

function duelLines(rival: DuelName, outcome: Outcome): string {
  const name = `  ${rival.padEnd(15)}`;
  if ("absent" in outcome) return `${name} absent: ${outcome.absent}`;
  const { ours, theirs, ratio, target, lossDifference } = outcome;
  const list = (values: readonly number[]) => values.map((v) => v.toFixed(0)).join(" ");
  const losses = (values: readonly number[]) => values.map((v) => v.toFixed(4)).join(" ");
  const equal = lossDifference === null ? "another model" : `apart by ${lossDifference.toExponential(1)} at most`;
  return [
    `${name} ${ratio.toFixed(2)} x (target ${target}): ${median(theirs.stepMs).toFixed(0)} ms a step against our ${median(ours.stepMs).toFixed(0)}; ${outcome.where}, ${outcome.adapter}`,
    `    ms a step, by pairs: theirs ${list(theirs.stepMs)}; ours ${list(ours.stepMs)}`,
    `    parameters ${theirs.parameters}, ours ${ours.parameters}; first losses ${losses(theirs.losses)}, ours ${losses(ours.losses)}: ${equal}`,
  ].join("\n");
}
