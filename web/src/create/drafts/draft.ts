/** A run that is being made: everything that was typed, and how far sending it has come. Kept as JSON in localStorage. */
import { readRunDraft, readTomlDocument, type JsonObject } from "@starling/config";
import { pathOfIssue } from "../form/issuePath.ts";
import { adoptValues, RUN_FORM, valuesOfDocument, type FormValues } from "../form/formValues.ts";

export interface Draft {
  version: 1;
  id: string;
  createdMs: number;
  updatedMs: number;
  /** where it began, in words: "the preset test", "the file config.toml" */
  origin: string;
  /** what of the imported text has no place in the form, until it was read */
  notes: string[];
  /** name of the cluster it is made for; null: a server, for which a config.toml is made */
  cluster: string | null;
  name: string;
  description: string;
  config: FormValues;
  access: Access;
  rewards: Rewards;
  /** whether the run starts with the last transaction */
  startNow: boolean;
  sent: Sent;
}

export interface Access {
  mode: "public" | "private";
  /** who grants; empty: the wallet that creates the run */
  joinAuthority: string;
  /** addresses that may join a private run, one a line */
  grantees: string;
  /** SOL */
  minBond: string;
}

/** Amounts are text as typed, in tokens (points where there are no rewards). */
export interface Rewards {
  mode: "none" | "mint" | "new-mint";
  mint: string;
  decimals: string;
  supply: string;
  earning: string;
  slashing: string;
  topUp: string;
}

export interface Sent {
  /** the wallet that sends; null before the first transaction */
  owner: string | null;
  /** of the token that was created for this run, told before the transaction is sent */
  mint: string | null;
  /** steps that are done, by name, for the list to show at once; the chain has the last word */
  done: string[];
}

/** Sending it has begun, so that it may be known to the chain: a deleted draft could not be gone on with. A step can be several transactions. */
export const hasSent = ({ sent }: Draft): boolean => sent.owner !== null || sent.mint !== null || sent.done.length > 0;

export interface NewDraft {
  id: string;
  nowMs: number;
  origin: string;
  cluster: string | null;
  config: FormValues;
  notes?: string[];
}

/** Eight hex digits. Also in a page over plain http, which has no randomUUID. */
export const newDraftId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Other rewards; a step that sent what is not wanted any more is to be done again. */
export function changedRewards({ rewards: before, sent }: Draft, change: Partial<Rewards>): Pick<Draft, "rewards" | "sent"> {
  const rewards = { ...before, ...change };
  const isStale = (step: string): boolean =>
    (step === "config" && (rewards.earning !== before.earning || rewards.slashing !== before.slashing)) ||
    (step === "top-up" && rewards.topUp !== before.topUp);
  return { rewards, sent: { ...sent, done: sent.done.filter((step) => !isStale(step)) } };
}

export function newDraft({ id, nowMs, origin, cluster, config, notes = [] }: NewDraft): Draft {
  return {
    version: 1,
    id,
    createdMs: nowMs,
    updatedMs: nowMs,
    origin,
    notes,
    cluster,
    name: "",
    description: "",
    config,
    access: { mode: "public", joinAuthority: "", grantees: "", minBond: "" },
    rewards: {
      mode: "none",
      mint: "",
      decimals: "6",
      supply: "1000000",
      earning: numberOf(config, "earning_rate_total_shared"),
      slashing: numberOf(config, "slashing_rate_per_client"),
      topUp: "",
    },
    startNow: true,
    sent: { owner: null, mint: null, done: [] },
  };
}

function numberOf(values: FormValues, name: string): string {
  const config = values["config"];
  const text = typeof config === "object" && !Array.isArray(config) ? config[name] : "";
  return typeof text === "string" && text !== "0" ? text : "";
}

/** A TOML text as inputs, as far as it has what they ask for. Throws ConfigError `toml`. */
export function valuesOfToml(toml: string, source: string): FormValues {
  return importToml(toml, source).values;
}

/** The same, with what of the text no input can hold, in sentences. */
export function importToml(toml: string, source: string): { values: FormValues; notes: string[] } {
  const document = readTomlDocument(toml, { source });
  const notes = readRunDraft(document).issues.flatMap(({ key, value, message }) =>
    value !== undefined && pathOfIssue(key) === null ? [message] : [],
  );
  const modelFile = modelFileOf(document);
  if (modelFile !== null) {
    notes.push(`the model's config.json is named by a path, ${modelFile}, which a page cannot read: load that file on the step Model`);
  }
  return { values: valuesOfDocument(document), notes };
}

function modelFileOf(document: JsonObject): string | null {
  let at: unknown = document;
  for (const name of ["model", "LLM", "checkpoint", "Random", "config"]) at = record(at)[name];
  return typeof at === "string" ? at : null;
}

/** Null where `text` is no draft. Parts of another version that fit are kept. */
export function readDraft(text: string): Draft | null {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    return null;
  }
  const from = record(stored);
  const id = from["id"];
  if (typeof id !== "string" || id === "") return null;
  const empty = newDraft({ id, nowMs: 0, origin: "", cluster: null, config: adoptValues(RUN_FORM, from["config"]) as FormValues });
  const sent = record(from["sent"]);
  return {
    ...empty,
    ...like(empty, from),
    version: 1,
    notes: texts(from["notes"]),
    cluster: typeof from["cluster"] === "string" ? from["cluster"] : null,
    config: empty.config,
    access: {
      ...empty.access,
      ...like(empty.access, record(from["access"])),
      mode: record(from["access"])["mode"] === "private" ? "private" : "public",
    },
    rewards: { ...empty.rewards, ...like(empty.rewards, record(from["rewards"])), mode: rewardsMode(record(from["rewards"])["mode"]) },
    sent: {
      owner: typeof sent["owner"] === "string" ? sent["owner"] : null,
      mint: typeof sent["mint"] === "string" ? sent["mint"] : null,
      done: texts(sent["done"]),
    },
  };
}

const rewardsMode = (mode: unknown): Rewards["mode"] => (mode === "mint" || mode === "new-mint" ? mode : "none");

/** Those plain values of `from` that have the type `model` has. */
function like<T extends object>(model: T, from: Record<string, unknown>): Partial<T> {
  return Object.fromEntries(
    Object.entries(model).flatMap(([name, value]) =>
      typeof value !== "object" && typeof from[name] === typeof value ? [[name, from[name]]] : [],
    ),
  ) as Partial<T>;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
