/** `--log`: how much of the testnet's own lines is printed. Written as the existing system's filters are: `warn,starling=info`. */
import { HostError } from "../errors.ts";

const LEVELS = ["off", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LEVELS)[number];

/**
 * The level for `starling` in a filter of LEVEL and NAME=LEVEL parts; what is said for `starling` wins over the general level,
 * other names are accepted and have no effect. Errors: HostError bad-option.
 */
export function parseLogFilter(filter: string): LogLevel {
  let general: LogLevel = "info";
  let own: LogLevel | null = null;
  for (const part of filter.split(",").map((text) => text.trim())) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? null : part.slice(0, equals);
    const text = part.slice(equals + 1);
    const level = LEVELS.find((known) => known === text);
    if (level === undefined) {
      throw new HostError("bad-option", `--log ${filter}: "${part}" must be LEVEL or NAME=LEVEL, with a level of ${LEVELS.join(", ")}`);
    }
    if (name === null) general = level;
    else if (name === "starling") own = level;
  }
  return own ?? general;
}

/** Whether a line of level `line` is printed at `chosen`. */
export function isShown(line: LogLevel, chosen: LogLevel): boolean {
  return LEVELS.indexOf(line) <= LEVELS.indexOf(chosen);
}
