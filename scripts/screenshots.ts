/**
 * `npm run screenshots [-- NAME...]`: runs the real commands in a pseudo terminal and writes docs/images/NAME.png. Names:
 * tui-testnet, tui-clients, tui-client, tui-server, doctor.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchChromium } from "../e2e/src/chromium.ts";
import { noPseudoTerminal, openPseudoTerminal, type PseudoTerminal } from "../e2e/src/pseudoTerminal.ts";
import { paint } from "./screenshots/paint.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MAIN = join(ROOT, "node-host/src/main.ts");
const IMAGES = join(ROOT, "docs/images");
const COLUMNS = 118;
const ROWS = 34;
/** a software adapter compiles its kernels for up to a minute */
const START_LIMIT_MS = 240_000;

const why = noPseudoTerminal();
if (why !== null) {
  process.stderr.write(`npm run screenshots ${why}: install it, then run this again\n`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "starling-pictures-"));
const opened: PseudoTerminal[] = [];

function open(args: readonly string[], { columns = COLUMNS, rows = ROWS } = {}): PseudoTerminal {
  const env = { ...process.env, TERM: "xterm-256color", FORCE_COLOR: "2", NO_COLOR: undefined, COLUMNS: undefined, LINES: undefined };
  const terminal = openPseudoTerminal([process.execPath, "--disable-warning=ExperimentalWarning", MAIN, ...args], {
    columns,
    rows,
    env,
    cwd: folder,
  });
  opened.push(terminal);
  return terminal;
}

/** What the command shows now. */
async function shoot(name: string, terminal: PseudoTerminal, { columns = COLUMNS, rows = ROWS, trimmed = false } = {}): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const png = await paint(browser, terminal.bytes(), columns, rows, trimmed);
  writeFileSync(join(IMAGES, `${name}.png`), png);
  process.stdout.write(`docs/images/${name}.png  ${Math.round(png.length / 1000)} kB\n`);
}

async function quit(...terminals: readonly PseudoTerminal[]): Promise<void> {
  for (const terminal of terminals) terminal.type("q");
  await Promise.all(terminals.map(({ ended }) => ended));
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const trains = (step: number) => (text: string) => [...text.matchAll(/step (\d+)/g)].some((match) => Number(match[1]) >= step);

const STEPS: Readonly<Record<string, () => Promise<void>>> = {
  "tui-testnet tui-clients": async () => {
    const testnet = open(["local-testnet", "start", "--config-path", "test", "--server-port", "0", "--logs", "tui"]);
    await testnet.until(trains(45), START_LIMIT_MS);
    await pause(1);
    await shoot("tui-testnet", testnet);
    testnet.type("2");
    await pause(1);
    await shoot("tui-clients", testnet);
    await quit(testnet);
  },
  "tui-server tui-client": async () => {
    const server = open(["server", "--config-path", "test", "--server-port", "0", "--save-state-dir", folder, "--logs", "tui"]);
    await server.until((text) => /127\.0\.0\.1:\d+/.test(text), START_LIMIT_MS);
    const address = /127\.0\.0\.1:\d+/.exec(server.text())![0];
    const data = ["--server-addr", address, "--data-dir", join(ROOT, "config/runs/test"), "--device", "software"];
    const first = open([
      "client",
      ...data,
      "--logs",
      "tui",
      "--evaluate-each-epoch",
      "true",
      "--checkpoint-dir",
      join(folder, "checkpoints"),
    ]);
    const second = open(["client", ...data, "--logs", "json"]);
    await first.until(trains(30), START_LIMIT_MS);
    await pause(1);
    await shoot("tui-client", first);
    await shoot("tui-server", server);
    second.type("\u0003");
    await quit(first);
    await quit(server);
    await second.ended;
  },
  doctor: async () => {
    const doctor = open(["doctor", "--config-path", "test"], { rows: 45 });
    await doctor.ended;
    await shoot("doctor", doctor, { rows: 45, trimmed: true });
  },
};

const wanted = process.argv.slice(2);
mkdirSync(IMAGES, { recursive: true });
const browser = await launchChromium();
try {
  for (const [names, step] of Object.entries(STEPS)) {
    if (wanted.length === 0 || wanted.some((name) => names.split(" ").includes(name))) await step();
  }
} finally {
  for (const terminal of opened) terminal.hangUp();
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
