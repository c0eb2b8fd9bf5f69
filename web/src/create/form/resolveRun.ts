/** The one resolver of the run form: the rules that the command line reads a config.toml by, in the same sentences. */
import { chainConfigIssues, readRunDraft, type RunConfig } from "@starling/config";
import type { FieldErrors, Resolver } from "react-hook-form";
import { documentOf, type FormValues } from "./formValues.ts";
import { pathOfIssue } from "./issuePath.ts";

/** What the account of a run's configuration holds (CHAIN_LIMITS.tomlBytes of the sdk; a test holds them together). */
export const MAX_CHAIN_TOML_BYTES = 8192;

export interface RunProblem {
  /** of the input in the form's values; null where none is meant */
  path: string | null;
  /** as the schema names it */
  key: string;
  /** for beside the input */
  rule: string;
  /** with key and value, for a summary */
  message: string;
  /** nothing was typed there yet */
  isMissing: boolean;
}

export interface ResolvedRun {
  /** null while something is wrong with its shape */
  config: RunConfig | null;
  problems: RunProblem[];
}

/** `forChain`: whole seconds, and a text that fits its account, are asked for too. */
export function resolveRun(values: FormValues, { forChain }: { forChain: boolean }): ResolvedRun {
  const { document, issues: broken } = documentOf(values);
  const { config, issues } = readRunDraft(document);
  const all = config !== null && forChain ? [...issues, ...chainConfigIssues(config, MAX_CHAIN_TOML_BYTES)] : issues;
  const problems = [
    ...broken.map(({ key, rule }) => ({ path: pathOfIssue(key), key, rule, message: `${key}: ${rule}`, isMissing: false })),
    ...all.map(({ key, rule, unit, message, value }) => ({
      path: pathOfIssue(key),
      key,
      rule: unit === null ? rule : `${rule} (unit: ${unit})`,
      message,
      isMissing: value === undefined && rule.startsWith("is required"),
    })),
  ];
  return { config: problems.length > 0 ? null : config, problems };
}

export function runResolver(forChain: boolean): Resolver<FormValues> {
  return (values) => {
    const { problems } = resolveRun(values, { forChain });
    if (problems.length === 0) return { values, errors: {} };
    return { values: {}, errors: errorsOf(problems) };
  };
}

/** As react-hook-form wants them: nested by path, the first problem of an input. */
export function errorsOf(problems: readonly RunProblem[]): FieldErrors<FormValues> {
  const errors: Record<string, unknown> = {};
  for (const { path, rule, isMissing } of problems) {
    const names = path?.split(".") ?? ["root", "document"];
    let at = errors;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    at[names.at(-1)!] ??= { type: isMissing ? "required" : "rule", message: rule };
  }
  return errors as FieldErrors<FormValues>;
}
