/**
 * Two tabs exchange results with each other directly. Runs in a network namespace with an address of its own (scripts/e2e.ts): between
 * loopback addresses alone two tabs find no way to each other.
 */
import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { join } from "node:path";
import { LiveRun } from "../../src/liveRun.ts";
import { REPOSITORY } from "../../src/processes.ts";
import { PageSite } from "../src/pageSite.ts";
import { equalSteps } from "../src/chainRun.ts";
import { WorkerWatch } from "../src/workerWatch.ts";

const STARTED_MS = 240_000;
const ROUNDS = 8;

interface Channels {
  /** connections over which data channels were opened */
  open: number;
  sentBytes: number;
  receivedBytes: number;
  /** candidate types of the pairs in use: "host" is direct */
  pairs: string[];
}

/** Keeps the page's WebRTC connections where a test can ask them how much went over them. */
function keepConnections(): void {
  const scope = globalThis as unknown as { RTCPeerConnection: new (...args: unknown[]) => object; connections: object[] };
  scope.connections = [];
  scope.RTCPeerConnection = class extends scope.RTCPeerConnection {
    constructor(...args: unknown[]) {
      super(...args);
      scope.connections.push(this);
    }
  };
}

async function channels(page: Page): Promise<Channels> {
  return page.evaluate(async () => {
    interface Stat {
      type: string;
      id: string;
      nominated?: boolean;
      state?: string;
      bytesSent?: number;
      bytesReceived?: number;
      localCandidateId?: string;
      candidateType?: string;
    }
    const { connections } = globalThis as unknown as { connections: { getStats(): Promise<Map<string, Stat>>; connectionState: string }[] };
    const found = { open: 0, sentBytes: 0, receivedBytes: 0, pairs: [] as string[] };
    for (const connection of connections) {
      if (connection.connectionState !== "connected") continue;
      found.open++;
      const stats = await connection.getStats();
      for (const stat of stats.values()) {
        if (stat.type !== "candidate-pair" || stat.state !== "succeeded") continue;
        found.sentBytes += stat.bytesSent ?? 0;
        found.receivedBytes += stat.bytesReceived ?? 0;
        found.pairs.push(stats.get(stat.localCandidateId ?? "")?.candidateType ?? "?");
      }
    }
    return found;
  });
}

test("two tabs train a coordinator's run together, their results going from tab to tab", async ({ browser }) => {
  test.setTimeout(3 * STARTED_MS);
  // no daemon is a member, so that whatever a tab gets of the other's comes from it
  const run = new LiveRun({ clients: 0, config: {} });
  const site = new PageSite(
    process.env["STARLING_PAGE"] ?? join(REPOSITORY, "e2e/dist"),
    join(REPOSITORY, "config/data/shakespeare/train"),
  );
  const contexts: BrowserContext[] = [];
  try {
    await run.start();
    await site.start();
    site.config = {
      clusters: [],
      coordinators: [{ label: "Here", address: run.webSocket, runId: "test" }],
      dataUrls: { test: ["data/test/train.txt"] },
    };
    const tabs = await Promise.all(
      [1, 2].map(async (number) => {
        const context = await browser.newContext();
        contexts.push(context);
        await context.addInitScript(keepConnections);
        const worker = await WorkerWatch.install(context);
        const page = await context.newPage();
        await page.goto(`${site.url}#/run/tcp-0/test/train`);
        await page.getByRole("button", { name: "Join and train" }).click();
        await expect(page.getByRole("heading", { level: 2, name: "Training in this tab" })).toBeVisible();
        return { name: `tab ${number}`, page, worker };
      }),
    );
    for (const { worker } of tabs) {
      await expect
        .poll(() => worker.told("trained").length, { timeout: 2 * STARTED_MS, message: worker.tail() })
        .toBeGreaterThanOrEqual(ROUNDS);
    }
    // both applied what the other sent: their parameters are the same
    const told = () => tabs.map(({ name, worker }) => ({ name, hashes: worker.hashes() }));
    await expect.poll(() => equalSteps(told()).length, { timeout: STARTED_MS }).toBeGreaterThan(0);
    for (const { name, page } of tabs) {
      const seen = await channels(page);
      console.log(`${name}: ${JSON.stringify(seen)}`);
      expect(seen.open, `${name}: connections to another tab`).toBeGreaterThan(0);
      expect(seen.pairs.every((type) => type === "host" || type === "prflx")).toBe(true);
      expect(Math.min(seen.sentBytes, seen.receivedBytes)).toBeGreaterThan(10_000);
    }
  } finally {
    for (const context of contexts) await context.close();
    await site.stop();
    await run.stop();
  }
});
