/**
 * Files of environment variables (`--env-file .env`), in the dialect that shells and dotenv share: `NAME=value` a line, `export`
 * in front or not, `#` comments, values bare, in '...' or in "..." (where \n, \", \\ are read), LF or CRLF.
 */
import { ConfigError, issue, type Issue } from "./errors.ts";

const MAX_ENV_FILE_CHARACTERS = 1 << 20;

/**
 * The variables of the text; of a name that stands there twice, the last. Names that no option has are left in: they may be another program's.
 * Errors: ConfigError `options` that names every line that is none; it shows no values, since they may be keys.
 */
export function parseEnvFile(text: string, source: string): Record<string, string> {
  if (text.length > MAX_ENV_FILE_CHARACTERS)
    throw new ConfigError("options", `${source} cannot be used: it has ${text.length} characters, the limit is ${MAX_ENV_FILE_CHARACTERS}`);
  const variables: Record<string, string> = {};
  const issues: Issue[] = [];
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n|\r/);
  lines.forEach((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) return;
    const found = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    const value = found === null ? null : readValue(found[2] ?? "");
    if (found === null || value === null) {
      const rule = found === null ? "must be NAME=value, a comment, or empty" : "a quote is not closed, or something follows it";
      issues.push(issue(`${source} line ${index + 1}`, undefined, rule));
    } else variables[found[1] ?? ""] = value;
  });
  if (issues.length > 0) throw new ConfigError("options", "The environment file cannot be used:", issues);
  return variables;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function readValue(text: string): string | null {
  const quote = text[0];
  if (quote === "'") return /^'([^']*)'\s*(?:#.*)?$/.exec(text)?.[1] ?? null;
  if (quote === '"') {
    const inner = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(text)?.[1];
    return inner?.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter) ?? null;
  }
  return text.replace(/(^|\s)#.*$/, "").trim();
}

/** What a process started with the file sees: its own environment wins, and an empty variable counts as not set. */
export function mergeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const set = Object.entries(environment).filter(([, value]) => (value ?? "").trim() !== "");
  return { ...file, ...Object.fromEntries(set) };
}
