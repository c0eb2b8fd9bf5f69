/** A wallet is found, connected, refused, remembered and left. */
import { expect, test } from "../fixtures.ts";
import { expectGoodLooks } from "../src/looks.ts";
import { connectWallet, pickWallet, pressOn, walletButton } from "../src/steps.ts";

test("without a wallet in the browser the dialog says how to get one", async ({ page, home, recorder }) => {
  await page.goto(home);
  await page.getByRole("button", { name: "Connect wallet" }).click();
  await expect(page.getByRole("dialog", { name: "Connect a wallet" })).toContainText("no Solana wallet");
  await expectGoodLooks(page, "wallets, none");
  expect(recorder.consoleErrors).toEqual([]);
});

test("a wallet is found, connected, remembered over a reload, and disconnected", async ({ page, home, wallet, recorder }) => {
  await page.goto(home);
  await page.getByRole("button", { name: "Connect wallet" }).click();
  await expect(page.getByRole("dialog").getByRole("button", { name: "Test Wallet" })).toBeVisible();
  await expectGoodLooks(page, "wallets, one");
  await page.keyboard.press("Escape");
  await connectWallet(page);
  await expect(walletButton(page)).toHaveAccessibleName(new RegExp(wallet.address.slice(0, 4)));
  expect(wallet.log.map(({ kind }) => kind)).toEqual(["connect"]);

  await page.reload();
  await expect(walletButton(page)).toBeVisible();
  // it asked silently: nobody had to approve it again
  expect(wallet.log).toHaveLength(1);

  await walletButton(page).click();
  const dialog = page.getByRole("dialog", { name: "Your wallet" });
  await expect(dialog).toContainText(wallet.address.slice(0, 4));
  await expectGoodLooks(page, "wallet, connected");
  await dialog.getByRole("button", { name: "Disconnect" }).click();
  await expect(page.getByRole("banner").getByRole("button", { name: "Connect wallet" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("banner").getByRole("button", { name: "Connect wallet" })).toBeVisible();
  expect(recorder.consoleErrors).toEqual([]);
});

test("a connection that is declined says so, and can be tried again", async ({ page, home, wallet }) => {
  wallet.decide = () => "reject";
  await page.goto(home);
  const dialog = await pickWallet(page);
  await expect(dialog.getByRole("alert")).toContainText(/declined|rejected|refused/i);
  await expectGoodLooks(page, "wallet, declined");
  wallet.decide = () => "approve";
  await dialog.getByRole("button", { name: "Test Wallet" }).click();
  await expect(walletButton(page)).toBeVisible();
});

test("a wallet that does not answer can be left for another", async ({ page, home, wallet }) => {
  wallet.decide = () => "hang";
  await page.goto(home);
  const dialog = await pickWallet(page);
  await expect(dialog.getByRole("status")).toContainText("Approve the connection");
  await expectGoodLooks(page, "wallet, asked");
  await dialog.getByRole("button", { name: "Choose another wallet" }).click();
  await expect(dialog.getByRole("button", { name: "Test Wallet" })).toBeVisible();
});

test("connected by the keyboard alone", async ({ page, home, wallet }) => {
  await page.goto(home);
  await pressOn(page, page.getByRole("banner").getByRole("button", { name: "Connect wallet" }));
  await pressOn(page, page.getByRole("dialog").getByRole("button", { name: "Test Wallet" }));
  await expect(walletButton(page)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(wallet.log).toHaveLength(1);
});
