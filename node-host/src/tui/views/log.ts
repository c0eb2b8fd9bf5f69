/** The log: sentences with their time, the newest at the bottom. */
import { exactly, title } from "../layout.ts";
import type { LogLine } from "../model.ts";
import { clip, row, span, wrap, type Line, type Style } from "../text.ts";
import type { View } from "./frame.ts";

/** more rows than this a message takes nowhere: the whole of it is in the files */
const MOST_ROWS_A_MESSAGE = 6;

export function logView({ model, ui, columns, rows }: View): readonly Line[] {
  const lines = ui.troublesOnly ? model.troubles : model.log;
  const what = ui.troublesOnly ? "Warnings and errors (w shows everything)" : "Log (w: warnings only)";
  const room = rows - 1;
  // from the newest upwards, no further than is shown: most of a long log is never laid out
  const shown: Line[] = [];
  let first = lines.length;
  while (first > 0 && shown.length < room + ui.offset) shown.unshift(...logRows(lines[--first]!, columns));
  const offset = Math.min(ui.offset, Math.max(0, shown.length - room));
  const end = shown.length - offset;
  const where = offset > 0 ? ` · ${offset} rows below, end: newest` : first > 0 ? ` · ${first} earlier` : "";
  return [title(`${what}${where}`, columns), ...exactly(shown.slice(Math.max(0, end - room), end), columns, room)];
}

/** The newest lines that fit, one row each. */
export function logTail(lines: readonly LogLine[], width: number, rows: number): Line[] {
  return lines.slice(-rows).map((line) => oneRow(line, width));
}

function oneRow(line: LogLine, width: number): Line {
  return row(span(`${clock(line.atMs)} `, "dim"), span(clip(oneLine(line.text), Math.max(0, width - 9)), styleOf(line)));
}

export function oneLine(text: string): string {
  return text.replaceAll("\n", " · ");
}

function logRows(line: LogLine, width: number): Line[] {
  return wrap(line.text, Math.max(8, width - 9), MOST_ROWS_A_MESSAGE).map((text, i) =>
    row(span(i === 0 ? `${clock(line.atMs)} ` : " ".repeat(9), "dim"), span(text, styleOf(line))),
  );
}

function styleOf({ level }: LogLine): Style {
  return level === "error" ? "bad" : level === "warn" ? "warn" : "plain";
}

/** Local time of day. */
export function clock(atMs: number): string {
  const date = new Date(atMs);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
