/** The one reading of the run form: the rules that the command line reads a config.toml by, in the same sentences. */
import { chainConfigIssues, readRunDraft, type RunConfig } from "@starling/config";
import { documentOf, type FormValues } from "./formValues.ts";
import { pathOfIssue } from "./issuePath.ts";

/** What the account of a run's configuration holds (CHAIN_LIMITS.tomlBytes of the sdk; a test holds them together). */
export const MAX_CHAIN_TOML_BYTES = 8192;

export interface RunProblem {
  /** of the input in the form's values; null where none is meant */
  path: string | null;
  /** for beside the input */
  rule: string;
  /** with key and value, for a summary */
  message: string;
  /** nothing was typed there yet */
  isMissing: boolean;
}

export interface ResolvedRun {
  /** null while something is wrong */
  config: RunConfig | null;
  problems: RunProblem[];
}

/** `forChain`: whole seconds, and a text that fits its account, are asked for too. */
export function resolveRun(values: FormValues, { forChain }: { forChain: boolean }): ResolvedRun {
  const { document, issues: broken } = documentOf(values);
  const { config, issues } = readRunDraft(document);
  const all = config !== null && forChain ? [...issues, ...chainConfigIssues(config, MAX_CHAIN_TOML_BYTES)] : issues;
  const problems = [
    ...broken.map(({ key, rule }) => ({ path: pathOfIssue(key), rule, message: `${key}: ${rule}`, isMissing: false })),
    ...all.map(({ key, rule, unit, message, value }) => ({
      path: pathOfIssue(key),
      rule: unit === null ? rule : `${rule} (unit: ${unit})`,
      message,
      isMissing: value === undefined && rule.startsWith("is required"),
    })),
  ];
  return { config: problems.length > 0 ? null : config, problems };
}
