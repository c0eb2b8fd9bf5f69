/** The wrong network, and a cluster that dies while a transaction is under way. */
import type { Page } from "@playwright/test";
import { Proxy } from "../../src/proxy.ts";
import { expect, LAMPORTS_PER_SOL, test } from "../fixtures.ts";
import { expectGoodLooks } from "../src/looks.ts";
import { approveReviews, connectWallet } from "../src/steps.ts";
import type { Decision } from "../src/testWallet.ts";

const ELSEWHERE = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

async function draft(page: Page, home: string, runId: string): Promise<void> {
  await page.goto(`${home}#/create`);
  await page.getByRole("button", { name: "Start from test" }).click();
  await page.getByRole("textbox", { name: "Run id" }).fill(runId);
}
const toSend = (page: Page) => page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name: "Send" }).click();

test("a node of another network is named, and nothing is sent over it", async ({ page, home, site, wallet }) => {
  site.config = { clusters: [{ ...site.config.clusters[0]!, genesisHash: ELSEWHERE }], coordinators: [] };
  await draft(page, home, "elsewhere");
  await connectWallet(page);
  await toSend(page);
  await expect(page.getByRole("alert").filter({ hasText: /wrong network/i })).toBeVisible();
  await expect(page.getByRole("button", { name: "Create the run" })).toBeDisabled();
  await expectGoodLooks(page, "wrong network");
  expect(wallet.log.map(({ kind }) => kind)).toEqual(["connect"]);
});

test.describe("a wallet that does not know the network", () => {
  test.use({ walletOptions: { chains: ["solana:mainnet"] } });
  test("is told so before it is asked to sign", async ({ page, home, wallet }) => {
    await draft(page, home, "mainnet-only");
    await connectWallet(page);
    await toSend(page);
    const create = page.getByRole("button", { name: "Create the run" });
    const alert = page
      .getByRole("main")
      .getByRole("alert")
      .filter({ hasText: /network|Local cluster|localnet/i });
    await expect(create.or(alert).first()).toBeVisible();
    if (!(await alert.isVisible())) {
      await create.click();
      await approveReviews(page, alert);
    }
    await expect(alert).toBeVisible();
    expect(wallet.log.map(({ kind }) => kind)).toEqual(["connect"]);
  });
});

test("the RPC dies between the signature and the confirmation: unknown, checked again, done once", async ({
  page,
  home,
  site,
  chain,
  wallet,
}) => {
  test.setTimeout(480_000);
  const runId = "rpc-dies";
  const proxy = new Proxy(chain.on.rpc);
  await proxy.start();
  try {
    site.config = { clusters: [{ ...chain.cluster, rpcUrls: [proxy.rpc], wsUrls: [proxy.ws] }], coordinators: [] };
    await draft(page, home, runId);
    await connectWallet(page);
    await toSend(page);
    // the first transaction is signed, then nobody answers any more
    let isDead = false;
    wallet.decide = async ({ kind }): Promise<Decision> => {
      if (kind === "connect" || isDead) return "approve";
      isDead = true;
      await proxy.stop();
      return "approve";
    };
    await page.getByRole("button", { name: "Create the run" }).click();
    // nobody can know: it may have been carried out
    await approveReviews(page, page.getByText("Not known yet what became of it"), 240_000);
    await expectGoodLooks(page, "the cluster is gone");
    await proxy.start();
    wallet.decide = () => "approve";
    await page.getByRole("main").getByRole("button", { name: "Check again" }).click();
    await approveReviews(page, page.getByText(`Run ${runId} is on Local cluster`));
    expect((await chain.on.dump(runId)).run.state).toBe("WaitingForMembers");
    // one run was paid for, not two
    const spent = 10 * LAMPORTS_PER_SOL - Number(await chain.on.balance(wallet.address));
    expect(spent).toBeLessThan(1.2 * LAMPORTS_PER_SOL);
  } finally {
    await proxy.stop();
  }
});
