/** WebRTC from a Worker, which has none of its own: over the page's connections, the data channels handed over (web/src/worker/rtc). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyHex, type PeerNetwork } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium } from "./src/chromium.ts";
import { REPOSITORY } from "./src/processes.ts";
import { serveSite, type Site } from "./src/site.ts";

const BYTES = 300_000;
const TIMES = 4;

interface Answer {
  type: string;
  peer?: string;
  equal?: boolean;
  message?: string;
}

let folder: string;
let site: Site;
let browser: Browser;
let daemon: PeerNetwork;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "starling-bridge-"));
  await build({
    configFile: false,
    root: join(REPOSITORY, "web/src/worker/rtc/probe"),
    base: "./",
    logLevel: "warn",
    worker: { format: "es" },
    build: { outDir: folder, emptyOutDir: true, target: "es2024", chunkSizeWarningLimit: 10_000 },
  });
  site = await serveSite({ "/": folder });
  browser = await launchChromium();
  daemon = await createNodeNetwork({
    seed: crypto.getRandomValues(new Uint8Array(32)),
    listen: ["/ip4/127.0.0.1/udp/0/webrtc-direct"],
    allowAll: true,
  });
  daemon.handle("/test/echo/1", { maxRequestBytes: BYTES }, async (_, request) => request);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await daemon?.stop();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("reaches a daemon by webrtc-direct alone, several streams at once, and leaves no connection behind", { timeout: 120_000 }, async () => {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${site.url}/`);
  const [address] = daemon.multiaddrs();
  expect(address).toContain("/webrtc-direct/certhash/");
  const answer = await page.evaluate(
    (message) => (globalThis as unknown as { probe: { ask(m: unknown): Promise<Answer> } }).probe.ask(message),
    { type: "echo", address, bytes: BYTES, times: TIMES },
  );
  expect(answer).toMatchObject({ type: "echoed", peer: keyHex(daemon.self), equal: true });
  await expect.poll(() => daemon.connectedPeers().length, { timeout: 30_000 }).toBe(0);
  expect(errors).toEqual([]);
});
