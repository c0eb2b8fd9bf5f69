/** What a visitor's browser is asked to do before anything is asked of it. */
import { gzipSync } from "node:zlib";
import { LiveRun } from "../../src/liveRun.ts";
import { expectAccessible } from "../src/axe.ts";
import { STARTED_MS } from "../src/chainRun.ts";
import type { Recorder } from "../src/recorder.ts";
import { expect, test } from "../fixtures.ts";

const MOST_SCRIPT_BYTES = 250_000;

async function expectSmall(recorder: Recorder): Promise<void> {
  await recorder.settled();
  const sizes = recorder.scripts.map(({ url, body }) => ({ url: new URL(url).pathname, bytes: gzipSync(body, { level: 9 }).length }));
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`first load: ${bytes} bytes of gzip script\n${sizes.map((one) => `  ${one.bytes} ${one.url}`).join("\n")}`);
  expect(sizes.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES);
}

test("the first load needs less than 250 kB of script, and no host but its own and the cluster's", async ({
  page,
  home,
  recorder,
  chain,
}) => {
  await page.goto(home);
  // the cluster has answered, with no run or with those of earlier journeys: all that is needed for that has been loaded
  await expect(page.getByText(/^\d+ of \d+ runs shown$/)).toBeAttached({ timeout: STARTED_MS });
  await page.waitForLoadState("networkidle");
  await expectSmall(recorder);
  const known = new Set([new URL(home).host, new URL(chain.on.rpc).host, new URL(chain.on.ws).host]);
  expect(recorder.hosts().filter((host) => !known.has(host))).toEqual([]);
  expect(recorder.consoleErrors).toEqual([]);
  await expectAccessible(page, "the list of runs, first seen");
});

test("the first load with a coordinator needs less than 250 kB of script too", async ({ page, home, site, recorder }) => {
  test.setTimeout(2 * STARTED_MS);
  const run = new LiveRun({ clients: 1, config: {} });
  try {
    await run.start();
    site.config = { clusters: [], coordinators: [{ label: "Here", address: run.webSocket, runId: "test" }] };
    await page.goto(home);
    // it has spoken to the coordinator: all that is needed for that has been loaded
    await expect(page.getByRole("link", { name: "test" })).toBeVisible({ timeout: STARTED_MS });
    await page.waitForLoadState("networkidle");
    await expectSmall(recorder);
    expect(recorder.hosts().filter((host) => ![new URL(home).host, webSocketHost(run.webSocket)].includes(host))).toEqual([]);
    expect(recorder.consoleErrors).toEqual([]);
  } finally {
    await run.stop();
  }
});

/** host:port of a /ip4/.../tcp/.../ws address */
function webSocketHost(multiaddr: string): string {
  const [, , ip, , port] = multiaddr.split("/");
  return `${ip}:${port}`;
}
