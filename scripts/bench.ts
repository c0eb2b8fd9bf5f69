/** `npm run bench -- VERB [options]`: measures this machine. What the figures mean: docs/performance.md. */
import { helpText, nearestName, parseOptions } from "@starling/config";
import { runMain } from "./runMain.ts";
import { benchChain, benchChainOptions } from "./bench/chain.ts";
import { benchGpu, benchGpuOptions } from "./bench/gpu.ts";
import { packGpuBench, packGpuBenchOptions } from "./bench/gpu/pack.ts";
import { benchLeaks, benchLeaksOptions } from "./bench/leaks.ts";
import { benchPeers, benchPeersOptions } from "./bench/peers.ts";
import { benchPrecision, benchPrecisionOptions } from "./bench/precision.ts";
import { benchTab, benchTabOptions } from "./bench/tab.ts";
import { benchTrain, benchTrainOptions } from "./bench/train.ts";

/** Each parses its own options and prints its report; `--json` adds the same as one object on the last line. False: what it checks is not so. */
const VERBS = {
  train: {
    summary: "speed of one client's engine on this machine's adapter, phase by phase",
    options: benchTrainOptions,
    run: async (argv: readonly string[]) => benchTrain(parseOptions(benchTrainOptions, argv)),
  },
  tab: {
    summary: "tokens/s of a tab's Worker over those of a daemon, on the same software adapter; how long it holds adapter and page",
    options: benchTabOptions,
    run: async (argv: readonly string[]) => benchTab(parseOptions(benchTabOptions, argv)),
  },
  peers: {
    summary: "our training step against jax-js, TensorFlow.js and tabgpt: same adapter, model, tokens and dtype, in turn",
    options: benchPeersOptions,
    run: async (argv: readonly string[]) => benchPeers(parseOptions(benchPeersOptions, argv)),
  },
  gpu: {
    summary: "one run of everything on this adapter, one JSON: tokens/s, share of the peak, kernels, DisTrO's share, PyTorch beside it",
    options: benchGpuOptions,
    run: async (argv: readonly string[]) => benchGpu(parseOptions(benchGpuOptions, argv)),
  },
  "gpu-pack": {
    summary: "writes a folder with all that `gpu` needs on a bare machine with an NVIDIA GPU",
    options: packGpuBenchOptions,
    run: async (argv: readonly string[]) => packGpuBench(parseOptions(packGpuBenchOptions, argv)),
  },
  leaks: {
    summary: "buffers, bytes and heap before and after many training steps and rounds; fails where they grew",
    options: benchLeaksOptions,
    run: async (argv: readonly string[]) => benchLeaks(parseOptions(benchLeaksOptions, argv)),
  },
  precision: {
    summary: "loss of training in halves against f32, from the same weights on the same batches; fails beyond a limit",
    options: benchPrecisionOptions,
    run: async (argv: readonly string[]) => benchPrecision(parseOptions(benchPrecisionOptions, argv)),
  },
  chain: {
    summary: "compute units, bytes and lamports of every instruction of a run on chain (LiteSVM)",
    options: benchChainOptions,
    run: async (argv: readonly string[]) => benchChain(parseOptions(benchChainOptions, argv)),
  },
} as const;

function usage(): string {
  const verbs = Object.entries(VERBS).map(([name, { summary }]) => `  ${name}  ${summary}`);
  return `npm run bench -- VERB [options]\n\n${verbs.join("\n")}\n\nnpm run bench -- VERB --help lists a verb's options.`;
}

async function main([name, ...argv]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help") {
    console.log(usage());
    return name === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(VERBS, name)) {
    const names = Object.keys(VERBS);
    const near = nearestName(name, names);
    console.error(`bench: there is no verb "${name}"${near ? `; did you mean "${near}"?` : ""}; the verbs are: ${names.join(", ")}`);
    return 2;
  }
  const verb = VERBS[name as keyof typeof VERBS];
  if (argv.includes("--help")) {
    console.log(`npm run bench -- ${name} [options]\n\n${verb.summary}\n\n${helpText(verb.options)}`);
    return 0;
  }
  return (await verb.run(argv)) === false ? 1 : 0;
}

runMain("bench", main);
