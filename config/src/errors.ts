/** One thing that is wrong with a value someone gave. */
export interface Issue {
  /** where: `config.warmup_time`, `--num-clients`, `NUM_CLIENTS` */
  key: string;
  /** what came; undefined when the key is missing */
  value: unknown;
  /** the rule it breaks, as words that follow "key = value: " */
  rule: string;
  unit: string | null;
  /** key, value, rule and unit in one sentence */
  message: string;
}

/**
 * - `toml`: the text is not TOML
 * - `run-config`: the run config breaks rules
 * - `options`: command line or environment break rules
 * - `model-config`: a Hugging Face config.json is not a Llama we can run
 * - `page-config`: the page's config.json breaks its shape
 * - `not-found`: no such config file, directory or preset
 * - `definition`: an option set contradicts itself (a bug of ours, found when the module loads)
 */
export type ConfigErrorCode = "toml" | "run-config" | "options" | "model-config" | "page-config" | "not-found" | "definition";

/** The one error class of this room. `issues` lists every problem found, not only the first. */
export class ConfigError extends Error {
  readonly code: ConfigErrorCode;
  readonly issues: readonly Issue[];

  constructor(code: ConfigErrorCode, headline: string, issues: readonly Issue[] = [], cause?: unknown) {
    const lines = issues.map((issue) => `  ${issue.message}`);
    super([headline, ...lines].join("\n"), cause === undefined ? undefined : { cause });
    this.name = "ConfigError";
    this.code = code;
    this.issues = issues;
  }
}

/** Builds an issue whose message names key, value, rule and unit. */
export function issue(key: string, value: unknown, rule: string, unit: string | null = null): Issue {
  const subject = value === undefined ? key : `${key} = ${show(value)}`;
  return { key, value, rule, unit, message: `${subject}: ${rule}${unit === null ? "" : ` (unit: ${unit})`}` };
}

/** A value as it may stand in an error message: short, whatever it is. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === "bigint") text = String(value);
  else if (value instanceof Date) text = value.toISOString();
  else {
    try {
      // JSON has no NaN or Infinity; a message that printed them as null would mislead
      text = typeof value === "number" && !Number.isFinite(value) ? String(value) : (JSON.stringify(value) ?? String(value));
    } catch {
      text = String(value);
    }
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
