/** What people do over and over, found by what they see. */
import { expect, type Locator, type Page } from "@playwright/test";

/** The button with the connected wallet's short address. */
export const walletButton = (page: Page): Locator => page.getByRole("banner").getByRole("button", { name: /^Wallet / });

/** Opens the page's dialog and picks a wallet in it. */
export async function pickWallet(page: Page, name = "Test Wallet"): Promise<Locator> {
  await page.getByRole("banner").getByRole("button", { name: "Connect wallet" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect a wallet" });
  await dialog.getByRole("button", { name }).click();
  return dialog;
}

/** Until the header shows the wallet, with no dialog in the way. */
export async function connectWallet(page: Page): Promise<void> {
  await pickWallet(page);
  await expect(walletButton(page)).toBeVisible();
  const dialog = page.getByRole("dialog", { name: "Your wallet" });
  if (await dialog.isVisible()) await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

/** Moves the focus by Tab until it is on `target`, as somebody without a mouse does. Throws when a whole round does not reach it. */
export async function tabTo(page: Page, target: Locator, most = 120): Promise<void> {
  await expect(target).toBeVisible();
  for (let i = 0; i < most; i++) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${most} times Tab do not reach ${target.toString()}`);
}

/** Tab until it is there, then the key that activates it. */
export async function pressOn(page: Page, target: Locator, key: "Enter" | "Space" = "Enter"): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** Says yes to every transaction that the page shows, until `done` is there. Returns what was shown. */
export async function approveReviews(page: Page, done: Locator, limitMs = 180_000): Promise<string[]> {
  const shown: string[] = [];
  const review = page.getByRole("dialog", { name: /^Review: / });
  const onward = review.getByRole("button", { name: "Continue in wallet" });
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const left = deadlineMs - performance.now();
    await expect(onward.or(done).first()).toBeVisible({ timeout: Math.max(1, left) });
    if (await done.isVisible()) return shown;
    const text = await review.innerText();
    // gone already: the next one comes, or it is done
    if (
      await onward.click({ timeout: 5_000 }).then(
        () => true,
        () => false,
      )
    )
      shown.push(text);
  }
}
