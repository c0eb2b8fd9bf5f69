/** Options of everyone who trains: `client` and `train`. Names are the existing system's (facts 7.3, 7.4) where they have a meaning here. */
import type { OptionSpec } from "../defineOptions.ts";
import { idleTime } from "./inference.ts";
import { adapter, device, deviceDoc, checkpointDir, keepSteps, port, faults, tabPorts, telemetry, nodeName, logs, tui } from "./shared.ts";

export const microBatchSize = {
  type: "integer",
  unit: "sequences",
  min: 1,
  max: 4096,
  optional: true,
  doc: "Sequences per forward and backward pass; fewer are taken where the adapter has no memory for them. Left out = as many as fit and are of use.",
} as const satisfies OptionSpec;

export const activationRecomputation = {
  type: "choice",
  choices: ["off", "on", "auto"],
  default: "auto",
  doc: "Keep only each layer's input and compute the rest again in the backward pass: a third more work in a fraction of the memory. auto = only where the model would not fit otherwise.",
} as const satisfies OptionSpec;

export const training = {
  bindP2pPort: { ...port, default: 0, doc: "Port on which other clients reach this one; 0 = any free port." },
  ...tabPorts,
  dataDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder against which a relative data path of the run is resolved, such as the run config's; left out = the working folder.",
  },
  checkpointDir: { ...checkpointDir, doc: "Folder in which checkpoints are kept; left out = none are written." },
  keepSteps,
  microBatchSize,
  activationRecomputation,
  device: { ...device, default: "auto", env: null, doc: deviceDoc },
  adapter,
  dataParallelism: {
    type: "integer",
    unit: "devices",
    min: 1,
    max: 64,
    optional: true,
    doc: "Devices, or groups of them, that each hold the model and train micro-batches of their own; their gradients are added up. On different GPUs where there are enough, else logical devices of the first. Left out = one for each adapter named, or group of them.",
  },
  tensorParallelism: {
    type: "integer",
    unit: "devices",
    min: 1,
    max: 64,
    default: 1,
    doc: "Devices that hold and compute a model together: heads, feed-forward neurons and vocabulary are split between them. Every device needs equally many query heads.",
  },
  kernelProfile: {
    type: "choice",
    choices: ["auto", "software", "gpu", "tensor"],
    default: "auto",
    doc: "Kernels: software = without barriers, for software adapters; gpu = for real ones; tensor = products on tensor cores; auto = by adapter.",
  },
  precision: {
    type: "choice",
    choices: ["auto", "f32", "f16", "packed-f16"],
    default: "auto",
    doc: "What weights and activations are stored as while training; sums, the shared parameters and checkpoints are f32 always. f16 = halves, where the adapter has shader-f16; packed-f16 = halves two in a word, on any adapter. auto = f16 where it is offered, packed-f16 elsewhere, f32 on a software adapter.",
  },
  matformerTier: {
    type: "integer",
    unit: "tier",
    min: 0,
    max: 16,
    default: 0,
    doc: "MatFormer tier to train: the first intermediate_size / 2^N neurons of every feed-forward block. 0 = the whole model.",
  },
  matformerLoadStrategy: {
    type: "choice",
    choices: ["auto", "universal", "sliced"],
    default: "auto",
    doc: "What a client of a tier above 0 holds: universal = the whole model, which it also hashes, serves and stores; sliced = its tier's part alone, in less memory, without a vote on the parameters' hash. auto = universal, unless --checkpoint names a sliced checkpoint or has one beside it (`starling export-matformer-tiers`).",
  },
  logs,
  tui,
  ...telemetry,
  nodeName,
  hashEachRound: {
    type: "boolean",
    default: false,
    doc: "Report the parameters' hash after every round, not only at the end of an epoch.",
  },
  evaluateEachEpoch: { type: "boolean", default: false, doc: "Measure the held-out loss before training and after every epoch." },
  heldOutTokens: {
    type: "integer",
    unit: "tokens",
    min: 1,
    max: 16_777_216,
    default: 2048,
    doc: "Tokens of held-out text on which the loss is measured; always the same ones.",
  },
  heldOutDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of token files kept out of training, on which the loss is measured; left out = heldout beside the run's local data.",
  },
  ...idleTime,
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of a Hugging Face checkpoint to start from, instead of the run's own start. In a run's first epoch every client must start from the same one.",
  },
  writeGradientsDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder to which the results applied in each round are written.",
  },
  drain: {
    type: "boolean",
    default: false,
    doc: "At the first signal finish the round under way before leaving, however long it lasts, instead of exiting within 8 s.",
  },
  ...faults,
} as const satisfies Record<string, OptionSpec>;

export const bindHost = {
  type: "string",
  minBytes: 1,
  maxBytes: 64,
  doc: "IP address on which other clients reach this one; 0.0.0.0 = every interface.",
} as const satisfies OptionSpec;
