/**
 * `node scripts/fuzz/run.ts [--decoder NAME] [--inputs 1000000] [--seed 1] [--first 0] [--jobs 1]`: fuzzes decoders, each in a thread that
 * is watched for hangs. Prints a table; a finding is printed with its number and kept in corpus/NAME/found-NUMBER. Exit code 1 when
 * there was one.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { corpusOf, fuzz, type FuzzResult } from "./fuzz.ts";
import { inputOf } from "./mutate.ts";
import { targets } from "./targets/index.ts";

/** Longer than a group of inputs may take, in CPU time of this process: a machine that does other things too makes everything slow. */
const HANG_CPU_MS = 20_000;
/** the same for a decoder that waits for something that never comes */
const HANG_MS = 600_000;
const LOOK_EVERY_MS = 5_000;

interface Job {
  name: string;
  inputs: number;
  seed: number;
  first: number;
  /** (1) i32, the number of the input under way */
  progress: Int32Array;
}

type Report = FuzzResult & { seconds: number };

async function work({ name, inputs, seed, first, progress }: Job): Promise<void> {
  const target = targets.find((each) => each.name === name)!;
  const startMs = performance.now();
  const result = await fuzz(target, { inputs, seed, first, progress: (index) => Atomics.store(progress, 0, index) });
  parentPort!.postMessage({ ...result, seconds: (performance.now() - startMs) / 1000 } satisfies Report);
}

function runInThread(job: Job): Promise<Report> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: job, resourceLimits: { maxOldGenerationSizeMb: 1024 } });
    let seen = -1;
    const stopped = (problem: string): void => {
      clearInterval(watch);
      void worker.terminate();
      const bytes = inputOf(job.seed, job.name, seen, [...corpusOf(job.name).values()]);
      const finding = { target: job.name, input: seen, problem: `${problem}, at this input or one of the 31 after it`, bytes };
      resolve({ inputs: seen - job.first, decoded: 0, findings: [finding], seconds: 0 });
    };
    let sinceMs = performance.now();
    let sinceCpuMs = cpuMs();
    const watch = setInterval(() => {
      const now = Atomics.load(job.progress, 0);
      if (now !== seen) {
        seen = now;
        sinceMs = performance.now();
        sinceCpuMs = cpuMs();
      } else if (cpuMs() - sinceCpuMs > HANG_CPU_MS || performance.now() - sinceMs > HANG_MS) {
        stopped(`no progress for ${((performance.now() - sinceMs) / 1000).toFixed(0)} s`);
      }
    }, LOOK_EVERY_MS);
    worker.once("message", (report: Report) => {
      clearInterval(watch);
      resolve(report);
    });
    worker.once("error", (error) => {
      seen = Atomics.load(job.progress, 0);
      stopped(`the thread ended: ${error.message}`);
    });
  });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      decoder: { type: "string" },
      inputs: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
      first: { type: "string", default: "0" },
      jobs: { type: "string", default: "1" },
    },
  });
  const chosen = targets.filter(({ name }) => values.decoder === undefined || values.decoder.split(",").includes(name));
  if (chosen.length === 0) {
    console.error(`--decoder ${values.decoder}: known are ${targets.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  console.log(`seed ${values.seed}, ${values.inputs} inputs each from ${values.first}`);
  console.log("| decoder | inputs | decoded | inputs/s | findings |\n|---|---|---|---|---|");
  let found = 0;
  const queue = [...chosen];
  const worker = async (): Promise<void> => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const progress = new Int32Array(new SharedArrayBuffer(4));
      const job = { name: target.name, inputs: Number(values.inputs), seed: Number(values.seed), first: Number(values.first), progress };
      const { inputs, decoded, seconds, findings } = await runInThread(job);
      console.log(`| ${target.name} | ${inputs} | ${decoded} | ${(inputs / Math.max(seconds, 1e-3)).toFixed(0)} | ${findings.length} |`);
      for (const { input, problem, bytes } of findings) {
        found++;
        console.log(`${target.name}, seed ${values.seed}, input ${input} (${bytes.length} bytes): ${problem}`);
        if (typeof input === "number")
          writeFileSync(new URL(`corpus/${target.name}/found-${values.seed}-${input}`, import.meta.url), bytes);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  return found > 0 ? 1 : 0;
}

if (isMainThread) process.exitCode = await main();
else await work(workerData as Job);
