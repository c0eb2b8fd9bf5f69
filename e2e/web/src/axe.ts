/** Every state of the page is held against axe's rules; none may be broken. */
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

export async function expectAccessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, impact, help, nodes }) =>
      `${id} (${impact}): ${help}\n${nodes.map(({ target, failureSummary }) => `    ${target.join(" ")}: ${failureSummary?.replaceAll("\n", " ")}`).join("\n")}`,
  );
  expect(told, `axe, ${state}:\n${told.join("\n")}`).toEqual([]);
}
