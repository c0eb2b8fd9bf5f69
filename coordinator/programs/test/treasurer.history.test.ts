/** Random orders of what moves tokens, against a model in BigInt. */
import { machineTable, readRunHeader } from "@starling/programs/accounts";
import { Chain } from "@starling/programs/harness";
import { u64 } from "@starling/programs/wire";
import { expect, it } from "vitest";
import { ataAddress, TreasuryRun } from "./treasurer.calls.ts";
import { claimable } from "./treasurer.scene.ts";

const SEED = Number(process.env["STARLING_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

it(`any order of top-ups, gifts and claims is exact to the unit (seed ${SEED})`, () => {
  const chain = new Chain();
  const run = new TreasuryRun(chain, "history", { initMinClients: 3 });
  run.start().donate(3_000_000n);
  const members = run.trainEpoch(3);
  for (const member of members) run.enroll(member);
  const donor = chain.funded("donor").address;
  const wallet = run.fundToken(donor, 5_000_000n);
  const tokens = members.map((member) => ataAddress(member.owner.address, run.mint, run.tokenProgram));
  const left = members.map((member) => claimable(run, member));
  const paid = members.map(() => 0n);
  let [vault, toppedUp, given, state] = [3_000_000n, 3_000_000n, 0n, SEED];
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
    expect([run.units(run.vault), run.units(wallet)]).toEqual([vault, 8_000_000n - toppedUp - given]);
    expect(tokens.map((token) => run.units(token))).toEqual(paid);
    expect(members.map((member) => claimable(run, member))).toEqual(left);
    const sum = paid.reduce((total, units) => total + units, 0n);
    expect(run.read()).toMatchObject({ claimedPoints: sum, claimedUnits: sum, toppedUpUnits: toppedUp });
  }
  expect(paid.some((units) => units > 0n)).toBe(true);
});

/** Points of a run that somebody has, or will have: what its vault must hold. */
function owed(run: TreasuryRun): bigint {
  const { chain, scenario } = run;
  const { unpromisedPoints, unclaimedPoints } = readRunHeader(chain.data(scenario.at.run));
  const machine = scenario.machine();
  const inEpoch = ["Warmup", "RoundTrain", "RoundWitness", "Cooldown"].includes(scenario.state());
  let sum = unpromisedPoints + unclaimedPoints + machine.bigint("points_carry") + (inEpoch ? machine.bigint("epoch_earning_rate") : 0n);
  for (const index of [0, 1]) {
    const table = machineTable(chain.data(scenario.at[`table${index}`]));
    for (let slot = 0; slot < table.number("len"); slot++) {
      const entry = table.nested("slots", "Slot", slot);
      if (entry.number("settled") === 0) sum += entry.bigint("earned");
    }
  }
  return sum;
}

it(`the vault holds every point that is promised, in any order of rates, epochs, top-ups and claims (seed ${SEED})`, () => {
  const chain = new Chain();
  const run = new TreasuryRun(chain, "promises", { initMinClients: 1 });
  const { scenario } = run.start();
  let [gifts, paid, state] = [0n, 0n, SEED];
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const donor = chain.funded("donor of gifts").address;
  run.fundToken(donor, 10_000_000n);
  const members = [0, 1, 2].map((index) => scenario.member(index));
  for (const member of members) {
    scenario.join(member);
    run.enroll(member);
  }
  const check = (what: string): void => expect(run.units(run.vault) - gifts, what).toBe(owed(run));
  for (let epoch = 0; epoch < 12; epoch++) {
    for (let step = below(4); step >= 0; step--) {
      const amount = BigInt(1 + below(300_000));
      const member = members[below(3)];
      const points = claimable(run, member);
      const what = below(4);
      if (what === 0) run.donate(amount);
      else if (what === 1) run.send(run.forward(scenario.call("set_future_epoch_rates", [u64(amount), u64(0n)])));
      else if (what === 2) {
        run.send(run.gift(donor, amount));
        gifts += amount;
      } else if (points > 0n) {
        // never refused: what is earned is there
        const part = below(2) === 0 ? points : 1n + BigInt(below(Number(points)));
        run.send(run.claim(member, part));
        paid += part;
      }
      check(`epoch ${epoch}, ${what}`);
    }
    for (const member of members) if (below(3) > 0) run.sends(scenario.joinRun(member, { chainHead: scenario.freshLink(member) }));
    chain.advance(3);
    if (!run.sends(scenario.tickCall()) || scenario.state() !== "Warmup") continue;
    check(`epoch ${epoch}, formed`);
    const slots = scenario.slots().filter(() => below(5) > 0);
    for (const slot of slots) scenario.send(scenario.warmupWitness(slot));
    if (below(6) === 0) {
      run.send(run.forward(scenario.setPaused(true)));
      check(`epoch ${epoch}, paused`);
      run.send(run.forward(scenario.setPaused(false)));
      continue;
    }
    chain.advance(10);
    scenario.tick();
    check(`epoch ${epoch}, warmed up`);
    if (scenario.state() !== "RoundTrain") continue;
    const isSilent = below(5) === 0;
    while (scenario.state() !== "WaitingForMembers") {
      if (scenario.state() === "RoundTrain" && !isSilent) {
        for (const slot of scenario.slots()) if (below(4) > 0) scenario.sendWitness(slot);
      }
      chain.advance(20);
      scenario.tick();
      check(`epoch ${epoch}, ${scenario.state()}`);
    }
    scenario.settleAll();
    check(`epoch ${epoch}, settled`);
  }
  expect(paid).toBeGreaterThan(0n);
});
