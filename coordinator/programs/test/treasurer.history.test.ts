/** Random orders of what moves tokens, against a model in BigInt. */
import { Chain } from "@starling/programs/harness";
import { expect, it } from "vitest";
import { ataAddress, TreasuryRun } from "./treasurer.calls.ts";
import { claimable } from "./treasurer.scene.ts";

const SEED = Number(process.env["STARLING_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

it(`any order of top-ups, gifts and claims is exact to the unit (seed ${SEED})`, () => {
  const chain = new Chain();
  const run = new TreasuryRun(chain, "history", { initMinClients: 3 });
  const members = run.start().trainEpoch(3);
  for (const member of members) run.enroll(member);
  const donor = chain.funded("donor").address;
  const wallet = run.fundToken(donor, 5_000_000n);
  const tokens = members.map((member) => ataAddress(member.owner.address, run.mint, run.tokenProgram));
  const left = members.map((member) => claimable(run, member));
  const paid = members.map(() => 0n);
  let [vault, toppedUp, given, state] = [0n, 0n, 0n, SEED];
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let step = 0; step < 80; step++) {
    const amount = BigInt(below(below(4) === 0 ? 400_000 : 40_000));
    const what = below(6);
    if (what === 0) {
      if (run.sends(run.topUp(donor, amount))) [vault, toppedUp] = [vault + amount, toppedUp + amount];
      else expect(amount).toBe(0n);
    } else if (what === 1) {
      run.send(run.gift(donor, amount));
      [vault, given] = [vault + amount, given + amount];
    } else {
      const who = below(members.length);
      const points = below(8) === 0 ? left[who] : amount;
      const accepted = points > 0n && points <= left[who] && points <= vault;
      expect(run.sends(run.claim(members[who], points)), `step ${step}: ${points} of ${left[who]}, vault ${vault}`).toBe(accepted);
      if (accepted) [vault, left[who], paid[who]] = [vault - points, left[who] - points, paid[who] + points];
    }
    expect([run.units(run.vault), run.units(wallet)]).toEqual([vault, 5_000_000n - toppedUp - given]);
    expect(tokens.map((token) => run.units(token))).toEqual(paid);
    expect(members.map((member) => claimable(run, member))).toEqual(left);
    const sum = paid.reduce((total, units) => total + units, 0n);
    expect(run.read()).toMatchObject({ claimedPoints: sum, claimedUnits: sum, toppedUpUnits: toppedUp });
  }
  expect(paid.some((units) => units > 0n)).toBe(true);
});
