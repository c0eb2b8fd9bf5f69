/** A line chart in braille dots (2 x 4 to a cell), with labelled axes and single points marked in it. */
import type { Point } from "./series.ts";
import { fit, padLeft, row, span, type Line, type Span } from "./text.ts";

export interface ChartData {
  line: readonly Point[];
  /** drawn as marks over the line */
  marks: readonly Point[];
  /** what x counts, such as `step` */
  xUnit: string;
}

const MARK = "◆";
const LABEL_WIDTH = 7;

/** Exactly `height` rows of `width` cells: at least 12 x 3, or it is empty rows. */
export function chart({ line, marks, xUnit }: ChartData, width: number, height: number): Line[] {
  const plotRows = height - 1;
  const plotColumns = width - LABEL_WIDTH - 1;
  const all = [...line, ...marks];
  if (plotRows < 2 || plotColumns < 4) return Array.from({ length: height }, () => fit([], width));
  if (all.length === 0) {
    const rows = Array.from({ length: height }, () => fit([], width));
    rows[Math.floor(height / 2)] = fit(row(" ".repeat(Math.max(0, Math.floor(width / 2) - 8)), span("nothing yet", "dim")), width);
    return rows;
  }
  const [xMin, xMax] = range(all.map((p) => p.x));
  const [yMin, yMax] = range(all.map((p) => p.y));
  const dotColumns = plotColumns * 2;
  const dotRows = plotRows * 4;
  const column = (x: number) => Math.round(((x - xMin) / Math.max(1e-9, xMax - xMin)) * (dotColumns - 1));
  const rowOf = (y: number) => Math.round((1 - (y - yMin) / Math.max(1e-9, yMax - yMin)) * (dotRows - 1));

  const cells = new Uint8Array(plotRows * plotColumns);
  let before: { x: number; y: number } | null = null;
  for (const point of line) {
    const here = { x: column(point.x), y: rowOf(point.y) };
    for (const dot of before === null ? [here] : between(before, here)) {
      const at = (dot.y >> 2) * plotColumns + (dot.x >> 1);
      cells[at] = cells[at]! | DOTS[dot.y & 3]![dot.x & 1]!;
    }
    before = here;
  }
  const marked = new Set(marks.map((p) => (rowOf(p.y) >> 2) * plotColumns + (column(p.x) >> 1)));

  const digits = yMax - yMin < 0.05 ? 4 : yMax - yMin < 5 ? 2 : 1;
  const labelled = new Set([0, plotRows - 1, ...(plotRows >= 7 ? [Math.floor((plotRows - 1) / 2)] : [])]);
  const rows: Line[] = [];
  for (let r = 0; r < plotRows; r++) {
    const value = yMax - ((yMax - yMin) * r) / (plotRows - 1);
    const label = labelled.has(r) ? value.toFixed(digits) : "";
    rows.push([span(`${padLeft(label, LABEL_WIDTH - 1)} ${labelled.has(r) ? "┤" : "│"}`, "dim"), ...plotRow(r)]);
  }
  const left = `${" ".repeat(LABEL_WIDTH)}└${xUnit} ${xMin}`;
  const right = String(xMax);
  rows.push([span(left + padLeft(right, Math.max(0, width - left.length)).replaceAll(" ", "─"), "dim")]);
  return rows.map((line) => fit(line, width));

  function plotRow(r: number): Line {
    const spans: Span[] = [];
    for (let c = 0; c < plotColumns; c++) {
      const at = r * plotColumns + c;
      const style = marked.has(at) ? "warn" : "accent";
      const text = marked.has(at) ? MARK : cells[at] ? String.fromCharCode(0x2800 + cells[at]) : " ";
      const last = spans.at(-1);
      if (last?.style === style) last.text += text;
      else spans.push({ text, style });
    }
    return spans;
  }
}

/** bits of a braille letter by row and column of the dot */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

function range(values: readonly number[]): [number, number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  return [least, greatest];
}

/** The dots of a straight line, both ends included. */
function between(from: { x: number; y: number }, to: { x: number; y: number }): { x: number; y: number }[] {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  return Array.from({ length: steps + 1 }, (_, i) => ({
    x: Math.round(from.x + ((to.x - from.x) * i) / steps),
    y: Math.round(from.y + ((to.y - from.y) * i) / steps),
  }));
}
