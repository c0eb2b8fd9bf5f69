/** Pages that show themselves without a run: both colour schemes, 360 to 1920 px, axe; the sentences where there is nothing to show. */
import { expect, test } from "../fixtures.ts";
import { expectGoodLooks } from "../src/looks.ts";

for (const [name, path] of [
  ["runs, none", ""],
  ["create", "#/create"],
  ["rewards without a wallet", "#/rewards"],
  ["no such page", "#/nowhere"],
  ["the kit", "#/kit"],
] as const) {
  test(`${name}: looks right in both schemes at every width`, async ({ page, home, recorder }) => {
    await page.goto(home + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("status", { name: "The page is loading" })).toHaveCount(0);
    await expectGoodLooks(page, name);
    expect(recorder.consoleErrors).toEqual([]);
  });
}

test("a config.json that cannot be used is a page with a sentence", async ({ page, home, site }) => {
  site.config = { ...site.config, clusters: [{ ...site.config.clusters[0]!, rpcUrls: ["ftp://nowhere"] }] };
  await page.goto(home);
  await expect(page.getByRole("alert")).toContainText("rpcUrls");
  await expectGoodLooks(page, "config.json is broken");
});

test("a config.json that is missing is a page with a sentence", async ({ page, home }) => {
  await page.route("**/config.json", (route) => route.fulfill({ status: 404, body: "not here" }));
  await page.goto(home);
  await expect(page.getByRole("alert")).toContainText("config.json");
});

test("the colour scheme that was chosen outlives a reload", async ({ page, home }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(home);
  await page.getByRole("button", { name: "Switch to the dark scheme" }).click();
  await expect(page.getByRole("button", { name: "Switch to the light scheme" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Switch to the light scheme" })).toBeVisible();
});
