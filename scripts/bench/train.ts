/** `bench train`: one client's engine on this machine's adapter; on a software adapter the profiles software and gpu, round by round in turn. */
import { defineOptions, type OptionsOf } from "@starling/config";
import { BASE_PROFILES, KERNEL_PROFILES, type KernelProfile } from "@starling/shaders/kernel";
import { chooseAdapter, type DeviceChoice } from "@starling/node-host/platform/adapter";
import { adapterName } from "@starling/trainer-core/device/features";
import { cpus, loadavg } from "node:os";
import { BenchClient, PHASES, type Phase, type WholeRound } from "./benchClient.ts";
import type { Cost } from "./cost.ts";
import { eventLoopLag, type EventLoopLag } from "./eventLoop.ts";
import { printTrainReport } from "./report.ts";
import { median, spread, type Spread } from "./statistics.ts";
import { loadWorkload } from "./workload.ts";

export const benchTrainOptions = defineOptions({
  configPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    default: "nano-shakespeare",
    env: null,
    doc: "Run config: a file, a folder with config.toml or state.toml, or the name of a preset.",
  },
  profile: {
    type: "choice",
    choices: KERNEL_PROFILES,
    optional: true,
    env: null,
    doc: "Kernels to measure. Left out: software and gpu in turn on a software adapter, the adapter's own on a GPU.",
  },
  rounds: {
    type: "integer",
    unit: "rounds",
    min: 1,
    max: 100_000,
    default: 20,
    env: null,
    doc: "Rounds to measure, of each kind and profile.",
  },
  clients: {
    type: "integer",
    unit: "clients",
    min: 1,
    max: 256,
    default: 3,
    env: null,
    doc: "Clients of the run: the measured one trains its share of the batch and applies this many results.",
  },
  microBatchSize: {
    type: "integer",
    unit: "sequences",
    min: 1,
    max: 4096,
    default: 1,
    env: null,
    doc: "Sequences per forward and backward pass.",
  },
  device: {
    type: "choice",
    choices: ["auto", "gpu", "software"],
    default: "auto",
    env: null,
    doc: "Adapter: auto = a GPU if there is one, else the software adapter.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Also print the report as one JSON object on the last line." },
});

type CostSpread = Record<keyof Cost, Spread>;

export interface ProfileReport {
  profile: KernelProfile;
  /** device, pipelines, buffers, initial weights */
  createMs: number;
  phases: Record<Phase, CostSpread>;
  round: CostSpread & { hostOnlyMs: Spread; hostOnlyShare: Spread };
  tokensPerSecond: number;
  /** nats a token, in the first and in the last measured round: that training is real */
  loss: { first: number | null; last: number | null };
  eventLoop: EventLoopLag;
}

interface Ratio {
  wall: number;
  cpu: number;
}

export interface TrainReport {
  bench: "train";
  machine: { cpu: string; cores: number; node: string; adapter: string; softwareAdapter: boolean };
  /** of the machine, mean runnable processes over a minute, when the measurement began and when it ended */
  loadAverage: { start: number; end: number };
  workload: {
    runId: string;
    parameters: number;
    sequenceTokens: number;
    batchSequences: number;
    microBatchSequences: number;
    resultsApplied: number;
    payloadBytes: number;
    pipeline: string;
    rounds: number;
  };
  profiles: ProfileReport[];
  /** second profile over first, median over pairs of rounds run in turn; null with one profile */
  ratio: { profiles: string; phases: Record<Phase, Ratio>; round: Ratio } | null;
}

interface Measured {
  client: BenchClient;
  phased: Record<Phase, Cost>[];
  whole: WholeRound[];
}

/** Measures and prints. Errors: ConfigError, TrainError, DataError, DeviceError, HostError. */
export async function benchTrain(options: OptionsOf<typeof benchTrainOptions>): Promise<void> {
  const { rounds, clients } = options;
  const workload = loadWorkload(options.configPath, clients, options.microBatchSize);
  const { sentence } = await chooseAdapter(options.device as DeviceChoice);
  console.log(sentence);
  const loadAtStart = loadavg()[0];
  const measured: Measured[] = [];
  const open = async (profile: KernelProfile | "auto") => {
    const client = await BenchClient.create(profile, workload);
    await client.prepare();
    measured.push({ client, phased: [], whole: [] });
    return client;
  };
  const { device: first } = await open(options.profile ?? "auto");
  const softwareAdapter = first.adapter.isFallbackAdapter;
  if (options.profile === undefined && softwareAdapter) {
    for (const profile of BASE_PROFILES) if (profile !== first.profile) await open(profile);
  }
  await measure(measured, 2); // warm: the host's code is compiled, staging buffers exist
  for (const m of measured) Object.assign(m, { phased: [], whole: [] });
  await measure(measured, rounds);
  for (const { client } of measured) client.dispose();

  const profiles: ProfileReport[] = [];
  for (const m of measured)
    profiles.push(
      profileReport(
        m,
        workload.batchSequences * workload.plan.sequenceTokens,
        await eventLoopLag(workload, m.client.device.profile, rounds),
      ),
    );
  const report: TrainReport = {
    bench: "train",
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      node: process.version,
      adapter: adapterName(first.adapter),
      softwareAdapter,
    },
    loadAverage: { start: loadAtStart, end: loadavg()[0] },
    workload: {
      runId: workload.runId,
      parameters: workload.parameters,
      sequenceTokens: workload.plan.sequenceTokens,
      batchSequences: workload.batchSequences,
      microBatchSequences: workload.microBatchSequences,
      resultsApplied: clients,
      payloadBytes: workload.plan.payloadBytes,
      pipeline: workload.plan.pipeline,
      rounds,
    },
    profiles,
    ratio: measured.length === 2 ? ratioOf(measured[0], measured[1]) : null,
  };
  printTrainReport(report);
  if (options.json)
    console.log(JSON.stringify(report, (_, value: unknown) => (typeof value === "number" ? Number(value.toFixed(3)) : value)));
}

/** Both kinds of round by each client in turn, the other way round every time: what else the machine does hits all alike. */
async function measure(measured: readonly Measured[], rounds: number): Promise<void> {
  for (let n = 0; n < rounds; n++) {
    for (const { client, phased, whole } of n % 2 === 0 ? measured : measured.toReversed()) {
      phased.push(await client.phasedRound());
      whole.push(await client.wholeRound());
    }
  }
}

function profileReport({ client, phased, whole }: Measured, batchTokens: number, eventLoop: EventLoopLag): ProfileReport {
  return {
    profile: client.device.profile,
    createMs: client.createMs,
    phases: Object.fromEntries(PHASES.map((name) => [name, costSpread(phased.map((p) => p[name]))])) as Record<Phase, CostSpread>,
    round: {
      ...costSpread(whole),
      hostOnlyMs: spread(whole.map((r) => r.hostOnlyMs)),
      hostOnlyShare: spread(whole.map((r) => r.hostOnlyMs / r.wallMs)),
    },
    tokensPerSecond: batchTokens / (median(whole.map((r) => r.wallMs)) / 1000),
    loss: { first: whole[0].loss, last: whole.at(-1)!.loss },
    eventLoop,
  };
}

function costSpread(costs: readonly Cost[]): CostSpread {
  const of = (key: keyof Cost) => spread(costs.map((cost) => cost[key]));
  return { wallMs: of("wallMs"), cpuMs: of("cpuMs"), hostCpuMs: of("hostCpuMs") };
}

function ratioOf(a: Measured, b: Measured): TrainReport["ratio"] {
  const ofPairs = (cost: (m: Measured, n: number) => Cost): Ratio => ({
    wall: median(a.whole.map((_, n) => cost(b, n).wallMs / cost(a, n).wallMs)),
    cpu: median(a.whole.map((_, n) => cost(b, n).cpuMs / cost(a, n).cpuMs)),
  });
  return {
    profiles: `${b.client.device.profile} / ${a.client.device.profile}`,
    phases: Object.fromEntries(PHASES.map((p) => [p, ofPairs((m, n) => m.phased[n][p])])) as Record<Phase, Ratio>,
    round: ofPairs((m, n) => m.whole[n]),
  };
}
