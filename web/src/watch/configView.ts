/** A run's configuration in plain words: labels, units and meanings are the schema's own, declared once in @starling/config. */
import { ConfigError, parseLlamaConfig, parseRunConfig, runConfigForm, type FormNode, type RunConfig } from "@starling/config";
import { learningRate, type LearningRateSchedule } from "@starling/sdk/schedule";
import { MachineError } from "@starling/sdk/machineError";
import type { ConfigGroup, ConfigView } from "./protocol.ts";

export interface ReadConfig {
  view: ConfigView;
  config: RunConfig | null;
  learningRate: (step: number, coldStartStep: number | null) => number | null;
}

export function readConfig(toml: string): ReadConfig {
  let config: RunConfig;
  try {
    config = parseRunConfig(toml, { source: "the run's configuration" });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { view: { toml, problem: error.message, model: null, groups: [] }, config: null, learningRate: () => null };
  }
  const view = { toml, problem: null, model: modelText(config), groups: configGroups(config) };
  return { view, config, learningRate: scheduleOf(config) };
}

function scheduleOf(config: RunConfig): ReadConfig["learningRate"] {
  const { lr_schedule, cold_start_warmup_steps: steps } = config.model.LLM;
  const [kind, value] = Object.entries(lr_schedule)[0]!;
  const schedule = { kind, ...value } as LearningRateSchedule;
  return (step, startStep) => {
    try {
      return learningRate(schedule, step, startStep !== null && steps > 0 ? { startStep, steps } : null);
    } catch (error) {
      if (error instanceof MachineError) return null;
      throw error;
    }
  };
}

/** One sentence about the model, where the configuration holds its shape. */
function modelText(config: RunConfig): string | null {
  const { checkpoint } = config.model.LLM;
  if (typeof checkpoint === "string" || !("Random" in checkpoint)) return null;
  try {
    const llama = parseLlamaConfig(checkpoint.Random.config);
    return `Llama with ${llama.numLayers} ${llama.numLayers === 1 ? "layer" : "layers"} of width ${llama.hiddenSize}, a vocabulary of ${llama.vocabSize} tokens, started from random weights`;
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

const TITLES: Record<string, string> = {
  config: "Rounds and epochs",
  "model.LLM": "Training",
  "model.LLM.checkpoint": "The model at the start",
  "model.LLM.data_location": "Data",
  "model.LLM.lr_schedule": "Learning rate",
};

/** Every key that the configuration sets or takes from the defaults, in the schema's order. */
export function configGroups(config: RunConfig): ConfigGroup[] {
  const groups: ConfigGroup[] = [];
  collect(runConfigForm(), config, { title: "Run", doc: "", rows: [] }, groups);
  return groups.filter(({ rows }) => rows.length > 0);
}

function collect(node: FormNode, value: unknown, group: ConfigGroup, groups: ConfigGroup[]): void {
  if (value === undefined) return;
  switch (node.kind) {
    case "field": {
      const { field } = node;
      group.rows.push({ key: node.key, label: field.label, value: show(value), unit: field.unit ?? null, doc: field.doc });
      return;
    }
    case "table": {
      const inner = node.key === "" || node.key === "model" ? group : begin(node.key, titleOf(node.key), node.doc, groups);
      if (inner === group && !groups.includes(group)) groups.push(group);
      for (const part of node.parts) collect(part, inside(value, part.key), inner, groups);
      return;
    }
    case "variants": {
      const kind = typeof value === "string" ? value : Object.keys(value as object)[0]!;
      const variant = node.variants.find(({ name }) => name === kind);
      const inner = begin(node.key, titleOf(node.key), variant?.doc ?? node.doc, groups);
      inner.rows.push({ key: node.key, label: "kind", value: kind, unit: null, doc: variant?.doc ?? node.doc });
      if (!variant?.part) return;
      const data = (value as Record<string, unknown>)[kind];
      if (variant.part.kind === "table") for (const part of variant.part.parts) collect(part, inside(data, part.key), inner, groups);
      else collect(variant.part, data, inner, groups);
      return;
    }
    case "list":
      group.rows.push({ key: node.key, label: last(node.key), value: `${(value as unknown[]).length} entries`, unit: null, doc: node.doc });
      return;
    case "json":
      group.rows.push({ key: node.key, label: last(node.key), value: show(value), unit: null, doc: node.doc });
      return;
    default:
      return node satisfies never;
  }
}

function begin(key: string, title: string, doc: string, groups: ConfigGroup[]): ConfigGroup {
  const group: ConfigGroup = { title: TITLES[key] ?? title, doc, rows: [] };
  groups.push(group);
  return group;
}

function inside(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | undefined)?.[key.slice(key.lastIndexOf(".") + 1)];
}

function last(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1).replaceAll("_", " ");
}

function titleOf(key: string): string {
  const text = last(key);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function show(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
  if (Array.isArray(value)) return value.length > 8 ? `${value.length} numbers` : value.map(show).join(", ");
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return String(value);
}
