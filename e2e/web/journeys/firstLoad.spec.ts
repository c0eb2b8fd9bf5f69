/** What a visitor's browser is asked to do before anything is asked of it. */
import { gzipSync } from "node:zlib";
import { expectAccessible } from "../src/axe.ts";
import { expect, test } from "../fixtures.ts";

const MOST_SCRIPT_BYTES = 250_000;

test("the first load needs less than 250 kB of script, and no host but its own and the cluster's", async ({
  page,
  home,
  recorder,
  chain,
}) => {
  await page.goto(home);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.waitForLoadState("networkidle");
  await recorder.settled();
  const sizes = recorder.scripts.map(({ url, body }) => ({ url: new URL(url).pathname, bytes: gzipSync(body, { level: 9 }).length }));
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`first load: ${bytes} bytes of gzip script\n${sizes.map((one) => `  ${one.bytes} ${one.url}`).join("\n")}`);
  expect(sizes.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES);
  const known = new Set([new URL(home).host, new URL(chain.on.rpc).host, new URL(chain.on.ws).host]);
  expect(recorder.hosts().filter((host) => !known.has(host))).toEqual([]);
  expect(recorder.consoleErrors).toEqual([]);
  await expectAccessible(page, "the list of runs, empty");
});
