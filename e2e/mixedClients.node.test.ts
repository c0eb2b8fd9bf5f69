/**
 * One run, three members that compute differently: a daemon with the software kernels, a daemon with the gpu kernels, and the same
 * engine and round client in a Worker of headless Chromium over WebSockets. After every round all hold the same parameters.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./src/chromium.ts";
import { REPOSITORY, starling, type Running } from "./src/processes.ts";
import { serveSite, type Site } from "./src/site.ts";

const ROUNDS = 40;
/** on two cores, three clients on software adapters; a stop for a run that hangs, not a measure of speed */
const LIMIT_MS = 400_000;

interface Seen {
  hashes: Map<number, string>;
  trainedSteps: Set<number>;
  adapter: string;
}

type HostLine = {
  type: string;
  adapter?: string;
  profile?: string;
  multiaddrs?: string[];
  event?: { type: string; step: number; parameterHash: string };
};

const empty = (): Seen => ({ hashes: new Map(), trainedSteps: new Set(), adapter: "" });

function note(seen: Seen, line: HostLine): void {
  if (line.type === "engine") seen.adapter = `${line.profile} on ${line.adapter}`;
  if (line.type !== "round" || !line.event) return;
  if (line.event.type === "parameterHash") seen.hashes.set(line.event.step, line.event.parameterHash);
  if (line.event.type === "trained") seen.trainedSteps.add(line.event.step);
}

function daemonView(daemon: Running): Seen {
  const seen = empty();
  for (const line of daemon.stdout) if (line.startsWith("{")) note(seen, JSON.parse(line) as HostLine);
  return seen;
}

async function tabView(page: Page): Promise<Seen> {
  const seen = empty();
  const messages = await page.evaluate(() => (globalThis as unknown as { starling: { messages: unknown[] } }).starling.messages);
  for (const message of messages as HostLine[]) note(seen, message);
  return seen;
}

describe("three members that compute differently", () => {
  let folder: string;
  let site: Site;
  let browser: Browser;
  const processes: Running[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-mixed-"));
    const config = readFileSync(join(REPOSITORY, "config/runs/test/config.toml"), "utf8")
      .replace(/init_min_clients = \d+/, "init_min_clients = 3")
      .replace(/\nmin_clients = \d+/, "\nmin_clients = 3")
      .replace(/rounds_per_epoch = \d+/, `rounds_per_epoch = ${ROUNDS}`)
      .replace(/epoch_time = \d+/, "epoch_time = 3600")
      .replace(/warmup_time = \d+/, "warmup_time = 120")
      .replace(/max_round_train_time = \d+/, "max_round_train_time = 60");
    writeFileSync(join(folder, "config.toml"), config);
    await build({
      configFile: join(REPOSITORY, "vite.config.ts"),
      root: join(REPOSITORY, "web"),
      logLevel: "warn",
      build: { outDir: join(folder, "web") },
    });
    site = await serveSite({ "/": join(folder, "web"), "/data/": join(REPOSITORY, "config/data/shakespeare/train") });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    for (const p of processes) p.process.kill("SIGTERM");
    await Promise.all(processes.map((p) => p.ended));
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`hold equal parameters after each of ${ROUNDS} rounds`, { timeout: LIMIT_MS + 60_000 }, async () => {
    const server = starling(["server", "--config-path", folder, "--server-port", "0", "--logs", "json"]);
    processes.push(server);
    const listening = JSON.parse(await server.line((line) => line.includes('"listening"'), 30_000)) as HostLine;
    const tcp = listening.multiaddrs!.find((a) => !a.includes("/ws"))!;
    const ws = listening.multiaddrs!.find((a) => a.includes("/ws"))!;
    expect(ws).toContain("/p2p/");
    const daemons = (["software", "gpu"] as const).map((profile) =>
      starling([
        "client",
        "--server-addr",
        tcp,
        "--data-dir",
        join(REPOSITORY, "config/runs/test"),
        "--device",
        "software",
        "--kernel-profile",
        profile,
        "--hash-each-round",
        "true",
        "--logs",
        "json",
      ]),
    );
    processes.push(...daemons);
    const page = await browser.newPage();
    const pageErrors: string[] = [];
    page.on("pageerror", (error) => pageErrors.push(error.message));
    await page.goto(
      `${site.url}/lab.html?coordinator=${encodeURIComponent(ws)}&data=${encodeURIComponent(`${site.url}/data/train.txt`)}&hash-every-round`,
    );

    const deadlineMs = performance.now() + LIMIT_MS;
    let views: Seen[] = [];
    const rounds = () => [...views[0].hashes.keys()].filter((step) => views.every((v) => v.hashes.has(step))).sort((a, b) => a - b);
    for (;;) {
      views = [...daemons.map(daemonView), await tabView(page)];
      if (rounds().length >= ROUNDS || performance.now() > deadlineMs) break;
      expect(await page.textContent("#status")).not.toMatch(/Stopped/);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const said = [server, ...daemons].map((p) => p.stderr.join("\n")).join("\n");
    expect(rounds().length, said).toBeGreaterThanOrEqual(ROUNDS);
    for (const step of rounds()) {
      expect(new Set(views.map((v) => v.hashes.get(step))).size, `step ${step}: ${views.map((v) => v.hashes.get(step)).join(" ")}`).toBe(1);
    }
    // equal because nothing happened would not count: parameters move, and each member's own work is among what is applied
    expect(new Set(rounds().map((step) => views[0].hashes.get(step))).size).toBeGreaterThan(ROUNDS * 0.8);
    for (const view of views) expect(view.trainedSteps.size).toBeGreaterThan(ROUNDS * 0.8);
    expect(views[0].adapter).toMatch(/^software/);
    expect(views[1].adapter).toMatch(/^gpu/);
    expect(views[2].adapter).toMatch(/^software/);
    expect(pageErrors).toEqual([]);
  });
});
