/** A private run: refused without a grant, admitted with one, by a delegate of a holder too, and out at the next epoch once that is taken away. */
import { addressOf } from "../../src/onChain.ts";
import { expect, test } from "../fixtures.ts";
import { createRun, STARTED_MS } from "../src/chainRun.ts";
import { expectGoodLooks } from "../src/looks.ts";
import { approveReviews, connectWallet } from "../src/steps.ts";
import { WorkerWatch } from "../src/workerWatch.ts";

const RUN = "private";
/** whose grants count for this run alone: another's would let in who was let in elsewhere */
const CREATOR = 2;
const [HOLDER, RIG] = [5, 6];
const EPOCH_MS = 300_000;

test("refused without a grant, admitted with one, as a delegate, and out after it is revoked", async ({
  page,
  context,
  home,
  site,
  chain,
  wallet,
}) => {
  test.setTimeout(STARTED_MS + 4 * EPOCH_MS);
  const worker = await WorkerWatch.install(context);
  const creator = addressOf(chain.on.wallet(CREATOR));
  const holder = addressOf(chain.on.wallet(HOLDER));
  await createRun(chain.on, { runId: RUN, creator: CREATOR, grantee: addressOf(chain.on.wallet(RIG)) });
  site.config.dataUrls = { [RUN]: [`data/${RUN}/train.txt`] };
  const rig = chain.on.train("private-rig", RIG, RUN);
  try {
    await page.goto(`${home}#/run/localnet/${RUN}/train`);
    await connectWallet(page);
    const main = page.getByRole("main");
    const join = main.getByRole("button", { name: "Join and train" });
    await expect(main.getByText("This wallet may not join now")).toBeVisible();
    await expect(join).toBeDisabled();
    await expectGoodLooks(page, "train, no grant");

    // a grant of its own lets it in; the page finds out by itself
    await chain.on.by(CREATOR, "join-authorization-create", "--authorizer", wallet.address);
    await expect(main.getByText("This wallet may join")).toBeVisible();
    await expect(join).toBeEnabled();
    await chain.on.by(CREATOR, "join-authorization-delete", "--authorizer", wallet.address);
    await expect(main.getByText("This wallet may not join now")).toBeVisible();

    // nor does somebody else's grant, until its holder names this wallet
    await chain.on.by(CREATOR, "join-authorization-create", "--authorizer", holder);
    await main.getByText("Somebody else's grant names this wallet").click();
    await main.getByRole("textbox", { name: "Holder of the grant" }).fill(holder);
    await expect(main.getByText("This wallet may not join now")).toBeVisible();
    await chain.on.by(HOLDER, "join-authorization-delegate", "--join-authority", creator, "--delegates-added", wallet.address);
    await expect(main.getByText("This wallet may join")).toBeVisible();
    await join.click();
    await approveReviews(page, page.getByRole("heading", { level: 2, name: "Training in this tab" }));
    const trained = () => worker.told("trained");
    await expect.poll(() => trained().length, { timeout: STARTED_MS + EPOCH_MS, message: worker.tail() }).toBeGreaterThan(0);

    // revoked: it ends its epoch and has no part in the next
    await chain.on.by(CREATOR, "join-authorization-delete", "--authorizer", holder);
    const { epoch } = worker.told("phase").at(-1)!;
    await chain.on.until("the epoch is over", EPOCH_MS, () => rig.phases.some((phase) => phase.epoch > epoch));
    // the last epoch's table still tells that it has left
    const alive = async () => JSON.stringify(((await chain.on.dump(RUN))["epoch"] as { clients: { alive: unknown[] } }).clients.alive);
    await expect.poll(alive, { timeout: EPOCH_MS }).not.toContain(wallet.address);
    await expect(main.getByText(/grant|authoriz|not let this tab in/i).first()).toBeVisible({ timeout: EPOCH_MS });
    const trainedTillThen = trained().length;
    await expectGoodLooks(page, "train, revoked");
    expect(trained().length).toBe(trainedTillThen);
  } finally {
    await chain.on.end(rig);
  }
});
