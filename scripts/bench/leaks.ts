/**
 * `bench leaks`: training steps, then whole rounds, with buffers, bytes and heap at both ends. Fails when buffers are left over or
 * the heap, after a forced collection, has grown by a megabyte or more.
 */
import { loadavg } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineOptions, type OptionsOf } from "@starling/config";
import { chooseAdapter, type DeviceChoice } from "@starling/node-host/platform/adapter";
import { countCreations, type Creations } from "@starling/trainer-core/device/creations";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import type { Device, DeviceMemory } from "@starling/trainer-core/device/device";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { BenchClient } from "./benchClient.ts";
import { ADAM } from "./peers/contestant.ts";
import { benchTrainOptions } from "./train.ts";
import { loadWorkload, type Workload } from "./workload.ts";

const { configPath, clients, device, json } = benchTrainOptions.specs;

export const benchLeaksOptions = defineOptions({
  configPath: { ...configPath, default: "test" },
  steps: {
    type: "integer",
    unit: "steps",
    min: 1,
    max: 1_000_000,
    default: 1000,
    env: null,
    doc: "Training steps: gradient, clip, AdamW.",
  },
  rounds: { ...benchTrainOptions.specs.rounds, default: 200, doc: "Rounds of a client: apply, gradient, encode, hash." },
  clients,
  device,
  json,
});

/** The heap may grow by less than this. */
const HEAP_LIMIT_BYTES = 1_000_000;

interface End extends DeviceMemory {
  heapUsed: number;
  arrayBuffers: number;
}

interface Stretch {
  what: string;
  count: number;
  start: End;
  end: End;
  heapGrowth: number;
  leaks: boolean;
  /** what ten of them create */
  creations: Creations;
}

export interface LeaksReport {
  bench: "leaks";
  adapter: string;
  node: string;
  loadAverage: { start: number; end: number };
  run: string;
  stretches: Stretch[];
  leaks: boolean;
}

/** Measures and prints; false when something grew. Errors: ConfigError, DeviceError. */
export async function benchLeaks(options: OptionsOf<typeof benchLeaksOptions>): Promise<boolean> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const start = loadavg()[0];
  const { sentence } = await chooseAdapter(options.device as DeviceChoice);
  console.log(sentence);
  const workload = loadWorkload(options.configPath, options.clients, 1);
  const stretches = [await trainingSteps(workload, options.steps, collect), await rounds(workload, options.rounds, collect)];
  for (const stretch of stretches) console.log(lines(stretch));
  const leaks = stretches.some((stretch) => stretch.leaks);
  console.log(leaks ? "FAILED: something grew" : "nothing grew");
  if (options.json) {
    const report: LeaksReport = {
      bench: "leaks",
      adapter: sentence,
      node: process.version,
      loadAverage: { start, end: loadavg()[0] },
      run: workload.runId,
      stretches,
      leaks,
    };
    console.log(JSON.stringify(report));
  }
  return !leaks;
}

async function trainingSteps(workload: Workload, count: number, collect: () => void): Promise<Stretch> {
  const device = await openDevice(await createDawn(DAWN_FLAGS));
  calmPolling(device.gpu);
  const { llama, sequenceTokens } = workload.plan;
  const trainer = await LlamaTrainer.create(device, llama, { microBatchSequences: workload.microBatchSequences, sequenceTokens });
  trainer.load(initialWeights(llama, 1));
  await trainer.prepareAdamW();
  const sequences = await workload.batch(0);
  const run = async (steps: number) => {
    for (let n = 0; n < steps; n++) {
      await trainer.computeGradients(sequences);
      trainer.clip(1);
      await trainer.adamWStep({ ...ADAM, weightDecay: 0 });
    }
    await device.idle();
  };
  try {
    return await stretch(`training steps of ${sequences.length} x ${sequenceTokens} tokens`, count, run, device, collect);
  } finally {
    await trainer.dispose();
    device.dispose();
  }
}

async function rounds(workload: Workload, count: number, collect: () => void): Promise<Stretch> {
  const client = await BenchClient.create("auto", workload);
  await client.prepare();
  const run = async (wanted: number) => {
    for (let n = 0; n < wanted; n++) await client.wholeRound();
    await client.device.idle();
  };
  try {
    return await stretch(`rounds that apply ${workload.clients} results`, count, run, client.device, collect);
  } finally {
    client.dispose();
  }
}

async function stretch(
  what: string,
  count: number,
  run: (count: number) => Promise<void>,
  device: Device,
  collect: () => void,
): Promise<Stretch> {
  await run(Math.min(50, count)); // code is compiled, caches are full
  const ends: End[] = [];
  const look = async () => {
    // what a promise or a finished command buffer still holds goes in the turn after
    for (let n = 0; n < 3; n++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    ends.push({ ...device.memory, heapUsed, arrayBuffers });
  };
  await look();
  await run(count);
  await look();
  const [start, end] = ends;
  const creations = await countCreations(device.gpu, () => run(10));
  const heapGrowth = end.heapUsed + end.arrayBuffers - start.heapUsed - start.arrayBuffers;
  const leaks = end.buffers !== start.buffers || end.bytes !== start.bytes || heapGrowth >= HEAP_LIMIT_BYTES;
  return { what, count, start, end, heapGrowth, leaks, creations };
}

function lines({ what, count, start, end, heapGrowth, creations }: Stretch): string {
  const row = (name: string, e: End) =>
    `  ${name.padEnd(6)} ${e.buffers} buffers, ${e.bytes} bytes; heap ${kilobytes(e.heapUsed)} kB, array buffers ${kilobytes(e.arrayBuffers)} kB`;

  return [
    `${count} ${what}`,
    row("start", start),
    row("end", end),
    `  heap grew by ${kilobytes(heapGrowth)} kB`,
    `  ten create ${describe(creations)}`,
  ].join("\n");
}

function describe({ gpu, typedArrays, arrayBytes }: Creations): string {
  const objects = Object.entries(gpu).map(([method, count]) => `${count} ${method}`);
  return `${objects.join(", ") || "no GPU object"}; ${typedArrays} arrays of ${arrayBytes} bytes in all`;
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}
