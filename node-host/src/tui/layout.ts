/** Who gets how many rows or columns where not everything fits. */
import { clip, fit, pad, padLeft, row, span, type Line, type Span } from "./text.ts";

export interface Block {
  title: string;
  /** rows below the title without which the block is left out */
  least: number;
  /** rows below the title that it can use */
  most: number;
  /** exactly `rows` rows of `width` cells, or fewer */
  draw: (width: number, rows: number) => readonly Line[];
}

/**
 * Stacks blocks, the most important first, in `rows` rows: each gets its least as long as there is room, then what is left is
 * shared in order of importance. `order` holds positions in `blocks` from top to bottom.
 */
export function stack(blocks: readonly Block[], order: readonly number[], width: number, rows: number): Line[] {
  const given = blocks.map(() => 0);
  let left = rows;
  blocks.forEach((block, i) => {
    const need = block.least + 1;
    if (block.most === 0 || need > left) return;
    given[i] = need;
    left -= need;
  });
  // halves of what is left, so that the first does not starve the others; then whoever can still use some
  for (const share of [2, 1])
    blocks.forEach((block, i) => {
      if (given[i] === 0) return;
      const more = Math.max(0, Math.min(block.most + 1 - given[i]!, Math.ceil(left / share)));
      given[i] = given[i]! + more;
      left -= more;
    });
  const out: Line[] = [];
  for (const i of order) {
    const height = given[i]!;
    if (height === 0) continue;
    out.push(title(blocks[i]!.title, width));
    out.push(...exactly(blocks[i]!.draw(width, height - 1), width, height - 1));
  }
  return exactly(out, width, rows);
}

export function title(text: string, width: number): Line {
  const shown = clip(` ${text} `, width - 2);
  return fit(row(span("─", "dim"), span(shown, "bold"), span("─".repeat(Math.max(0, width - shown.length - 1)), "dim")), width);
}

/** Cut or filled to exactly `rows` rows of `width` cells. */
export function exactly(lines: readonly Line[], width: number, rows: number): Line[] {
  return Array.from({ length: Math.max(0, rows) }, (_, i) => fit(lines[i] ?? [], width));
}

/** Two columns side by side, with a space between. */
export function beside(left: readonly Line[], right: readonly Line[], leftWidth: number, rightWidth: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => [
    ...fit(left[i] ?? [], leftWidth),
    span(" "),
    ...fit(right[i] ?? [], rightWidth),
  ]);
}

export interface Column<T> {
  title: string;
  width: number;
  /** the least important columns go first when the table is too wide */
  importance: number;
  right?: boolean;
  /** takes what width is left */
  grows?: boolean;
  cell: (item: T) => string | Span;
}

/** A header and one row an item, `rows` rows in all; where they do not fit, the last row says how many are not shown. */
export function table<T>(columns: readonly Column<T>[], items: readonly T[], width: number, rows: number, offset = 0): Line[] {
  const chosen = new Set<Column<T>>();
  let left = width;
  for (const column of [...columns].sort((a, b) => b.importance - a.importance)) {
    if (column.width + 1 > left) break;
    chosen.add(column);
    left -= column.width + 1;
  }
  const shown = columns.filter((column) => chosen.has(column));
  const widthOf = (column: Column<T>) => column.width + (column.grows ? left : 0);
  const draw = (cells: readonly (string | Span)[]): Line =>
    cells.flatMap((cell, i) => {
      const { text, style } = typeof cell === "string" ? span(cell) : cell;
      const column = shown[i]!;
      return [span(column.right ? padLeft(text, widthOf(column)) : pad(text, widthOf(column)), style), span(" ")];
    });
  const room = Math.max(0, rows - 1);
  const scrolls = items.length > room;
  const visible = scrolls ? Math.max(0, room - 1) : room;
  const from = Math.min(offset, Math.max(0, items.length - visible));
  const lines = [draw(shown.map((column) => span(column.title, "dim")))];
  for (const item of items.slice(from, from + visible)) lines.push(draw(shown.map((column) => column.cell(item))));
  if (scrolls && room > 0) lines.push(row(span(`... ${from + 1} to ${from + visible} of ${items.length}`, "dim")));
  return lines.slice(0, rows);
}
