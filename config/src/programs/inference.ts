/** Options of `generate` and `evaluate`, and those by which a client does the same in idle time. */
import { defineOptions, type OptionSpec } from "../defineOptions.ts";
import { device, deviceDoc } from "./shared.ts";

const checkpoint = {
  type: "string",
  unit: "path",
  minBytes: 1,
  doc: "Folder of a Hugging Face checkpoint of a Llama: config.json, safetensors (single or sharded; F32, F16 or BF16), and tokenizer.json; without one its tokens are bytes.",
} as const satisfies OptionSpec;

const onDevice = {
  device: { ...device, default: "auto", env: null, doc: deviceDoc.replace("to train on", "to compute on") },
  kernelProfile: {
    type: "choice",
    choices: ["auto", "software", "gpu", "tensor"],
    default: "auto",
    doc: "Kernels: software = without barriers, for software adapters; gpu = for real ones; tensor = the same as gpu, since text is computed in f32; auto = by adapter.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
} as const satisfies Record<string, OptionSpec>;

const NAME = /^[A-Za-z0-9_.-]{1,16}$/;

/** Names end up in witness reports, which have no more room. */
const tasksRule = (entries: readonly string[]): string | null => {
  const names = entries.map((entry) => entry.slice(0, Math.max(0, entry.indexOf("="))));
  if (entries.some((entry, i) => !NAME.test(names[i]!) || entry.length === names[i]!.length + 1)) {
    return "must be NAME=FILE.jsonl, with a name of at most 16 letters, digits, dots, dashes and underscores";
  }
  return new Set(names).size === names.length ? null : "must name each task once";
};

const evalTasks = {
  type: "strings",
  minLength: 1,
  maxLength: 16,
  check: tasksRule,
  many: true,
  doc: "Multiple-choice tasks, NAME=FILE.jsonl each: one JSON object a line with the fields of hellaswag (ctx, endings, label), ARC (question, choices, answerKey) or piqa (goal, sol1, sol2, label).",
} as const satisfies OptionSpec;

const evalSettings = {
  evalFewshot: {
    type: "integer",
    unit: "examples",
    min: 0,
    max: 64,
    default: 0,
    doc: "Answered examples of the same file put before each question; 0 = none.",
  },
  evalTaskMaxDocs: {
    type: "integer",
    unit: "questions",
    min: 1,
    max: 1_000_000,
    optional: true,
    doc: "Questions of each file that are asked, always the same ones, drawn by chance; left out = all.",
  },
} as const satisfies Record<string, OptionSpec>;

/** Of everyone who trains: what the model is asked in idle time. */
export const idleTime = {
  prompts: {
    type: "string",
    unit: "path",
    minBytes: 1,
    default: "builtin",
    doc: "Prompts that the model continues while its client waits for others, for displays: a text file with one a line, builtin = a few of ours, none = nothing is written.",
  },
  tokenizer: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "tokenizer.json of the run's data, for --prompts and --eval-tasks, or the word bytes; left out = that of --checkpoint, and bytes where the vocabulary is 256.",
  },
  promptEveryRounds: {
    type: "integer",
    unit: "rounds",
    min: 1,
    max: 1_000_000,
    default: 8,
    doc: "Rounds from one continued prompt to the next.",
  },
  evalTasks: { ...evalTasks, optional: true, doc: `${evalTasks.doc} Asked while this client waits for others; left out = none.` },
  ...evalSettings,
} as const satisfies Record<string, OptionSpec>;

export const generateOptions = defineOptions({
  checkpoint,
  prompt: { type: "string", maxBytes: 1 << 20, optional: true, env: "GENERATE_PROMPT", doc: "The text that is continued." },
  promptFile: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "File with the text that is continued; - = stdin." },
  maxNewTokens: { type: "integer", unit: "tokens", min: 1, max: 1 << 20, default: 128, doc: "Most tokens written." },
  temperature: {
    type: "number",
    min: 0,
    max: 100,
    default: 0.7,
    doc: "How freely the next token is drawn; 0 = always the likeliest.",
  },
  topP: {
    type: "number",
    above: 0,
    max: 1,
    default: 0.95,
    doc: "Only the likeliest tokens that together have this probability are drawn from; 1 = all.",
  },
  seed: {
    type: "integer",
    min: 0,
    max: 0xffff_ffff,
    optional: true,
    env: "GENERATE_SEED",
    doc: "The same seed on the same adapter writes the same text; left out = another each time, which is told.",
  },
  ...onDevice,
});

export const evaluateOptions = defineOptions({ checkpoint, evalTasks, ...evalSettings, ...onDevice });
