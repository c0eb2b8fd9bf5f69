/**
 * What the inputs of a run config hold, and the document it means. The form is derived from the schema of `config.toml`, so a new key
 * appears here by itself. Inputs hold text: what is half typed is kept as it is, and an empty one means "left out".
 */
import { runConfigForm, type FormNode, type JsonObject } from "@starling/config";
import { readText } from "@starling/config/fieldSpec";

/**
 * A table is an object; an enum `{kind, [each variant]: its own values}`, so that going back to a variant finds what was typed there;
 * a model's config.json its known keys and `$more`, the rest as JSON text.
 */
export type FormValues = { [name: string]: FormValue };
export type FormValue = string | FormValues | FormValues[];

/** Where a JSON part keeps the keys that have no input of their own. */
export const MORE = "$more";

export const RUN_FORM = runConfigForm() as Extract<FormNode, { kind: "table" }>;

/** `model.LLM.max_seq_len` -> `max_seq_len`. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1).replace("[]", "");
}

/** A JSON part that cannot be read, at the key of its part. */
export interface FormIssue {
  key: string;
  rule: string;
}

/** The document these values mean; undefined where all of the part is left out. */
export function toDocument(node: FormNode, value: FormValue | undefined, issues: FormIssue[]): unknown {
  switch (node.kind) {
    case "field":
      return typeof value !== "string" || value.trim() === "" ? undefined : readText(node.field, value);
    case "table": {
      const out = partsOf(node.parts, valuesOf(value), issues);
      return !node.required && Object.keys(out).length === 0 ? undefined : out;
    }
    case "variants": {
      const values = valuesOf(value);
      const variant = node.variants.find(({ name }) => name === values["kind"]);
      if (variant === undefined) return undefined;
      return variant.part === null ? variant.name : { [variant.name]: toDocument(variant.part, values[variant.name], issues) };
    }
    case "list":
      return Array.isArray(value) ? value.map((item) => toDocument(node.item, item, issues)) : [];
    case "json": {
      const values = valuesOf(value);
      const known = partsOf(node.known, values, issues);
      return { ...moreOf(node.key, values[MORE], issues), ...known };
    }
  }
}

/** The document of a whole form. */
export function documentOf(values: FormValues): { document: JsonObject; issues: FormIssue[] } {
  const issues: FormIssue[] = [];
  return { document: toDocument(RUN_FORM, values, issues) as JsonObject, issues };
}

function partsOf(parts: readonly FormNode[], values: FormValues, issues: FormIssue[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const part of parts) {
    const name = nameOf(part.key);
    const inner = toDocument(part, values[name], issues);
    if (inner !== undefined) out[name] = inner;
  }
  return out;
}

function moreOf(key: string, text: FormValue | undefined, issues: FormIssue[]): JsonObject {
  if (typeof text !== "string" || text.trim() === "") return {};
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
    issues.push({ key: `${key}.${MORE}`, rule: "must be a JSON object, such as {}" });
  } catch (error) {
    issues.push({ key: `${key}.${MORE}`, rule: `is not JSON: ${(error as Error).message}` });
  }
  return {};
}

function valuesOf(value: FormValue | undefined): FormValues {
  return typeof value === "object" && !Array.isArray(value) ? value : {};
}

/** The inputs of a document, whole whatever the document lacks; what has no input in this form is left behind. */
export function fromDocument(node: FormNode, document: unknown): FormValue {
  const table = isObject(document) ? document : {};
  switch (node.kind) {
    case "field":
      return textOf(document);
    case "table":
      return fromParts(node.parts, table);
    case "variants": {
      const kind = typeof document === "string" ? document : (Object.keys(table)[0] ?? "");
      const out: FormValues = { kind: node.variants.some(({ name }) => name === kind) ? kind : "" };
      for (const { name, part } of node.variants) if (part) out[name] = fromDocument(part, name === kind ? table[name] : undefined);
      return out;
    }
    case "list":
      return Array.isArray(document) ? document.map((item) => fromDocument(node.item, item) as FormValues) : [];
    case "json": {
      const known = new Set(node.known.map(({ key }) => nameOf(key)));
      const more = Object.entries(table).filter(([key]) => !known.has(key));
      return { ...fromParts(node.known, table), [MORE]: more.length === 0 ? "" : JSON.stringify(Object.fromEntries(more), null, 2) };
    }
  }
}

export function valuesOfDocument(document: JsonObject): FormValues {
  return fromDocument(RUN_FORM, document) as FormValues;
}

/** Values that were stored, by an older page perhaps: what fits the form of today is kept, the rest is empty. */
export function adoptValues(node: FormNode, stored: unknown): FormValue {
  const table = isObject(stored) ? stored : {};
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const parts = (nodes: readonly FormNode[]): FormValues =>
    Object.fromEntries(nodes.map((part) => [nameOf(part.key), adoptValues(part, table[nameOf(part.key)])]));
  switch (node.kind) {
    case "field":
      return text(stored);
    case "table":
      return parts(node.parts);
    case "variants": {
      const out: FormValues = { kind: node.variants.some(({ name }) => name === table["kind"]) ? text(table["kind"]) : "" };
      for (const { name, part } of node.variants) if (part) out[name] = adoptValues(part, table[name]);
      return out;
    }
    case "list":
      return Array.isArray(stored) ? stored.map((item) => adoptValues(node.item, item) as FormValues) : [];
    case "json":
      return { ...parts(node.known), [MORE]: text(table[MORE]) };
  }
}

function fromParts(parts: readonly FormNode[], table: Record<string, unknown>): FormValues {
  return Object.fromEntries(parts.map((part) => [nameOf(part.key), fromDocument(part, table[nameOf(part.key)])]));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" || typeof value === "bigint"
    ? String(value)
    : "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
