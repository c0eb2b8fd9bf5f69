/** What a new configuration changes, key by key. */
import type { RunConfig } from "@starling/config";

export interface Change {
  /** as in config.toml */
  key: string;
  /** null: it was not there */
  before: string | null;
  /** null: it is left out */
  after: string | null;
}

/** In the order of the new configuration, what is gone last. `before`: null where there is none yet. */
export function configDiff(before: RunConfig | null, after: RunConfig): Change[] {
  const [old, next] = [flat(before ?? {}), flat(after)];
  return [...new Set([...next.keys(), ...old.keys()])]
    .map((key) => ({ key, before: old.get(key) ?? null, after: next.get(key) ?? null }))
    .filter((change) => change.before !== change.after);
}

function flat(value: unknown, key = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null && !isPlainList(value)) {
    for (const [name, inner] of Object.entries(value))
      flat(inner, key === "" ? name : Array.isArray(value) ? `${key}[${name}]` : `${key}.${name}`, into);
  } else if (value !== undefined && value !== null) into.set(key, typeof value === "string" ? value : JSON.stringify(value));
  return into;
}

/** Numbers and texts stand in one line; tables of a list each for themselves. */
function isPlainList(value: object): boolean {
  return Array.isArray(value) && value.every((item) => typeof item !== "object");
}
