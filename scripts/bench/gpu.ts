/**
 * `bench gpu`: everything there is to know of an adapter in one run and one JSON: tokens/s of a 124M-parameter Llama at sequence
 * 1024, its share of the peak, time by kernel, what DisTrO costs beside a step, PyTorch on the same machine, golden cases. A
 * software adapter gets a model that fits it, and the report says so.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { defineOptions, type OptionsOf } from "@starling/config";
import { chooseAdapter } from "@starling/node-host/platform/adapter";
import { KERNEL_PROFILES, type KernelProfile } from "@starling/shaders";
import { measuredEntry, type TuningEntry } from "@starling/shaders/lab/tuning";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import { Device, type DeviceFeatures } from "@starling/trainer-core/device/device";
import { adapterName } from "@starling/trainer-core/device/features";
import { measureTiles } from "@starling/trainer-core/device/tuneProducts";
import { PRECISIONS } from "@starling/trainer-core/train/precision";
import { checkPrecisions, runGolden, type GoldenSummary, type PrecisionCheck } from "./gpu/checks.ts";
import { measureDistro, type DistroShare } from "./gpu/distroShare.ts";
import { EXACT_TIMESTAMPS, profileKernels, type KernelProfileReport } from "./gpu/kernelProfile.ts";
import { GPU_SIZES, peakOf, type GpuSize, type Peak } from "./gpu/sizes.ts";
import { makeTrainer, measuredProduct, measureThroughput, stepSequences, trainStep, type Throughput } from "./gpu/throughput.ts";
import { runTorch, type TorchReport } from "./gpu/torchPeer.ts";
import { stepFlops } from "./peers/contestant.ts";
import { median } from "./statistics.ts";
import { benchTrainOptions } from "./train.ts";

const optional = { optional: true, env: null } as const;

export const benchGpuOptions = defineOptions({
  size: {
    type: "choice",
    choices: GPU_SIZES.map(({ name }) => name),
    ...optional,
    doc: "Model. Left out: llama-124m on a GPU, llama-1m on a software adapter.",
  },
  profiles: {
    type: "string",
    minBytes: 1,
    ...optional,
    doc: "Kernel profiles, comma between. Left out: the adapter's own, and on a GPU gpu beside tensor.",
  },
  precision: {
    type: "choice",
    choices: ["auto", ...PRECISIONS],
    default: "auto",
    env: null,
    doc: "What weights and activations are stored as.",
  },
  microBatchSize: { type: "integer", unit: "sequences", min: 1, max: 4096, ...optional, doc: "Sequences of a pass. Left out: 8." },
  sequences: { type: "integer", unit: "sequences", min: 1, max: 4096, ...optional, doc: "Sequences of a step. Left out: the model's own." },
  sequenceTokens: {
    type: "integer",
    unit: "tokens",
    min: 8,
    max: 1024,
    ...optional,
    doc: "Length of a sequence. Left out: the model's own.",
  },
  steps: { type: "integer", unit: "steps", min: 1, max: 10_000, default: 10, env: null, doc: "Training steps to measure." },
  peakTflops: {
    type: "number",
    unit: "TFLOP/s",
    above: 0,
    ...optional,
    doc: "The adapter's peak. Left out: from a table by name, else a measured product.",
  },
  torchDevice: {
    type: "choice",
    choices: ["cuda", "cpu"],
    default: "cuda",
    env: null,
    doc: "Where PyTorch runs; cpu tries its script alone.",
  },
  torchSeconds: {
    type: "integer",
    unit: "seconds",
    min: 0,
    max: 3600,
    default: 240,
    env: null,
    doc: "Longest that PyTorch may take; 0 = not run.",
  },
  golden: { type: "string", unit: "path", minBytes: 1, ...optional, doc: "Folder of golden cases to run on every profile." },
  precisionCheck: {
    type: "boolean",
    default: false,
    env: null,
    doc: "Also train 120 steps in every precision, 3 seeds, and compare losses.",
  },
  sweepSeconds: {
    type: "integer",
    unit: "seconds",
    min: 0,
    max: 3600,
    default: 0,
    env: null,
    doc: "Time for sweeping the tiles of products on every profile first; 0 = no sweep.",
  },
  out: { type: "string", unit: "path", minBytes: 1, ...optional, doc: "File for the report, JSON." },
  device: benchTrainOptions.specs.device,
  json: benchTrainOptions.specs.json,
});

interface ProfileReport {
  throughput: Throughput;
  kernels: KernelProfileReport;
  distro: DistroShare;
  golden: GoldenSummary | null;
  /** the fastest tiles that the sweep found, as tuning.json has them; the other figures are with the tiles of `tiles` */
  sweep: TuningEntry | null;
}

export interface GpuReport {
  bench: "gpu";
  machine: { cpu: string; cores: number; node: string; nvidiaSmi: string | null };
  loadAverage: { start: number; end: number };
  adapter: { name: string; vendor: string; architecture: string; isSoftware: boolean; features: DeviceFeatures };
  model: { name: string; standsInFor: string | null; parameters: number; sequenceTokens: number; stepTokens: number; flopsAStep: number };
  peak: Peak;
  /** the adapter's line of shaders/src/lab/tuning.json; null: it was never swept, the default tiles run */
  tiles: TuningEntry | null;
  profiles: (ProfileReport | { profile: KernelProfile; failed: string })[];
  torch: TorchReport;
  /** our tokens/s, best profile, over PyTorch's; null without it */
  ratioToTorch: { eager: number | null; compiled: number | null };
  precision: PrecisionCheck | { failed: string } | null;
}

async function openDevice(profile: KernelProfile | "auto"): Promise<Device> {
  const device = await Device.create(await createDawn([...DAWN_FLAGS, EXACT_TIMESTAMPS]), { profile });
  calmPolling(device.gpu);
  return device;
}

/**
 * Measures and prints; false where a part failed. Errors: ConfigError, DeviceError, HostError. What fails is in the report, and the rest
 * goes on.
 */
export async function benchGpu(options: OptionsOf<typeof benchGpuOptions>): Promise<boolean> {
  const start = loadavg()[0];
  // "gpu" takes the machine's driver as it is: what looks first is a file that a packed benchmark does not have
  if (options.device !== "gpu") console.log((await chooseAdapter(options.device as "auto" | "software")).sentence);
  const first = await openDevice("auto");
  const { adapter, features } = first;
  const name = adapterName(adapter);
  const isSoftware = adapter.isFallbackAdapter;
  const wanted = options.size ?? (isSoftware ? "llama-1m" : "llama-124m");
  const known = GPU_SIZES.find((s) => s.name === wanted)!;
  const { sequences = known.sequences, sequenceTokens = known.sequenceTokens } = options;
  const size = { ...known, sequences, sequenceTokens: Math.min(sequenceTokens, known.config.maxPositionEmbeddings) };
  const peak = await findPeak(first, name, options.peakTflops);
  const own = first.profile;
  first.dispose();
  const profiles =
    options.profiles === undefined
      ? own === "tensor"
        ? (["tensor", "gpu"] as const)
        : [own]
      : options.profiles.split(",").map(knownProfile);

  const report: GpuReport = {
    bench: "gpu",
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version, nvidiaSmi: nvidiaSmi() },
    loadAverage: { start, end: 0 },
    adapter: { name, vendor: adapter.vendor, architecture: adapter.architecture, isSoftware, features },
    model: {
      name: size.name,
      standsInFor: size.name === "llama-124m" ? null : "llama-124m",
      parameters: 0,
      sequenceTokens: size.sequenceTokens,
      stepTokens: size.sequences * size.sequenceTokens,
      flopsAStep: stepFlops({ ...size, why: "" }),
    },
    peak,
    tiles: measuredEntry(adapter),
    profiles: [],
    torch: { absent: "not run yet" },
    ratioToTorch: { eager: null, compiled: null },
    precision: null,
  };
  const microBatch = Math.min(options.microBatchSize ?? 8, size.sequences);
  const save = () => {
    report.loadAverage.end = loadavg()[0];
    if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(report, shorter, 2)}\n`);
  };
  console.log(headLines(report).join("\n"));
  for (const profile of profiles) {
    try {
      const measured = await measureProfile(profile, size, microBatch, options, peak, report);
      report.profiles.push(measured);
      console.log(profileLines(measured).join("\n"));
    } catch (error) {
      report.profiles.push({ profile, failed: (error as Error).message });
      console.log(`profile ${profile}: failed: ${(error as Error).message}`);
    }
    save(); // a machine that is lent may be taken back
  }
  if (options.precisionCheck) {
    report.precision = await comparePrecisions();
    console.log(
      `precision: ${"failed" in report.precision ? `failed: ${report.precision.failed}` : JSON.stringify(report.precision.apart, shorter)}`,
    );
    save();
  }
  const { torchDevice, torchSeconds } = options;
  report.torch =
    torchSeconds === 0
      ? { absent: "not asked for" }
      : runTorch(size, microBatch, options.steps, torchDevice as "cuda" | "cpu", torchSeconds * 1000);
  const ours = Math.max(0, ...report.profiles.map((p) => ("failed" in p ? 0 : p.throughput.tokensPerSecond)));
  if (!("absent" in report.torch)) {
    const { eager, compiled } = report.torch;
    report.ratioToTorch = { eager: ours / eager.tokensPerSecond, compiled: "absent" in compiled ? null : ours / compiled.tokensPerSecond };
  }
  console.log(torchLine(report));
  save();
  if (options.json) console.log(JSON.stringify(report, shorter));
  const failures = failuresOf(report);
  if (failures.length > 0) console.log(`not all of it went well: ${failures.join("; ")}`);
  return failures.length === 0;
}

async function comparePrecisions(): Promise<PrecisionCheck | { failed: string }> {
  try {
    const device = await openDevice("auto");
    try {
      return await checkPrecisions(device, 120, 3);
    } finally {
      device.dispose();
    }
  } catch (error) {
    return { failed: (error as Error).message };
  }
}

/** PyTorch may be absent: that is no failure of ours. */
function failuresOf({ profiles, precision }: GpuReport): string[] {
  const failures: string[] = [];
  for (const report of profiles) {
    if ("failed" in report) failures.push(`profile ${report.profile}`);
    else if (report.golden !== null && report.golden.failed > 0)
      failures.push(`${report.golden.failed} golden cases on profile ${report.golden.profile}`);
  }
  if (precision !== null && "failed" in precision) failures.push("the precisions");
  return failures;
}

async function measureProfile(
  profile: KernelProfile,
  size: GpuSize,
  microBatch: number,
  options: OptionsOf<typeof benchGpuOptions>,
  peak: Peak,
  report: GpuReport,
): Promise<ProfileReport> {
  const device = await openDevice(profile);
  try {
    const golden = options.golden === undefined ? null : await runGolden(options.golden, device);
    const sweep = options.sweepSeconds === 0 ? null : await measureTiles(device, { budgetMs: options.sweepSeconds * 1000, repeats: 7 });
    const made = await makeTrainer(device, size, microBatch, options.precision as "auto");
    const { trainer } = made;
    report.model.parameters = trainer.parameters.elementCount;
    const throughput = await measureThroughput(device, size, made, options.steps, peak);
    const { forward, head, backward } = trainer.plan.phases;
    await trainStep(trainer, stepSequences(size, 0));
    const kernels = await profileKernels(device, [forward, head, backward], 5);
    const step = { stepMs: median(throughput.stepMs), stepTokens: report.model.stepTokens };
    const distro = await measureDistro(device, trainer, step, 5);
    await trainer.dispose();
    return { throughput, kernels, distro, golden, sweep };
  } finally {
    device.dispose();
  }
}

/** In this order: what was said, a data sheet, one large product of our own. */
async function findPeak(device: Device, name: string, said: number | undefined): Promise<Peak> {
  if (said !== undefined) return { f16: said, f32: said, source: "--peak-tflops" };
  const known = device.adapter.isFallbackAdapter ? null : peakOf(name);
  if (known !== null) return known;
  const side = device.adapter.isFallbackAdapter ? 384 : 4096;
  const measured = await measuredProduct(device, side);
  return { f16: measured, f32: measured, source: `measured: our product of ${side}^3 in profile ${device.profile}` };
}

function knownProfile(name: string): KernelProfile {
  const profile = KERNEL_PROFILES.find((p) => p === name);
  if (profile === undefined) throw new RangeError(`there is no profile "${name}"; there are: ${KERNEL_PROFILES.join(", ")}`);
  return profile;
}

function nvidiaSmi(): string | null {
  const { status, stdout } = spawnSync("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : null;
}

function shorter(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

function headLines({ adapter, model, machine, peak }: GpuReport): string[] {
  const stand = model.standsInFor === null ? "" : ` (stands in for ${model.standsInFor})`;
  return [
    `adapter  ${adapter.name}${adapter.isSoftware ? " (software)" : ""}; ${machine.nvidiaSmi ?? "no nvidia-smi"}; ${machine.cores} x ${machine.cpu}`,
    `features f16 ${adapter.features.shaderF16}, subgroups ${adapter.features.minSubgroupSize}..${adapter.features.maxSubgroupSize}, matrices ${adapter.features.subgroupMatrices.map(({ M, N, K }) => `${M}x${N}x${K}`).join(" ") || "none"}, timestamps ${adapter.features.timestamps}`,
    `model    ${model.name}${stand}: ${model.stepTokens} tokens a step in sequences of ${model.sequenceTokens}, ${(model.flopsAStep / 1e12).toPrecision(3)} TFLOP`,
    `peak     ${peak.f16.toPrecision(3)} TFLOP/s f16, ${peak.f32.toPrecision(3)} f32 (${peak.source})`,
  ];
}

function profileLines({ throughput: t, kernels, distro, golden, sweep }: ProfileReport): string[] {
  const share = t.shareOfPeak === null ? "" : `, ${(t.shareOfPeak * 100).toFixed(1)} % of the peak`;
  return [
    `profile ${t.profile}, ${t.precision}: ${t.tokensPerSecond.toFixed(0)} tokens/s, ${t.tflopsPerSecond.toPrecision(3)} TFLOP/s${share}; ${median(t.stepMs).toFixed(1)} ms a step, micro-batches of ${t.microBatchSequences}, ${(t.deviceBytes / 1e9).toFixed(2)} GB; ready after ${(t.createMs / 1000).toFixed(1)} s; loss ${t.loss.first.toFixed(3)} -> ${t.loss.last.toFixed(3)}`,
    ...(golden === null ? [] : [`  golden: ${golden.passed} passed, ${golden.failed} failed`, ...golden.failures.map((f) => `    ${f}`)]),
    ...(sweep === null ? [] : [`  fastest tiles: ${JSON.stringify(sweep)}`]),
    `  kernels of one micro-batch, ${kernels.totalMs.toFixed(1)} ms in all (${kernels.method}):`,
    ...kernels.kernels.map(
      (k) =>
        `    ${k.kernel.padEnd(40)} ${String(k.dispatches).padStart(4)} x ${k.ms.toFixed(2).padStart(9)} ms ${(k.share * 100).toFixed(1).padStart(5)} %`,
    ),
    `  DisTrO over ${distro.parameters} parameters: encode ${median(distro.encodeMs).toFixed(1)} ms, apply ${distro.resultsApplied} results ${median(distro.applyMs).toFixed(1)} ms: ${(distro.shareOfStep * 100).toFixed(1)} % of a step of ${distro.stepTokens} tokens; 5 % of one of ${distro.tokensForFivePercent}`,
  ];
}

function torchLine({ torch, ratioToTorch }: GpuReport): string {
  if ("absent" in torch) return `PyTorch  absent: ${torch.absent}`;
  const compiled =
    "absent" in torch.compiled
      ? `compiled absent: ${torch.compiled.absent}`
      : `compiled ${torch.compiled.tokensPerSecond.toFixed(0)} (ours is ${ratioToTorch.compiled!.toFixed(3)} of it)`;
  return `PyTorch  ${torch.torch}, ${torch.device}, bf16: eager ${torch.eager.tokensPerSecond.toFixed(0)} tokens/s (ours is ${ratioToTorch.eager!.toFixed(3)} of it), ${compiled}; product ${torch.productTflops.toFixed(0)} TFLOP/s`;
}
