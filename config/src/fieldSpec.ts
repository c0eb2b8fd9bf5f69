/**
 * The description of one value: type, unit, default, range, doc. Command-line options and run-config keys are both made of
 * these, so a range is written once and the parser, the help, the docs page and the web form all read the same line.
 */

interface Common<V> {
  doc: string;
  /** `s`, `clients`, `bytes`, `path`... */
  unit?: string;
  default?: V;
  /** absent and without a default it stays undefined; neither `optional` nor `default` means required */
  optional?: true;
  /** a rule the range cannot say: returns the rule broken ("must ..."), or null */
  check?: (value: never) => string | null;
}

export interface IntegerSpec extends Common<number> {
  type: "integer";
  min?: number;
  max?: number;
}
export interface NumberSpec extends Common<number> {
  type: "number";
  min?: number;
  max?: number;
  /** strictly greater than */
  above?: number;
  /** strictly less than */
  below?: number;
  /** the value is a whole number of 1/n: 1000 for seconds that become milliseconds */
  parts?: number;
}
export interface StringSpec extends Common<string> {
  type: "string";
  /** UTF-8 bytes */
  minBytes?: number;
  maxBytes?: number;
}
export interface BooleanSpec extends Common<boolean> {
  type: "boolean";
}
export interface ChoiceSpec extends Common<string> {
  type: "choice";
  choices: readonly string[];
}
export interface ListSpec extends Common<readonly number[] | readonly string[]> {
  type: "integers" | "numbers" | "strings";
  min?: number;
  max?: number;
  below?: number;
  minLength?: number;
  maxLength?: number;
}
export type FieldSpec = IntegerSpec | NumberSpec | StringSpec | BooleanSpec | ChoiceSpec | ListSpec;

/** The TypeScript type of a field's value. */
export type FieldValue<S> = S extends { type: "integer" | "number" }
  ? number
  : S extends { type: "string" }
    ? string
    : S extends { type: "boolean" }
      ? boolean
      : S extends { type: "choice"; choices: readonly (infer C)[] }
        ? C
        : S extends { type: "integers" | "numbers" }
          ? readonly number[]
          : S extends { type: "strings" }
            ? readonly string[]
            : never;

/** What the value must be, in words: `an integer from 1 to 256`. */
export function ruleText(spec: FieldSpec): string {
  switch (spec.type) {
    case "integer":
      return `an integer${range(spec)}`;
    case "number": {
      const fraction = spec.parts === undefined ? "" : `, in steps of 1/${spec.parts}`;
      return `a number${range(spec)}${fraction}`;
    }
    case "string": {
      const { minBytes, maxBytes } = spec;
      if (maxBytes !== undefined) return `text of ${minBytes ?? 0} to ${maxBytes} bytes`;
      if (minBytes === undefined) return "text";
      return minBytes === 1 ? "text that is not empty" : `text of at least ${minBytes} bytes`;
    }
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${spec.choices.join(", ")}`;
    case "integers":
    case "numbers":
    case "strings": {
      const { minLength, maxLength } = spec;
      let count = "";
      if (minLength !== undefined && minLength === maxLength) count = `${minLength} `;
      else if (maxLength !== undefined) count = `${minLength ?? 0} to ${maxLength} `;
      else if (minLength !== undefined) count = `at least ${minLength} `;
      return `a list of ${count}${spec.type}${range(spec)}`;
    }
  }
}

function range(spec: { min?: number; max?: number; above?: number; below?: number }): string {
  const { min, max, above, below } = spec;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  const bounds = [
    min === undefined ? "" : `at least ${min}`,
    above === undefined ? "" : `above ${above}`,
    max === undefined ? "" : `at most ${max}`,
    below === undefined ? "" : `below ${below}`,
  ].filter((bound) => bound !== "");
  return bounds.length === 0 ? "" : ` that is ${bounds.join(" and ")}`;
}

/** The rule that `value` breaks ("must be ..."), or null when it is good. Never throws, whatever the value is. */
export function brokenRule(spec: FieldSpec, value: unknown): string | null {
  if (!hasType(spec, value)) return `must be ${ruleText(spec)}`;
  return spec.check === undefined ? null : spec.check(value as never);
}

function hasType(spec: FieldSpec, value: unknown): boolean {
  switch (spec.type) {
    case "integer":
      return Number.isSafeInteger(value) && inRange(spec, value as number);
    case "number":
      return typeof value === "number" && Number.isFinite(value) && inRange(spec, value) && isWholeParts(value, spec.parts);
    case "string":
      return typeof value === "string" && hasLength(spec, value);
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && spec.choices.includes(value);
    case "integers":
    case "numbers":
    case "strings":
      return (
        Array.isArray(value) &&
        value.length >= (spec.minLength ?? 0) &&
        value.length <= (spec.maxLength ?? 4096) &&
        value.every((item: unknown) => {
          if (spec.type === "strings") return typeof item === "string";
          const numeric = spec.type === "integers" ? Number.isSafeInteger(item) : Number.isFinite(item);
          return numeric && inRange(spec, item as number);
        })
      );
  }
}

function inRange(spec: { min?: number; max?: number; above?: number; below?: number }, value: number): boolean {
  return (
    value >= (spec.min ?? -Infinity) &&
    value <= (spec.max ?? Infinity) &&
    value > (spec.above ?? -Infinity) &&
    value < (spec.below ?? Infinity)
  );
}

function isWholeParts(value: number, parts: number | undefined): boolean {
  if (parts === undefined) return true;
  const scaled = value * parts;
  // 0.3 * 1000 is not 300 in binary; allow the rounding of one multiplication
  return Math.abs(scaled - Math.round(scaled)) <= Math.abs(scaled) * 2 ** -50;
}

function hasLength(spec: StringSpec, value: string): boolean {
  // a UTF-16 unit is at most 3 UTF-8 bytes: only text near the limit is encoded to be measured
  if (spec.maxBytes !== undefined && value.length > spec.maxBytes) return false;
  const bytes = new TextEncoder().encode(value).length;
  return bytes >= (spec.minBytes ?? 0) && bytes <= (spec.maxBytes ?? Infinity);
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** Reads a value from command-line or environment text; what cannot be read comes back as text, for `brokenRule` to refuse. */
export function readText(spec: Pick<FieldSpec, "type">, text: string): unknown {
  const number = (part: string): unknown => (DECIMAL.test(part) ? Number(part) : part);
  switch (spec.type) {
    case "integer":
    case "number":
      return number(text.trim());
    case "boolean":
      return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : text;
    case "integers":
    case "numbers":
      return text.trim() === "" ? [] : text.split(",").map((part) => number(part.trim()));
    case "strings":
      return text.trim() === "" ? [] : text.split(",").map((part) => part.trim());
    case "string":
    case "choice":
      return text;
  }
}

/** A default as help and docs show it. */
export function showDefault(spec: FieldSpec): string {
  if (spec.default === undefined) return spec.optional === true ? "none" : "required";
  if (Array.isArray(spec.default)) return spec.default.length === 0 ? "none" : spec.default.join(",");
  return String(spec.default);
}
