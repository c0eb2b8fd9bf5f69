/** What a person sees of a command in a terminal: the bytes of a pseudo terminal, read by xterm.js. */
import { createRequire } from "node:module";
import type { Terminal as XtermTerminal } from "@xterm/xterm";
import { openPseudoTerminal, type PseudoTerminal } from "./pseudoTerminal.ts";

// CommonJS, and made for browsers: without an element to draw on it still keeps the screen
const { Terminal } = createRequire(import.meta.url)("@xterm/xterm") as { Terminal: typeof XtermTerminal };

export interface Screen {
  terminal: PseudoTerminal;
  /** the rows of the screen as text, trailing blanks cut */
  rows(): Promise<string[]>;
  isAlternate(): Promise<boolean>;
  resize(columns: number, rows: number): Promise<void>;
  /** resolves with the screen's text when `test` accepts it; rejects after `limitMs` */
  until(test: (screen: string) => boolean, limitMs: number): Promise<string>;
}

const LOOK_EVERY_MS = 100;

export function openScreen(command: readonly string[], options: Parameters<typeof openPseudoTerminal>[1]): Screen {
  const terminal = openPseudoTerminal(command, options);
  const xterm = new Terminal({ cols: options.columns, rows: options.rows, allowProposedApi: true });
  let taken = 0;
  const read = async (): Promise<void> => {
    const bytes = terminal.bytes();
    const news = bytes.subarray(taken);
    taken = bytes.length;
    await new Promise<void>((resolve) => xterm.write(news, resolve));
  };
  const rows = async (): Promise<string[]> => {
    await read();
    const { active } = xterm.buffer;
    return Array.from({ length: xterm.rows }, (_, i) => active.getLine(active.baseY + i)?.translateToString(true) ?? "");
  };
  return {
    terminal,
    rows,
    isAlternate: async () => {
      await read();
      return xterm.buffer.active.type === "alternate";
    },
    resize: async (columns, count) => {
      await read();
      xterm.resize(columns, count);
      terminal.resize(columns, count);
    },
    until: async (test, limitMs) => {
      const deadlineMs = performance.now() + limitMs;
      for (;;) {
        const screen = (await rows()).join("\n");
        if (test(screen)) return screen;
        if (performance.now() > deadlineMs) throw new Error(`the screen did not come within ${limitMs} ms; it is:\n${screen}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
  };
}
