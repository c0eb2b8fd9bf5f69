/** A state of the page in both colour schemes and at every width: pictures to look at, no sideways scrolling, no axe violation. */
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { REPOSITORY } from "../../src/processes.ts";
import { expectAccessible } from "./axe.ts";

const SCHEMES = ["light", "dark"] as const;
/** px: a small phone, a tablet, a laptop, a desk */
const WIDTHS = [360, 768, 1280, 1920];
/** the layout differs at most between these */
const AXE_WIDTHS = new Set([360, 1280]);
const HEIGHT = 900;
/** `STARLING_E2E_LOOKS=0`: while a journey is being written, axe alone, as the page stands */
const IS_WANTED = process.env["STARLING_E2E_LOOKS"] !== "0";

/** `state`: of the pictures' names, in e2e/artifacts/screenshots. Leaves the page as wide and as light as it was. */
export async function expectGoodLooks(page: Page, state: string): Promise<void> {
  if (!IS_WANTED) return expectAccessible(page, state);
  const before = page.viewportSize();
  // somebody may have chosen a scheme or scrolled in the journey so far: a picture of the whole page begins at its top
  const shown = await page.evaluate(`document.documentElement.getAttribute("data-theme")`);
  await page.evaluate(`scrollTo(0, 0)`);
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(`document.documentElement.dataset.theme = ${JSON.stringify(colorScheme)}`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT });
      await page.screenshot({
        path: join(REPOSITORY, "e2e/artifacts/screenshots", `${state.replaceAll(/[^a-z0-9]+/gi, "-")}-${colorScheme}-${width}.png`),
        fullPage: true,
        animations: "disabled",
      });
      // a person sees what is cut off, axe does not
      const wide = await page.evaluate(() => {
        const { documentElement: root } = (globalThis as unknown as { document: { documentElement: Record<string, number> } }).document;
        return root["scrollWidth"]! - root["clientWidth"]!;
      });
      expect(wide, `${state} at ${width} px scrolls sideways by this many px`).toBeLessThanOrEqual(0);
      if (AXE_WIDTHS.has(width)) await expectAccessible(page, `${state}, ${colorScheme}, ${width} px`);
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.evaluate(
    shown === null
      ? `document.documentElement.removeAttribute("data-theme")`
      : `document.documentElement.dataset.theme = ${JSON.stringify(shown)}`,
  );
  if (before !== null) await page.setViewportSize(before);
}
