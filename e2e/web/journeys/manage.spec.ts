/** A creator runs a run from the page: halts it, changes its rules and rates, fills its treasury, lets people in and out, closes it. */
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { STARTED_MS } from "../src/chainRun.ts";
import { expectGoodLooks } from "../src/looks.ts";
import { approveReviews, connectWallet } from "../src/steps.ts";

const RUN = "managed";
/** of somebody: nobody has its key */
const SOMEBODY = "Stake11111111111111111111111111111111111111";

const said = (page: Page, text: string | RegExp) => page.getByRole("main").getByText(text);

async function tab(page: Page, name: string): Promise<void> {
  await page.getByRole("tab", { name, exact: true }).click();
}

test("a creator halts a run, changes it, fills its treasury, lets people in and out, and closes it", async ({
  page,
  home,
  chain,
  wallet,
}) => {
  test.setTimeout(6 * STARTED_MS);
  const run = async () => (await chain.on.dump(RUN)).run as unknown as Record<string, unknown>;
  await page.goto(`${home}#/create`);
  await page.getByRole("button", { name: "Start from test" }).click();
  await page.getByRole("textbox", { name: "Run id" }).fill(RUN);
  const step = (name: string) => page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name });
  await step("Rewards").click();
  await page.getByRole("radio", { name: "A new test token" }).check();
  await page.getByRole("textbox", { name: "Supply" }).fill("1000");
  await page.getByRole("textbox", { name: "An epoch pays" }).fill("30");
  await page.getByRole("textbox", { name: "First top-up of the treasury" }).fill("100");
  await step("Send").click();
  await connectWallet(page);
  await page.getByRole("button", { name: "Create the run" }).click();
  await approveReviews(page, page.getByText(`Run ${RUN} is on Local cluster`));

  await page.goto(`${home}#/run/localnet/${RUN}/manage`);
  await expect(page.getByRole("heading", { level: 1, name: `Manage ${RUN}` })).toBeVisible();
  await expect(page.getByRole("button", { name: "Pause the run" })).toBeVisible();
  await expectGoodLooks(page, "manage, state");
  await page.getByRole("button", { name: "Pause the run" }).click();
  await approveReviews(page, said(page, "The run is paused"));
  expect((await run())["state"]).toBe("Paused");
  await expectGoodLooks(page, "manage, paused");

  await tab(page, "Configuration");
  await page.getByRole("tabpanel").getByRole("textbox", { name: "Rounds per epoch" }).fill("12");
  await expect(page.getByRole("heading", { name: "One change" })).toBeVisible();
  await expectGoodLooks(page, "manage, configuration");
  await page.getByRole("button", { name: "Change the configuration" }).click();
  await approveReviews(page, said(page, "The configuration is in force"));

  await tab(page, "Rewards");
  await page.getByRole("textbox", { name: "An epoch pays" }).fill("40");
  await page.getByRole("button", { name: "Set the rates" }).click();
  await approveReviews(page, said(page, "The rates are set"));
  await page.getByRole("textbox", { name: "Top up by" }).fill("50");
  await page.getByRole("button", { name: "Top up" }).click();
  await approveReviews(page, said(page, "The treasury holds 150 tokens"));
  await expectGoodLooks(page, "manage, rewards");
  // the page is left between the signature and what the network says of it: what became of it is found out before anything else
  await page.route(
    ({ href }) => href.startsWith(chain.on.rpc),
    async (route) => {
      if (route.request().postData()?.includes('"sendTransaction"') !== true) return route.continue();
      await route.fetch();
      await page.reload();
    },
  );
  await page.getByRole("textbox", { name: "Top up by" }).fill("7");
  await page.getByRole("button", { name: "Top up" }).click();
  await page.getByRole("button", { name: "Continue in wallet" }).click();
  await expect(page.getByRole("textbox", { name: "Top up by" })).toHaveCount(0);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await tab(page, "Rewards");
  await expect(said(page, "It was carried out after all")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("textbox", { name: "Top up by" })).toHaveValue("");

  await tab(page, "Who may join");
  await page.getByRole("textbox", { name: "Let in" }).fill(SOMEBODY);
  await page.getByRole("button", { name: "Let them in" }).click();
  await approveReviews(page, said(page, "One more may join"));
  await expectGoodLooks(page, "manage, who may join");
  await page
    .getByRole("button", { name: /^Suspend / })
    .filter({ hasText: "Suspend" })
    .first()
    .click();
  await approveReviews(page, said(page, /by this grant any more/));
  await page
    .getByRole("button", { name: /^Revoke / })
    .last()
    .click();
  await page
    .getByRole("dialog", { name: /^Revoke the grant/ })
    .getByRole("button", { name: "Revoke" })
    .click();
  await approveReviews(page, said(page, /The grant of .* is deleted/));

  await tab(page, "About");
  await page.getByRole("textbox", { name: "Name" }).fill("A managed run");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await approveReviews(page, said(page, /^Changed$/));
  await expectGoodLooks(page, "manage, about");

  await tab(page, "State");
  await page.getByRole("button", { name: "Resume the run" }).click();
  await approveReviews(page, said(page, "The run is going on"));
  expect((await run())["state"]).toBe("WaitingForMembers");
  await page.getByRole("button", { name: "Pause the run" }).click();
  await approveReviews(page, said(page, "The run is paused"));

  await tab(page, "Close");
  await expectGoodLooks(page, "manage, close");
  await page.getByRole("button", { name: "Close the run" }).click();
  const asked = page.getByRole("dialog", { name: `Close ${RUN}?` });
  const forGood = asked.getByRole("button", { name: "Close it for good" });
  await expect(forGood).toBeDisabled();
  await asked.getByRole("textbox").fill(RUN);
  await expectGoodLooks(page, "manage, closing");
  await forGood.click();
  // then what its treasury held comes back
  const withdraw = page.getByRole("button", { name: /withdraw/i });
  await approveReviews(page, withdraw);
  await expectGoodLooks(page, "manage, closed");
  await withdraw.click();
  await approveReviews(page, page.getByText("The treasury is empty and closed").first());
  expect(wallet.signed).toBeGreaterThan(10);
});
