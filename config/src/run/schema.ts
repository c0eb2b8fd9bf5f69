/**
 * The shapes a run config is made of, and the one walk that checks a parsed TOML document against them.
 * Enum variants follow the existing system's files: a variant without data is its name (`checkpoint = "Ephemeral"`),
 * a variant with data is a table of one key (`[model.LLM.checkpoint.Hub]`).
 */
import { issue, type Issue } from "../errors.ts";
import { brokenRule, ruleText, type FieldSpec, type FieldValue } from "../fieldSpec.ts";
import { suggestion } from "../nearest.ts";

export interface TableSpec {
  type: "table";
  doc: string;
  fields: Readonly<Record<string, Spec>>;
  optional?: true;
  /** keys that other programs write here and that mean nothing to a config */
  ignored?: readonly string[];
}
export interface TaggedSpec {
  type: "tagged";
  doc: string;
  variants: Readonly<Record<string, VariantSpec>>;
}
/** A variant without data. */
export interface UnitSpec {
  type: "unit";
  doc: string;
}
/** A table of any keys, or a path to a JSON file with them; what is inside is checked by whoever reads it. */
export interface JsonSpec {
  type: "json";
  doc: string;
  /** keys a form asks for; they check nothing here */
  known?: Readonly<Record<string, FieldSpec>>;
}
/** Several tables of one kind. */
export interface TableListSpec {
  type: "list";
  doc: string;
  item: TableSpec;
  minLength: number;
  maxLength: number;
}
export type VariantSpec = UnitSpec | FieldSpec | TableSpec | TaggedSpec;
export type Spec = FieldSpec | TableSpec | TaggedSpec | TableListSpec | JsonSpec;

export type JsonObject = { readonly [key: string]: unknown };

type OptionalKey<F> = {
  [K in keyof F]: F[K] extends { default: unknown } ? never : F[K] extends { optional: true } ? K : never;
}[keyof F];
type Flat<T> = { [K in keyof T]: T[K] };

/** The value type of a spec, in the shape and with the names of the TOML file. */
export type Infer<S> = S extends { type: "table"; fields: infer F }
  ? Flat<
      { -readonly [K in Exclude<keyof F, OptionalKey<F>>]: Infer<F[K]> } & {
        -readonly [K in OptionalKey<F>]?: Infer<F[K]> | undefined;
      }
    >
  : S extends { type: "tagged"; variants: infer V }
    ? { [K in keyof V]: V[K] extends { type: "unit" } ? K : { [P in K]: Infer<V[K]> } }[keyof V]
    : S extends { type: "list"; item: infer I }
      ? Infer<I>[]
      : S extends { type: "json" }
        ? string | JsonObject
        : FieldValue<S>;

type Variant<T> = T extends string ? { kind: T; value: null } : { [K in keyof T]: { kind: K; value: T[K] } }[keyof T];

/** Opens an enum value for a `switch` on `kind`: `"Dummy"` -> {kind: "Dummy", value: null}, `{Local: d}` -> {kind: "Local", value: d}. */
export function variantOf<T extends string | object>(tagged: T): Variant<T> {
  if (typeof tagged === "string") return { kind: tagged, value: null } as Variant<T>;
  const [kind, value] = Object.entries(tagged)[0] ?? [];
  return { kind, value } as Variant<T>;
}

export function isTable(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/**
 * Checks `value` against `spec`, fills in defaults and appends every problem to `issues`. Where there is a problem the
 * returned part is undefined or partial: use the result only when no issue was added.
 */
export function readSpec(spec: Spec, value: unknown, key: string, issues: Issue[]): unknown {
  switch (spec.type) {
    case "table":
      return readTable(spec, value, key, issues);
    case "tagged":
      return readTagged(spec, value, key, issues);
    case "list":
      return readList(spec, value, key, issues);
    case "json":
      if (typeof value === "string" || isTable(value)) return value;
      issues.push(issue(key, value, value === undefined ? "is required: a table, or a path" : "must be a table, or a path"));
      return undefined;
    default:
      return readField(spec, value, key, issues);
  }
}

function readField(spec: FieldSpec, value: unknown, key: string, issues: Issue[]): unknown {
  if (value === undefined) {
    if (spec.default === undefined && spec.optional !== true) {
      issues.push(issue(key, undefined, `is required: ${ruleText(spec)}`, spec.unit ?? null));
    }
    return spec.default;
  }
  const rule = brokenRule(spec, value);
  if (rule !== null) {
    issues.push(issue(key, value, rule, spec.unit ?? null));
    return undefined;
  }
  return value;
}

function readTable(spec: TableSpec, value: unknown, key: string, issues: Issue[]): unknown {
  if (value === undefined && spec.optional === true) return undefined;
  if (!isTable(value)) {
    const rule = value === undefined ? "is required: a table" : "must be a table";
    issues.push(issue(key, value, `${rule} with ${Object.keys(spec.fields).join(", ")}`));
    return undefined;
  }
  const known = Object.keys(spec.fields);
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(spec.fields, name) || spec.ignored?.includes(name)) continue;
    issues.push(issue(join(key, name), value[name], `is not a known key${suggestion(name, known)}`));
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(spec.fields)) {
    const read = readSpec(field, Object.hasOwn(value, name) ? value[name] : undefined, join(key, name), issues);
    if (read !== undefined) result[name] = read;
  }
  return result;
}

function readList(spec: TableListSpec, value: unknown, key: string, issues: Issue[]): unknown {
  const { minLength, maxLength } = spec;
  if (!Array.isArray(value) || value.length < minLength || value.length > maxLength) {
    issues.push(issue(key, value, `${value === undefined ? "is required:" : "must be"} a list of ${minLength} to ${maxLength} tables`));
    return undefined;
  }
  return value.map((item: unknown, i) => readTable(spec.item, item, `${key}[${i}]`, issues));
}

function readTagged(spec: TaggedSpec, value: unknown, key: string, issues: Issue[]): unknown {
  const names = Object.keys(spec.variants);
  if (value === undefined) {
    issues.push(issue(key, undefined, `is required: one of ${names.join(", ")}`));
    return undefined;
  }
  const tags = typeof value === "string" ? [value] : isTable(value) ? Object.keys(value) : [];
  const tag = tags[0];
  if (tag === undefined || tags.length !== 1) {
    issues.push(issue(key, value, `must be exactly one of ${names.join(", ")}`));
    return undefined;
  }
  const variant = Object.hasOwn(spec.variants, tag) ? spec.variants[tag] : undefined;
  if (variant === undefined) {
    issues.push(issue(key, tag, `must be one of ${names.join(", ")}${suggestion(tag, names)}`));
    return undefined;
  }
  if (variant.type === "unit") {
    if (typeof value === "string") return value;
    issues.push(issue(key, value, `must be the text "${tag}": this variant has no data`));
    return undefined;
  }
  if (typeof value === "string") {
    issues.push(issue(key, value, `needs its data: write ${variant.type === "table" ? `[${key}.${tag}]` : `[${key}] ${tag} = ...`}`));
    return undefined;
  }
  const inner = readSpec(variant, isTable(value) ? value[tag] : undefined, join(key, tag), issues);
  return inner === undefined ? undefined : { [tag]: inner };
}

function join(key: string, name: string): string {
  return key === "" ? name : `${key}.${name}`;
}

/**
 * The value as an object for a TOML writer that prints bigint as integer and number as float, which is what the existing
 * system's reader wants: there `0` is not a float and `30.0` is not an integer. Whole seconds are written as integers.
 */
export function toTomlValue(spec: Spec, value: unknown): unknown {
  switch (spec.type) {
    case "table": {
      const table = value as JsonObject;
      const out: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(spec.fields)) {
        if (table[name] !== undefined) out[name] = toTomlValue(field, table[name]);
      }
      return out;
    }
    case "tagged": {
      const { kind, value: inner } = variantOf(value as string | Record<string, unknown>);
      const variant = spec.variants[kind];
      return variant === undefined || variant.type === "unit" ? kind : { [kind]: toTomlValue(variant, inner) };
    }
    case "list":
      return (value as readonly unknown[]).map((item) => toTomlValue(spec.item, item));
    case "json":
      return jsonToToml(value);
    case "integer":
      return BigInt(value as number);
    case "number":
      return spec.parts !== undefined && Number.isInteger(value) ? BigInt(value as number) : value;
    case "integers":
      return (value as readonly number[]).map(BigInt);
    default:
      return value;
  }
}

/** TOML has no null: a key that is null in JSON is left out, which every reader of these files takes to mean the same. */
function jsonToToml(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(jsonToToml);
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === null ? [] : [[k, jsonToToml(v)]])));
}
