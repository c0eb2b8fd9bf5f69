/** Text for a terminal: styled spans, clipping to a width, and how quantities are written. */

import { stripVTControlCharacters } from "node:util";

/** What a span means; `app.ts` decides how that looks. */
export type Style = "plain" | "dim" | "bold" | "accent" | "good" | "warn" | "bad" | "selected";

export interface Span {
  text: string;
  style: Style;
}

/** One row of the screen. */
export type Line = readonly Span[];

export function span(text: string, style: Style = "plain"): Span {
  return { text, style };
}

/** A row of plain text and spans. */
export function row(...parts: readonly (string | Span)[]): Line {
  return parts.map((part) => (typeof part === "string" ? span(part) : part));
}

/** What moves a cursor, turns the direction of writing or takes no room. */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
/** East Asian wide and fullwidth letters, and what lies beyond the basic plane (emoji): two cells each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{10000}-\u{10ffff}]/u;
const COMBINING = /\p{Mark}/u;

/** Only what takes room: nothing in it moves the cursor. Lines stay lines. */
export function printable(text: string): string {
  const lines = stripVTControlCharacters(text).replaceAll("\t", " ").split("\n");
  return lines.map((line) => line.replaceAll(INVISIBLE, "").trimEnd()).join("\n");
}

/** Cells that one character takes on a terminal: 0, 1 or 2. */
function cellsOf(character: string): number {
  const code = character.codePointAt(0)!;
  // Latin, and what charts and bars are made of: nearly everything here
  if (code < 0x300 || (code >= 0x2500 && code < 0x2900)) return 1;
  return COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}

export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += cellsOf(character);
  return cells;
}

/** At most `width` cells; what does not fit is cut and marked by an ellipsis. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return "";
  let out = "";
  let cells = 0;
  for (const character of text) {
    if (cells + cellsOf(character) > width - 1) break;
    out += character;
    cells += cellsOf(character);
  }
  return `${out}…`;
}

export function pad(text: string, width: number): string {
  const clipped = clip(text, width);
  return clipped + " ".repeat(Math.max(0, width - widthOf(clipped)));
}

export function padLeft(text: string, width: number): string {
  const clipped = clip(text, width);
  return " ".repeat(Math.max(0, width - widthOf(clipped))) + clipped;
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** Exactly `width` cells: cut or filled up. */
export function fit(line: Line, width: number): Line {
  const out: Span[] = [];
  let left = width;
  for (const { text, style } of line) {
    if (left <= 0) break;
    const clipped = clip(text, left);
    out.push({ text: clipped, style });
    left -= widthOf(clipped);
    if (clipped !== text) break;
  }
  if (left > 0) out.push(span(" ".repeat(left)));
  return out;
}

/** `left` at the left and as much of `right` as fits behind it at the right edge. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - lineWidth(left) - lineWidth(right);
  return gap >= 1 ? [...left, span(" ".repeat(gap)), ...right] : fit(left, width);
}

/** Words of `text` in rows of at most `width` cells, at most `rows` of them. */
export function wrap(text: string, width: number, rows: number): string[] {
  const out: string[] = [];
  let current = "";
  for (const word of text.replaceAll("\n", " \n ").split(" ")) {
    if (word === "\n") {
      if (current !== "") out.push(current);
      current = "";
      continue;
    }
    const longer = current === "" ? word : `${current} ${word}`;
    if (widthOf(longer) <= width) current = longer;
    else {
      if (current !== "") out.push(current);
      current = word;
    }
    if (out.length >= rows) break;
  }
  if (out.length < rows && current !== "") out.push(current);
  else if (out.length >= rows) out[rows - 1] = clip(`${out[rows - 1]} …`, width);
  return out.slice(0, rows).map((line) => clip(line, width));
}

/** `12.3 kB`, powers of 1,000. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** `1,234`, `12.3k`, `4.56M`. */
export function count(value: number): string {
  if (value < 10_000) return Math.round(value).toLocaleString("en");
  if (value < 1e6) return `${(value / 1e3).toFixed(1)}k`;
  if (value < 1e9) return `${(value / 1e6).toFixed(2)}M`;
  return `${(value / 1e9).toFixed(2)}G`;
}

/** `0.4 s`, `12 s`, `3:05`, `2:03:05`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `width` cells, filled to `share` in [0, 1]. */
export function bar(share: number, width: number, style: Style = "accent"): Line {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const filled = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
  return [span(filled, style), span("·".repeat(width - widthOf(filled)), "dim")];
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** The newest `width` values as a row of blocks, from 0 to the greatest of them. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const greatest = Math.max(...shown, Number.MIN_VALUE);
  return shown.map((value) => LEVELS[Math.min(7, Math.floor((Math.max(0, value) / greatest) * 7.999))]!).join("");
}
