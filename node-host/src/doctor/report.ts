/** The findings as text: one aligned line a check, what to do below it, one sentence at the end. */
import type { CheckResult, CheckStatus } from "./check.ts";

const MARKS: Readonly<Record<CheckStatus, string>> = { ok: "✓", warn: "!", fail: "✗", skip: "-" };
const WORDS: Readonly<Record<CheckStatus, string>> = { ok: "ok", warn: "warn", fail: "FAIL", skip: "skip" };
const COLOURS: Readonly<Record<CheckStatus, string>> = { ok: "32", warn: "33", fail: "31", skip: "2" };

export interface Look {
  /** marks and colours; words otherwise */
  isTerminal: boolean;
  columns: number;
  colours: boolean;
}

export function checkLines({ title, status, found, remedy }: CheckResult, titleWidth: number, look: Look): string[] {
  const paint = (text: string): string => (look.colours ? `\u001b[${COLOURS[status]}m${text}\u001b[0m` : text);
  const mark = look.isTerminal ? MARKS[status] : WORDS[status].padEnd(4);
  const indent = mark.length + 1 + titleWidth + 2;
  const width = Math.max(24, look.columns - indent);
  const [first, ...rest] = wrap(found, width);
  const pad = " ".repeat(indent);
  const lines = [
    `${paint(mark)} ${title.padEnd(titleWidth)}  ${status === "skip" ? paint(first) : first}`,
    ...rest.map((line) => pad + line),
  ];
  if (remedy !== undefined) {
    const [head, ...more] = wrap(remedy, width - 3);
    lines.push(`${pad}${paint("→")} ${head}`, ...more.map((line) => `${pad}  ${line}`));
  }
  return lines;
}

/** One sentence over all of it. */
export function summary(results: readonly CheckResult[]): string {
  const titles = (status: CheckStatus) => results.filter((r) => r.status === status).map((r) => r.title);
  const [failed, warned, skipped] = [titles("fail"), titles("warn"), titles("skip")];
  const apart = skipped.length > 0 ? `; ${skipped.length} skipped (not asked for, or not for this machine)` : "";
  if (failed.length > 0)
    return `${count(failed.length, "thing")} must be mended before this machine can train: ${failed.join(", ")}${apart}.`;
  if (warned.length > 0) return `This machine can train; ${count(warned.length, "thing")} could be better: ${warned.join(", ")}${apart}.`;
  return `Everything that was looked at is in order${apart}.`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
