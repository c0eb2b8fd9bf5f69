/** A run is made in the page: from a preset, with rewards, by the keyboard, with every signature declined once, and on after the tab was closed. */
import type { Page } from "@playwright/test";
import { expect, test, type Chain } from "../fixtures.ts";
import { expectGoodLooks } from "../src/looks.ts";
import { approveReviews, connectWallet, pressOn, tabTo } from "../src/steps.ts";
import type { TestWallet } from "../src/testWallet.ts";

const step = (page: Page, name: string) => page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name });
const finished = (page: Page, runId: string) => page.getByText(`Run ${runId} is on Local cluster`);

/** A draft from the `test` preset with an id that is free. */
async function draft(page: Page, home: string, runId: string): Promise<void> {
  await page.goto(`${home}#/create`);
  await page.getByRole("button", { name: "Start from test" }).click();
  await page.getByRole("textbox", { name: "Run id" }).fill(runId);
  await expect(page.getByText(`${runId} is free on Local cluster`)).toBeVisible();
}

async function onChain(chain: Chain, runId: string, wallet: TestWallet): Promise<{ state: string }> {
  const dump = await chain.on.dump(runId);
  expect(JSON.stringify(dump)).toContain(wallet.address);
  return dump.run;
}

test("a public run with rewards is made in the wizard", async ({ page, home, wallet, chain, recorder }) => {
  test.setTimeout(420_000);
  const runId = "wizard";
  await page.goto(`${home}#/create`);
  await expect(page.getByRole("button", { name: "Start from test" })).toBeVisible();
  await expectGoodLooks(page, "create, the beginning");
  await draft(page, home, runId);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Made by a wizard");
  await expectGoodLooks(page, "create, the run");
  await step(page, "Model").click();
  await expect(page.getByRole("heading", { level: 2, name: "Model" })).toBeVisible();
  await expectGoodLooks(page, "create, the model");
  await step(page, "Rounds and epochs").click();
  // an impossible value is named while it is typed, and the next step waits for it
  const rounds = page.getByRole("textbox", { name: "Rounds per epoch" });
  await rounds.fill("-3");
  await expect(page.getByText(/rounds.per.epoch|at least/i).first()).toBeVisible();
  await expectGoodLooks(page, "create, a problem");
  await rounds.fill("8");
  await step(page, "Who may join").click();
  await expectGoodLooks(page, "create, who may join");
  await step(page, "Rewards").click();
  await page.getByRole("radio", { name: "A new test token" }).check();
  await page.getByRole("textbox", { name: "Supply" }).fill("1000");
  await page.getByRole("textbox", { name: "An epoch pays" }).fill("30");
  await page.getByRole("textbox", { name: "First top-up of the treasury" }).fill("500");
  await expectGoodLooks(page, "create, rewards");
  await step(page, "Review").click();
  await expectGoodLooks(page, "create, review");
  await step(page, "Send").click();
  await connectWallet(page);
  await page.getByRole("button", { name: "Create the run" }).click();
  await expect(page.getByRole("dialog", { name: /^Review: / })).toBeVisible();
  await expectGoodLooks(page, "create, a transaction");
  const shown = await approveReviews(page, finished(page, runId));
  await expectGoodLooks(page, "create, done");
  // each was shown before the wallet was asked, and the wallet was asked for no other
  expect(shown.length).toBe(wallet.signed);
  expect(shown.join("\n")).toContain("500");
  expect((await onChain(chain, runId, wallet)).state).toBe("WaitingForMembers");
  const dump = await chain.on.dump(runId);
  expect(dump["treasury"]).toMatchObject({ vaultUnits: "500000000" });
  expect(recorder.consoleErrors).toEqual([]);
});

test("a run is made by the keyboard alone", async ({ page, home, wallet, chain }) => {
  const runId = "keyboard";
  await page.goto(`${home}#/create`);
  await pressOn(page, page.getByRole("button", { name: "Start from test" }));
  await tabTo(page, page.getByRole("textbox", { name: "Run id" }));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(runId);
  await expect(page.getByText(`${runId} is free on Local cluster`)).toBeVisible();
  await pressOn(page, step(page, "Send"));
  await pressOn(page, page.getByRole("main").getByRole("button", { name: "Connect wallet" }));
  await pressOn(page, page.getByRole("dialog").getByRole("button", { name: "Test Wallet" }));
  await expect(page.getByRole("dialog", { name: "Connect a wallet" })).toHaveCount(0);
  if (await page.getByRole("dialog").isVisible()) await page.keyboard.press("Escape");
  await pressOn(page, page.getByRole("button", { name: "Create the run" }));
  const review = page.getByRole("dialog", { name: /^Review: / });
  const onward = review.getByRole("button", { name: "Continue in wallet" });
  await expect(onward).toBeVisible();
  const all = review.getByRole("checkbox");
  if (await all.isVisible()) await pressOn(page, all, "Space");
  await pressOn(page, onward);
  while (!(await finished(page, runId).isVisible())) {
    await expect(onward.or(finished(page, runId)).first()).toBeVisible({ timeout: 120_000 });
    if (await onward.isVisible()) await pressOn(page, onward).catch(() => undefined);
  }
  await onChain(chain, runId, wallet);
});

test("every signature is declined once: each time it says so, and goes on where it was", async ({ page, home, wallet, chain }) => {
  test.setTimeout(420_000);
  const runId = "declined";
  await draft(page, home, runId);
  await connectWallet(page);
  await step(page, "Send").click();
  let asked = 0;
  wallet.decide = () => (asked++ % 2 === 0 ? "reject" : "approve");
  await page.getByRole("button", { name: "Create the run" }).click();
  const done = finished(page, runId);
  const said = page.getByRole("main").getByText("You declined it in Test Wallet. Nothing was sent.");
  const again = page.getByRole("main").getByRole("button", { name: /^(Create the run|Go on)$/ });
  for (let declined = 1; ; declined++) {
    await approveReviews(page, done.or(said));
    if (await done.isVisible()) break;
    expect(wallet.log.at(-1)).toMatchObject({ decision: "reject" });
    if (declined === 1) await expectGoodLooks(page, "create, declined");
    await again.click();
    await expect(said).toHaveCount(0);
  }
  const signatures = wallet.log.filter(({ kind }) => kind !== "connect");
  expect(signatures.filter(({ decision }) => decision === "reject").length).toBe(signatures.length / 2);
  await onChain(chain, runId, wallet);
});

test("a tab that is closed half-way goes on from its draft", async ({ page, context, home, wallet, chain }) => {
  const runId = "half-way";
  await draft(page, home, runId);
  await connectWallet(page);
  await step(page, "Send").click();
  // the second transaction waits in the wallet when the tab is closed
  let asked = 0;
  wallet.decide = () => (++asked < 2 ? "approve" : "hang");
  await page.getByRole("button", { name: "Create the run" }).click();
  await expect
    .poll(async () => {
      const onward = page.getByRole("dialog", { name: /^Review: / }).getByRole("button", { name: "Continue in wallet" });
      if (await onward.isVisible()) await onward.click().catch(() => undefined);
      return asked;
    })
    .toBe(2);
  await page.close();
  wallet.decide = () => "approve";
  const next = await context.newPage();
  await next.goto(`${home}#/create`);
  // one press does not lose it
  await next.getByRole("button", { name: `Delete the draft ${runId}` }).click();
  const question = next.getByRole("dialog", { name: `Delete the draft ${runId}?` });
  await expect(question).toContainText("Only this draft knows how to go on");
  await question.getByRole("button", { name: "Keep it" }).click();
  await next.getByRole("link", { name: `Go on with ${runId}` }).click();
  await step(next, "Send").click();
  await next.getByRole("button", { name: /Create the run|Go on/ }).click();
  await approveReviews(next, finished(next, runId));
  await onChain(chain, runId, wallet);
});

test("two tabs on one draft: the later one is told, and overwrites nothing until it is asked to", async ({ page, context, home }) => {
  const runId = (tab: Page) => tab.getByRole("textbox", { name: "Run id" });
  const told = (tab: Page) => tab.getByText("Another tab has changed this draft");
  await page.goto(`${home}#/create`);
  await page.getByRole("button", { name: "Start from test" }).click();
  await runId(page).fill("first");
  await expect.poll(() => page.evaluate(() => JSON.stringify(localStorage))).toContain("first");
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(runId(other)).toHaveValue("first");
  // who only opens it changes nothing
  await other.waitForTimeout(1_000);
  await expect(told(page)).toHaveCount(0);

  await runId(other).fill("second");
  await expect(told(page)).toBeVisible();
  await expect(told(other)).toHaveCount(0);
  await runId(page).fill("third");
  await page.waitForTimeout(1_000);
  expect(await page.evaluate(() => JSON.stringify(localStorage))).toContain("second");
  await page.getByRole("button", { name: "Show the other tab's" }).click();
  await expect(runId(page)).toHaveValue("second");
  await expect(told(page)).toHaveCount(0);

  await runId(page).fill("fourth");
  await expect(told(other)).toBeVisible();
  await runId(other).fill("fifth");
  await other.getByRole("button", { name: "Keep what is here" }).click();
  await expect(told(other)).toHaveCount(0);
  await expect(told(page)).toBeVisible();
  await page.reload();
  await expect(runId(page)).toHaveValue("fifth");
});
