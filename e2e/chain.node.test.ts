/**
 * Documents 001 and 003 played to the letter (`psyche-solana-client` read as `starling`) against `starling local-validator`: first a
 * public run without rewards, then a private one with a delegate and rewards, in which two daemons train three epochs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Node } from "./src/liveRun.ts";
import { addressOf, lossEnds, OnChain, type Dump } from "./src/onChain.ts";
import { REPOSITORY } from "./src/processes.ts";

const isHere = process.platform === "linux" && process.arch === "x64";
const EVERYONE = "11111111111111111111111111111111";
/** creator, the two who train, the holder of the private authorization, someone else */
const [CREATOR, FIRST, SECOND, HOLDER, STRANGER] = [1, 2, 3, 4, 5];
const EPOCHS = 3;
const UNITS_PER_TOKEN = 1_000_000n;
const EARNING_RATE = 30n;
const TOP_UP = 1_000n;
/** software kernels take most of a minute to compile on a busy machine */
const STARTED_MS = 300_000;
const EPOCH_MS = 300_000;

interface Accounting {
  sumEarned: string;
  sumClaimed: string;
  sumClaimable: string;
  unsettled: { earned: string };
}
interface Member {
  owner: string;
  earned: string;
  slashed: string;
  claimed: string;
  claimable: string;
}

const accountingOf = (dump: Dump): Accounting => dump["accounting"] as Accounting;
const membersOf = (dump: Dump): Member[] => (dump["clients"] as { members: Member[] }).members;

describe.skipIf(!isHere)("the documents, on the chain", { timeout: 900_000 }, () => {
  const chain = new OnChain();
  const script = join(REPOSITORY, "scripts/join-authorization-create.sh");
  beforeAll(() => chain.start(5), 180_000);
  afterAll(() => chain.stop());

  /** Document 003, from the authority to the start. */
  async function create(runId: string, grantee: string, ...more: string[]): Promise<void> {
    const authority = addressOf(chain.wallet(CREATOR));
    const said = await chain.say(["sh", script, chain.rpc, chain.wallet(CREATOR), grantee]);
    expect(said, said.stderr).toMatchObject({ code: 0 });
    await chain.by(CREATOR, "create-run", "--run-id", runId, "--join-authority", authority, ...more);
    await chain.by(CREATOR, "update-config", "--run-id", runId, "--config-path", "test");
    await chain.by(CREATOR, "set-paused", "--run-id", runId, "--resume");
  }

  /** Every step whose parameters both told, with the same hash. */
  function equalSteps(a: Node, b: Node): number[] {
    const [one, other] = [a.hashes(), b.hashes()];
    const both = [...one.keys()].filter((step) => other.has(step));
    for (const step of both) expect(one.get(step), `parameters after step ${step}`).toBe(other.get(step));
    return both;
  }

  it("a public run without rewards: created, joined, left", async () => {
    await create("public-run", EVERYONE);
    const anybody = addressOf(chain.wallet(STRANGER));
    expect(await chain.succeeds(["can-join", "--run-id", "public-run", "--pubkey", anybody])).toMatchObject({ code: 0 });
    const nobody = await chain.succeeds(["can-join", "--run-id", "no-such-run", "--pubkey", anybody]);
    expect(nobody.code).not.toBe(0);
    expect(nobody.stderr + nobody.stdout).toContain('no run "no-such-run"');

    // one alone waits for a second member, and leaves when it is told to
    const alone = chain.train("alone", STRANGER, "public-run");
    await chain.until("it waits for others", STARTED_MS, () => alone.of("phase").some((line) => line["pending"] === 1));
    expect(await chain.end(alone)).toBe(0);
    expect((await chain.dump("public-run")).run.state).toBe("WaitingForMembers");
    // what lets everyone in would do so in the next run too
    await chain.by(CREATOR, "join-authorization-delete", "--authorizer", EVERYONE);
  });

  it("a private run with a delegate and rewards: three epochs, equal parameters, exact pay", async () => {
    const runId = "private-run";
    const holder = addressOf(chain.wallet(HOLDER));
    const owners = [FIRST, SECOND].map((number) => addressOf(chain.wallet(number)));
    await create(runId, holder, "--treasurer-collateral-mint", chain.mint);
    await chain.by(CREATOR, "set-future-epoch-rates", "--run-id", runId, "--earning-rate", String(EARNING_RATE), "--slashing-rate", "1");
    await chain.by(CREATOR, "treasurer-top-up-rewards", "--run-id", runId, "--collateral-amount", String(TOP_UP));

    const canJoin = ["can-join", "--run-id", runId, "--authorizer", holder];
    const refused = await chain.succeeds([...canJoin, "--pubkey", owners[0]]);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("does not name");
    await chain.by(
      HOLDER,
      "join-authorization-delegate",
      "--join-authority",
      addressOf(chain.wallet(CREATOR)),
      "--delegates-added",
      owners.join(","),
    );
    expect(await chain.succeeds([...canJoin, "--pubkey", owners[0]])).toMatchObject({ code: 0 });
    const RAW_WALLET_PRIVATE_KEY = readFileSync(chain.wallet(SECOND), "utf8");
    expect(await chain.succeeds(canJoin, { RAW_WALLET_PRIVATE_KEY })).toMatchObject({ code: 0 });
    expect((await chain.succeeds([...canJoin, "--pubkey", addressOf(chain.wallet(STRANGER))])).code).not.toBe(0);

    const daemons = [FIRST, SECOND].map((number) => chain.train(`rig-${number}`, number, runId, { AUTHORIZER: holder }));
    const [first, second] = daemons;
    await chain.until("both train", STARTED_MS, () => daemons.every((one) => one.told("trained").length > 0));
    await chain.until(`${EPOCHS} epochs are over`, EPOCHS * EPOCH_MS, () => first.phases.some(({ epoch }) => epoch >= EPOCHS));
    const agreed = (await chain.dump(runId)).run;
    expect(agreed.parameterHashEpoch).toBe(EPOCHS - 1);

    const [begin, end] = lossEnds(daemons, 8);
    expect(end).toBeLessThan(begin);
    const steps = equalSteps(first, second);
    expect(steps.length).toBeGreaterThan(EPOCHS * 6);
    expect([...first.hashes().values()]).toContain(agreed.parameterHash);
    const stored = first
      .of("saved")
      .filter((line) => line["agreed"])
      .map((line) => line["parameterHash"]);
    expect(stored).toContain(agreed.parameterHash);

    // one signature of the owner, whatever was trained: its session did the rest
    const signed = await chain.ask<unknown[]>("getSignaturesForAddress", [owners[0], { commitment: "confirmed" }]);
    expect(signed).toHaveLength(1);

    await chain.by(CREATOR, "set-paused", "--run-id", runId);
    await chain.until("the run is paused", 120_000, () => daemons.every((one) => one.phases.at(-1)?.runState === "Paused"));
    // the epoch that the pause ended has parameters of its own; a member tells where they are
    const told = await chain.dumpWhen(runId, EPOCH_MS, ({ run }) => run.checkpoint?.parameterHash === run.parameterHash);
    expect(told.run.checkpoint).toMatchObject({ location: "p2p" });
    expect([...first.hashes().values()]).toContain(told.run.parameterHash);
    for (const one of daemons) expect(await chain.end(one)).toBe(0);

    // what was earned is what is paid, to the last unit
    for (const number of [FIRST, SECOND]) await chain.by(number, "treasurer-claim-rewards", "--run-id", runId);
    const dump = await chain.dump(runId);
    const members = membersOf(dump);
    const paid = await Promise.all(owners.map((owner) => chain.tokens(owner)));
    for (const [i, owner] of owners.entries()) {
      const member = members.find((one) => one.owner === owner)!;
      expect(member).toMatchObject({ slashed: "0", claimable: "0" });
      expect(member.claimed).toBe(member.earned);
      expect(paid[i]).toBe(BigInt(member.earned));
    }
    const { sumEarned, sumClaimed, sumClaimable, unsettled } = accountingOf(dump);
    expect([sumClaimed, sumClaimable, unsettled.earned]).toEqual([sumEarned, "0", "0"]);
    const total = paid.reduce((sum, units) => sum + units, 0n);
    expect(total).toBe(BigInt(sumEarned));
    // an epoch pays its whole pot but for what does not divide; the one that the pause cut short may have paid too
    const pot = EARNING_RATE * UNITS_PER_TOKEN;
    const most = pot * BigInt(EPOCHS + 1);
    expect(total >= pot * BigInt(EPOCHS) - 2n * BigInt(EPOCHS) && total <= most, `${total} units paid of ${most}`).toBe(true);
    expect(dump["treasury"]).toMatchObject({
      vaultUnits: String(TOP_UP * UNITS_PER_TOKEN - total),
      claimedUnits: String(total),
      mint: chain.mint,
    });
  });
});
