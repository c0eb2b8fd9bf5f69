/**
 * Tabs of Chromium and daemons in a network namespace of their own: a tab reaches daemons by WebSocket and by webrtc-direct, two
 * tabs find each other through a relay and exchange blobs directly, and none of it depends on the relay any more.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inNamespace, whyNoNamespace } from "./src/ownNamespace.ts";
import { follow, REPOSITORY } from "./src/processes.ts";
import type { TabsReport } from "./src/tabs/inside.ts";

/** a stop for tabs that never meet, not a measure of speed */
const LIMIT_MS = 300_000;
const BLOB_BYTES = 8 * 1024 * 1024;
const none = whyNoNamespace();
if (none !== null) process.stdout.write(`tabs are not tested: ${none}\n`);

describe.skipIf(none !== null)("tabs and daemons", () => {
  let folder: string;
  let report: TabsReport;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-tabs-"));
    const root = join(REPOSITORY, "e2e", "src", "tabs");
    await build({ configFile: false, root, logLevel: "warn", build: { outDir: folder, emptyOutDir: true, target: "es2024" } });
    const flags = ["--disable-warning=ExperimentalWarning", join(root, "inside.ts"), folder];
    const [command, ...args] = inNamespace([process.execPath, ...flags]);
    const inside = follow(spawn(command, args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] }));
    const stop = setTimeout(() => inside.process.kill("SIGKILL"), LIMIT_MS);
    const { code, signal } = await inside.ended;
    clearTimeout(stop);
    if (code !== 0) throw new Error(`${signal ?? `code ${code}`}:\n${inside.stderr.join("\n")}`);
    report = JSON.parse(inside.stdout.at(-1)!) as TabsReport;
    const rounded = JSON.stringify(report, (_, value: unknown) => (typeof value === "number" ? Math.round(value * 10) / 10 : value));
    process.stdout.write(`tabs: ${rounded}\n`);
  }, LIMIT_MS + 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("a tab dials daemons by WebSocket and by webrtc-direct, and fetches from them", () => {
    for (const value of [report.dialWebSocketMs, report.dialWebRtcDirectMs, report.fromDaemonByWebSocket, report.fromDaemonByWebRtcDirect])
      expect(value).toBeGreaterThan(0);
  });

  it("two tabs that know only each other's peer id exchange blobs directly", () => {
    expect(report.receivedFromTab).toBeGreaterThan(BLOB_BYTES);
    // what the relays saw of 16 MiB both ways is signalling
    expect(report.relayedBytes).toBeLessThan(256 * 1024);
  });

  it("the tabs go on when their relay has gone, and a newcomer reaches them through another", () => {
    expect(report.addressesBefore).toHaveLength(2);
    for (const address of report.addressesBefore) expect(address).toMatch(/\/p2p\/12D3\w+\/p2p-circuit\/webrtc\/p2p\/12D3\w+$/);
    expect(report.addressesAfter).toHaveLength(1);
    expect(report.withoutRelay).toBeGreaterThan(0);
    expect(report.lateDialMs).toBeGreaterThan(0);
  });

  it("a tab that nobody lists is let in by nobody, whichever way it comes", () => {
    expect(report.strangerIsTold).toMatch(/refused|unreachable/);
    expect(report.strangerConnections).toBe(0);
  });
});
