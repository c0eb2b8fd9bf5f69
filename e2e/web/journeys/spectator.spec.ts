/** Somebody who only looks: numbers move by themselves, from the chain and from a coordinator, with no wallet. */
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { LiveRun } from "../../src/liveRun.ts";
import { createRun, STARTED_MS } from "../src/chainRun.ts";
import { expectGoodLooks } from "../src/looks.ts";

/** stops for a run that hangs */
const MOVES_MS = 180_000;

const figure = (page: Page, name: string) => page.getByRole("group", { name, exact: true });

/** Until every number that moves in a run has moved while somebody looked at this very page. */
async function expectNumbersMove(page: Page): Promise<void> {
  await expect(figure(page, "Loss")).toContainText(/\d\.\d{3}/, { timeout: MOVES_MS });
  await expect(figure(page, "Speed")).toContainText(/\d/, { timeout: MOVES_MS });
  const before = await Promise.all(
    [figure(page, "Loss"), figure(page, "Tokens trained"), page.getByText(/^\d+ rounds?\b/)].map((one) => one.innerText()),
  );
  const phases = new Set<string>();
  await expect
    .poll(
      async () => {
        phases.add(await page.getByTestId("phase").innerText());
        const now = await Promise.all(
          [figure(page, "Loss"), figure(page, "Tokens trained"), page.getByText(/^\d+ rounds?\b/)].map((one) => one.innerText()),
        );
        return phases.size > 1 && now.every((text, i) => text !== before[i]);
      },
      { timeout: MOVES_MS, intervals: [100] },
    )
    .toBe(true);
}

test("a run on the chain: list and page move with nobody's hand", async ({ page, home, chain, recorder }) => {
  test.setTimeout(STARTED_MS + 3 * MOVES_MS);
  const runId = "watched";
  await page.goto(home);
  await createRun(chain.on, { runId });
  // it appears in a list that is open already
  const card = page.getByRole("article").filter({ hasText: runId });
  await expect(card).toBeVisible({ timeout: MOVES_MS });
  const daemons = [3, 4].map((number) => chain.on.train(`watched-${number}`, number, runId));
  try {
    await card.getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1, name: runId })).toBeVisible();
    await expect(page.getByRole("heading", { level: 2, name: "Clients (2)" })).toBeVisible({ timeout: STARTED_MS });
    await expectNumbersMove(page);
    await expectGoodLooks(page, "a run on the chain");
    await page.getByRole("tab", { name: "Table" }).click();
    await expect(
      page
        .getByRole("table", { name: /Finished rounds/ })
        .getByRole("row")
        .nth(2),
    ).toBeVisible();
    await expect(
      page
        .getByRole("table", { name: /Last transactions/ })
        .getByRole("row")
        .nth(1),
    ).toBeVisible();
    await expectGoodLooks(page, "a run on the chain, its rounds as a table");
    await page.goto(home);
    await expect(card).toContainText(/Loss/);
    await expectGoodLooks(page, "runs, one");
    expect(recorder.consoleErrors).toEqual([]);
  } finally {
    await Promise.all(daemons.map((daemon) => chain.on.end(daemon)));
  }
  // everybody left: that is told too, also where nobody is there to end the round
  await page.goto(`${home}#/run/localnet/${runId}`);
  await expect(figure(page, "Clients")).toContainText(/^Clients\s*0/, { timeout: MOVES_MS });
});

test("a run of a coordinator: its page moves, and says when the coordinator is gone", async ({ page, home, site, recorder }) => {
  test.setTimeout(STARTED_MS + 3 * MOVES_MS);
  const run = new LiveRun({ clients: 2, config: {} });
  const freshness = (word: string) => page.getByText(word, { exact: true });
  try {
    await run.start();
    site.config = { clusters: [], coordinators: [{ label: "Here", address: run.webSocket, runId: "test" }] };
    await page.goto(`${home}#/run/tcp-0/test`);
    await expect(page.getByRole("heading", { level: 1, name: "test" })).toBeVisible();
    await expectNumbersMove(page);
    await expectGoodLooks(page, "a run of a coordinator");
    // what it heard before it came: a spectator who opens the page now sees the rounds before
    await page.reload();
    await expect(page.getByText(/^\d+ rounds?\b/)).toBeVisible({ timeout: MOVES_MS });
    expect(recorder.consoleErrors).toEqual([]);
    run.server.signal("SIGKILL");
    await expect(freshness("Out of date")).toBeVisible({ timeout: MOVES_MS });
    await expect(page.getByRole("status").filter({ hasText: "Out of date: last heard" })).toBeVisible();
    await expectGoodLooks(page, "a run whose coordinator is gone");
    await run.startServer();
    await expect(freshness("Live")).toBeVisible({ timeout: MOVES_MS });
  } finally {
    await run.stop();
  }
});
