/** The ink component: paints rows that are laid out already, and passes keys on. */
import { Box, Text, useInput } from "ink";
import { createElement, memo, type ReactElement } from "react";
import type { Key } from "./keys.ts";
import type { Line, Style } from "./text.ts";

export interface AppProps {
  lines: readonly Line[];
  /** false with NO_COLOR */
  colours: boolean;
  onKey: (key: Key) => void;
}

interface Look {
  color?: string;
  bold?: boolean;
  dimColor?: boolean;
  inverse?: boolean;
}

const COLOURED: Readonly<Record<Style, Look>> = {
  plain: {},
  dim: { dimColor: true },
  bold: { bold: true },
  accent: { color: "cyan" },
  good: { color: "green" },
  warn: { color: "yellow" },
  bad: { color: "red", bold: true },
  selected: { inverse: true },
};
/** Weight only: what is wrong stays visible without colours. */
const PLAIN: Readonly<Record<Style, Look>> = {
  ...COLOURED,
  accent: {},
  good: {},
  warn: { bold: true },
  bad: { bold: true, inverse: true },
};

const Row = memo(
  function Row({ line, colours }: { line: Line; colours: boolean }): ReactElement {
    const looks = colours ? COLOURED : PLAIN;
    const spans = line.map(({ text, style }, i) => createElement(Text, { key: i, ...looks[style] }, text));
    return createElement(Text, { wrap: "truncate" }, ...spans);
  },
  (a, b) => a.colours === b.colours && same(a.line, b.line),
);

function same(a: Line, b: Line): boolean {
  return a.length === b.length && a.every(({ text, style }, i) => text === b[i]!.text && style === b[i]!.style);
}

export function App({ lines, colours, onKey }: AppProps): ReactElement {
  useInput((input, key) => {
    if (key.ctrl && input === "c") return onKey({ name: "character", character: "\u0003" });
    if (key.ctrl && input === "l") return onKey({ name: "character", character: "\u000c" });
    if (key.ctrl || key.meta) return;
    if (key.tab) return onKey({ name: key.shift ? "back-tab" : "tab" });
    if (key.leftArrow) return onKey({ name: "left" });
    if (key.rightArrow) return onKey({ name: "right" });
    if (key.upArrow) return onKey({ name: "up" });
    if (key.downArrow) return onKey({ name: "down" });
    if (key.pageUp) return onKey({ name: "page-up" });
    if (key.pageDown) return onKey({ name: "page-down" });
    if (key.home) return onKey({ name: "home" });
    if (key.end) return onKey({ name: "end" });
    if (key.escape) return onKey({ name: "escape" });
    for (const character of input) onKey({ name: "character", character });
  });
  return createElement(Box, { flexDirection: "column" }, ...lines.map((line, i) => createElement(Row, { key: i, line, colours })));
}
