/** Which form of output a command has: as asked, else the display where there is a terminal for it. */

export type LogForm = "tui" | "console" | "json";

export interface LogOptions {
  logs: LogForm | undefined;
  tui: boolean | undefined;
  headless?: boolean;
}

export interface TerminalFacts {
  isTerminal: boolean;
  /** the variable TERM */
  term: string | undefined;
}

/** `complaint`: a sentence where the display was asked for and cannot be. */
export function chooseLogForm(
  { logs, tui, headless = false }: LogOptions,
  terminal: TerminalFacts = { isTerminal: process.stdout.isTTY && process.stdin.isTTY, term: process.env["TERM"] },
): { form: LogForm; complaint: string | null } {
  const asked = logs ?? (tui === undefined ? undefined : tui ? "tui" : "console");
  const possible = terminal.isTerminal && terminal.term !== "dumb" && !headless;
  if (asked === undefined) return { form: possible ? "tui" : "console", complaint: null };
  if (asked !== "tui" || possible) return { form: asked, complaint: null };
  const why = headless ? "--headless wants none" : "this is no terminal";
  // a default for every run, such as a variable, is no reason to complain
  return { form: "console", complaint: logs === "tui" && !headless ? `--logs tui: ${why}, so sentences are printed instead` : null };
}
