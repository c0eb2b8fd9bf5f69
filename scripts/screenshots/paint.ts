/** Turns the bytes of a terminal into a picture of it: xterm.js in Chromium. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";

const require = createRequire(import.meta.url);
const XTERM = join(dirname(require.resolve("@xterm/xterm/package.json")));

const PAGE = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #11151c; }
  #frame { display: inline-block; padding: 14px; background: #11151c; }
  .xterm-viewport { overflow: hidden !important; background: transparent !important; }
</style><div id="frame"><div id="terminal"></div></div>`;

const THEME = {
  background: "#11151c",
  foreground: "#d5dae2",
  cyan: "#56c2d6",
  green: "#7ec27e",
  yellow: "#e0b45c",
  red: "#e5707a",
  brightBlack: "#6b7484",
};

/** A PNG of what a terminal of that size shows after these bytes; `trimmed`: without the empty rows below. */
export async function paint(browser: Browser, bytes: Buffer, columns: number, rows: number, trimmed = false): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 2400, height: 1600 }, deviceScaleFactor: 1 });
  try {
    await page.setContent(PAGE);
    await page.addStyleTag({ content: readFileSync(join(XTERM, "css/xterm.css"), "utf8") });
    await page.addScriptTag({ content: readFileSync(join(XTERM, "lib/xterm.js"), "utf8") });
    await page.evaluate(
      ({ text, columns, rows, theme, trimmed }) => {
        const { Terminal } = globalThis as unknown as { Terminal: new (options: object) => XTerm };
        const terminal = new Terminal({
          cols: columns,
          rows,
          fontFamily: "DejaVu Sans Mono, monospace",
          fontSize: 14,
          lineHeight: 1.1,
          theme,
          cursorInactiveStyle: "none",
          allowProposedApi: true,
        });
        terminal.open((globalThis as unknown as { document: { getElementById(id: string): unknown } }).document.getElementById("terminal"));
        return new Promise<void>((resolve) => {
          const written = () => {
            const { active } = terminal.buffer;
            let used = rows;
            if (trimmed) while (used > 1 && (active.getLine(active.baseY + used - 1)?.translateToString(true) ?? "") === "") used--;
            if (used < rows) terminal.resize(columns, used);
            setTimeout(resolve, 300); // it draws at the next frames
          };
          terminal.write(
            Uint8Array.from(atob(text), (c) => c.charCodeAt(0)),
            written,
          );
        });
      },
      { text: bytes.toString("base64"), columns, rows, theme: THEME, trimmed },
    );
    return await page.locator("#frame").screenshot({ type: "png" });
  } finally {
    await page.close();
  }
}

interface XTerm {
  open(element: unknown): void;
  write(bytes: Uint8Array, done: () => void): void;
  resize(columns: number, rows: number): void;
  buffer: { active: { baseY: number; getLine(row: number): { translateToString(trimRight: boolean): string } | undefined } };
}
