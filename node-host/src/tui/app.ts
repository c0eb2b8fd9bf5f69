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

/** Opening codes of ECMA-48 SGR, and those that undo them. */
interface Look {
  open: string;
  close: string;
}

const look = (...pairs: readonly (readonly [number, number])[]): Look => ({
  open: pairs.map(([on]) => `\u001b[${on}m`).join(""),
  close: pairs.map(([, off]) => `\u001b[${off}m`).join(""),
});
const [BOLD, DIM, INVERSE] = [
  [1, 22],
  [2, 22],
  [7, 27],
] as const;
const [RED, GREEN, YELLOW, CYAN] = [
  [31, 39],
  [32, 39],
  [33, 39],
  [36, 39],
] as const;

const COLOURED: Readonly<Record<Style, Look>> = {
  plain: look(),
  dim: look(DIM),
  bold: look(BOLD),
  accent: look(CYAN),
  good: look(GREEN),
  warn: look(YELLOW),
  bad: look(RED, BOLD),
  selected: look(INVERSE),
};
/** Weight only: what is wrong stays visible without colours. */
const PLAIN: Readonly<Record<Style, Look>> = {
  ...COLOURED,
  accent: look(),
  good: look(),
  warn: look(BOLD),
  bad: look(BOLD, INVERSE),
};

function paint(line: Line, colours: boolean): string {
  const looks = colours ? COLOURED : PLAIN;
  return line.map(({ text, style }) => `${looks[style].open}${text}${looks[style].close}`).join("");
}

/** One text a row, styled here: a node of React and of Yoga for every span would cost several times as much. */
const Row = memo(function Row({ text }: { text: string }): ReactElement {
  return createElement(Text, { wrap: "truncate" }, text);
});

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
  return createElement(
    Box,
    { flexDirection: "column" },
    ...lines.map((line, i) => createElement(Row, { key: i, text: paint(line, colours) })),
  );
}
