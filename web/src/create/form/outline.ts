/** Which parts of a run config stand on which step, and which of them are asked first. What is new in the schema is found folded. */
import type { FormNode } from "@starling/config";
import { nameOf, RUN_FORM } from "./formValues.ts";

export type ConfigStep = "model" | "data" | "optimizer" | "rounds";

export interface ConfigGroup {
  title: string;
  /** paths of the form's values */
  paths: readonly string[];
}

const LLM = "model.LLM";

/** Rates stand on the step of rewards, in tokens where the run has them; the run's id stands first of all. */
const ELSEWHERE = new Set(["run_id", "verification", "config.earning_rate_total_shared", "config.slashing_rate_per_client"]);

const GROUPS: Readonly<Record<ConfigStep, readonly ConfigGroup[]>> = {
  model: [
    { title: "The model", paths: [`${LLM}.checkpoint`] },
    { title: "Sequences", paths: [`${LLM}.max_seq_len`, `${LLM}.architecture`] },
  ],
  data: [{ title: "The data", paths: [`${LLM}.data_location`, `${LLM}.data_type`] }],
  optimizer: [
    { title: "Learning rate", paths: [`${LLM}.lr_schedule`, `${LLM}.cold_start_warmup_steps`] },
    { title: "Optimizer", paths: [`${LLM}.optimizer`] },
  ],
  rounds: [
    {
      title: "Rounds",
      paths: ["config.global_batch_size_start", "config.global_batch_size_end", "config.max_round_train_time", "config.total_steps"],
    },
    { title: "Epochs", paths: ["config.rounds_per_epoch", "config.epoch_time", "config.warmup_time"] },
    { title: "Clients", paths: ["config.init_min_clients", "config.min_clients"] },
  ],
};

/** Folded where its group is shown: it has a good default, or it belongs to what few people change. */
const ADVANCED = new Set([
  `${LLM}.architecture`,
  `${LLM}.data_type`,
  `${LLM}.cold_start_warmup_steps`,
  "head_dim",
  "rms_norm_eps",
  "rope_theta",
  "$more",
  "eps",
  "betas",
  "quantize_1bit",
  "compression_decay",
  "warmup_init_lr",
  "n_left_pad_zeros",
]);

export function isAdvanced(key: string): boolean {
  return ADVANCED.has(key) || ADVANCED.has(nameOf(key));
}

export interface StepOutline {
  title: string;
  basic: FormNode[];
  advanced: FormNode[];
}

/** The groups of a step, whole: what no group names is advanced in the last one of the step it belongs to. */
export function outlineOf(step: ConfigStep): StepOutline[] {
  const groups = GROUPS[step].map(({ title, paths }) => {
    const nodes = paths.map(nodeAt);
    return { title, basic: nodes.filter(({ key }) => !isAdvanced(key)), advanced: nodes.filter(({ key }) => isAdvanced(key)) };
  });
  const table = step === "rounds" ? "config" : step === "optimizer" ? LLM : null;
  if (table !== null) groups.at(-1)!.advanced.push(...unnamedIn(table));
  return groups;
}

/** The step on which the input at this path stands. */
export function stepOfPath(path: string): ConfigStep | "run" | "rewards" {
  if (path === "run_id") return "run";
  if (ELSEWHERE.has(path)) return "rewards";
  for (const [step, groups] of Object.entries(GROUPS) as [ConfigStep, readonly ConfigGroup[]][]) {
    if (groups.some(({ paths }) => paths.some((each) => path === each || path.startsWith(`${each}.`)))) return step;
  }
  return path.startsWith("config.") ? "rounds" : "optimizer";
}

function unnamedIn(table: string): FormNode[] {
  const named = new Set(Object.values(GROUPS).flatMap((groups) => groups.flatMap(({ paths }) => paths)));
  const node = nodeAt(table);
  return node.kind === "table" ? node.parts.filter(({ key }) => !named.has(key) && !ELSEWHERE.has(key)) : [];
}

function nodeAt(path: string): FormNode {
  let node: FormNode = RUN_FORM;
  for (const name of path.split(".")) {
    const part: FormNode | undefined = node.kind === "table" ? node.parts.find(({ key }) => nameOf(key) === name) : undefined;
    if (part === undefined) throw new Error(`the schema has no ${path}`);
    node = part;
  }
  return node;
}
