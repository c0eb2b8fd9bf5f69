/** The display of the real commands in a real terminal: what a person sees, and that the terminal is given back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "./src/processes.ts";
import { noPseudoTerminal } from "./src/pseudoTerminal.ts";
import { openScreen, type Screen } from "./src/screen.ts";

const ENTER = "\u001b[?1049h";
const SHOW_CURSOR = "\u001b[?25h";
const HIDE_CURSOR = "\u001b[?25l";
const CYAN = "\u001b[36m";
const LIMIT_MS = 240_000;

const reason = noPseudoTerminal();
if (reason) console.warn(`the display in a terminal is not tested: ${reason}`);

describe.skipIf(reason !== null)("the display in a terminal", () => {
  let folder: string;
  const opened: Screen[] = [];
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "starling-tui-"))));
  afterEach(async () => {
    for (const { terminal } of opened.splice(0)) {
      terminal.hangUp();
      await terminal.ended;
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const open = (args: readonly string[], env: Record<string, string | undefined> = {}): Screen => {
    const screen = openScreen([process.execPath, join(REPOSITORY, "scripts/bootstrap.mjs"), "starling", ...args], {
      columns: 100,
      rows: 30,
      cwd: folder,
      // chalk takes its colours from these, not from the terminal
      env: { ...process.env, TERM: "xterm-256color", NO_COLOR: undefined, FORCE_COLOR: "1", LOGS: undefined, TUI: undefined, ...env },
    });
    opened.push(screen);
    return screen;
  };
  const server = (...args: string[]) => ["server", "--config-path", "test", "--server-port", "0", "--save-state-dir", folder, ...args];
  const gaveBack = async ({ terminal, isAlternate }: Screen) => {
    expect(await isAlternate()).toBe(false);
    const text = terminal.text();
    expect(text).toContain(ENTER);
    expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf(HIDE_CURSOR));
  };

  it(
    "shows a testnet's phase and loss, follows the window's size, and ends by q with the terminal as it was",
    async () => {
      const screen = open(["local-testnet", "start", "--config-path", "test", "--num-clients", "2", "--server-port", "0"]);
      await screen.until((text) => text.includes("local testnet · test"), LIMIT_MS);
      // a curve of more than one round, its last value and the time left
      await screen.until((text) => /[\u2801-\u28ff]{2}/.test(text) && /loss \d\.\d{3}/.test(text), LIMIT_MS);
      await screen.until((text) => /(training|witnessing) {2}epoch \d+ {2}round \d+ of 10 .* left/.test(text), 60_000);
      expect(screen.terminal.text()).toContain(CYAN);

      // every row is its own: a frame drawn for another size would have wrapped or left rests behind
      for (const [columns, rows] of [
        [60, 15],
        [140, 40],
      ] as const) {
        await screen.resize(columns, rows);
        await screen.until((text) => {
          const lines = text.split("\n");
          const ends = lines[rows - 1]!.startsWith(" q stop") && /(^| )1 Run {2}2 Clients {2}3 Network {2}4 Log/.test(lines[0]!);
          return (
            ends &&
            lines.filter((line) => line.includes("─ Loss")).length === 1 &&
            lines.filter((line) => line.includes("q stop")).length === 1
          );
        }, 60_000);
      }
      screen.terminal.type("2");
      await screen.until((text) => text.includes("Clients (2)") && /client-2 +\S/.test(text), 60_000);

      screen.terminal.type("q");
      expect(await screen.terminal.ended).toBe(0);
      await gaveBack(screen);
      const left = (await screen.rows()).join("\n");
      // between rounds there is none to name
      expect(left).toMatch(/epoch \d+( round \d+\/10)? step \d+, loss \d\.\d{3}/);
      expect(left).toContain("ended: SIGINT: stopped");
    },
    LIMIT_MS,
  );

  it(
    "of a coordinator says where clients join, has no colours with NO_COLOR, and takes Ctrl-C as a key",
    async () => {
      const screen = open(server(), { NO_COLOR: "1", FORCE_COLOR: undefined });
      await screen.until((text) => /coordinator +127\.0\.0\.1:\d+/.test(text) && text.includes("waits for members"), LIMIT_MS);
      expect(screen.terminal.text()).not.toContain(CYAN);
      screen.terminal.type("\u0003");
      expect(await screen.terminal.ended).toBe(0);
      await gaveBack(screen);
    },
    LIMIT_MS,
  );

  it(
    "leaves the sentence of a mistake on the normal screen",
    async () => {
      const screen = open([
        "client",
        "--server-addr",
        "127.0.0.1:9",
        "--device",
        "software",
        "--data-dir",
        folder,
        "--checkpoint-dir",
        "/dev/null/x",
      ]);
      expect(await screen.terminal.ended).toBe(2);
      await gaveBack(screen);
      expect((await screen.rows()).join(" ")).toContain("starling: --checkpoint-dir");
    },
    LIMIT_MS,
  );

  it(
    "leaves a terminal alone with --tui false",
    async () => {
      const screen = open(server("--tui", "false"));
      await screen.until((text) => text.includes("clients join with"), LIMIT_MS);
      screen.terminal.type("\u0003");
      expect(await screen.terminal.ended).toBe(0);
      expect(screen.terminal.text()).not.toContain(ENTER);
    },
    LIMIT_MS,
  );
});
