import { describe, expect, test } from "vitest";
import { agreedResults, countedEntries, tally } from "../../src/round/agreement.ts";
import { vouchedFor } from "../../src/round/transitions/results.ts";
import { problemsOf } from "./checks.ts";
import { member } from "./keys.node.ts";
import { scenarioOf } from "./scenarios.ts";
import { type Scenario, Simulation } from "./simulation.ts";

/** SIM_SEED=17 SIM_RUNS=1 replays one run; SIM_RUNS=2000 looks further. */
const firstSeed = Number(process.env.SIM_SEED ?? 1);
const runs = Number(process.env.SIM_RUNS ?? 200);

describe("a dishonest minority", () => {
  test(
    `seeds ${firstSeed} to ${firstSeed + runs - 1}: parameters stay equal, honest clients stay members, the loss falls`,
    { timeout: 1_200_000 },
    async () => {
      const met = new Map<string, number>();
      for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
        const scenario = scenarioOf(seed);
        for (const kind of scenario.adversaries) met.set(kind, (met.get(kind) ?? 0) + 1);
        const outcome = await new Simulation(scenario).run();
        expect(problemsOf(outcome), `replay with SIM_SEED=${seed} SIM_RUNS=1; ${JSON.stringify(scenario)}`).toEqual([]);
      }
      console.log(`seeds ${firstSeed} to ${firstSeed + runs - 1}; adversaries met: ${JSON.stringify(Object.fromEntries(met))}`);
    },
  );

  test("the same seed is the same run, event for event", async () => {
    const events = async (): Promise<unknown> => {
      const outcome = await new Simulation(scenarioOf(4)).run();
      return outcome.clients.map((client) => client.events);
    };
    expect(await events()).toEqual(await events());
  });
});

/** Runs that must not all succeed: the checks see what a broken rule does. */
describe("planted faults are found", () => {
  const base: Omit<Scenario, "seed" | "adversaries"> = {
    clients: 4,
    pipeline: "overlapped",
    epochs: 1,
    faults: { dropGossip: 0.3, delayMs: [1, 80] },
  };

  async function finds(scenario: Omit<Scenario, "seed">): Promise<string[]> {
    for (let seed = 1; seed <= 12; seed++) {
      const problems = problemsOf(await new Simulation({ ...scenario, seed, limitMs: 30_000 }).run());
      if (problems.length > 0) return problems;
    }
    return [];
  }

  test("one list is enough for a result", async () => {
    const agree: typeof agreedResults = (round) => {
      const agreement = agreedResults(round);
      if (agreement.status === "missing-lists") return agreement;
      const weak = { ...round, plan: { ...round.plan, quorum: 1 } };
      return { status: "agreed", results: tally(weak, countedEntries(round.plan)) };
    };
    expect(await finds({ ...base, adversaries: ["liar"], agree })).not.toEqual([]);
  });

  test("lists count although nobody holds them", async () => {
    const agree: typeof agreedResults = (round) => {
      const missing = round.plan.witnesses.filter(({ root }) => !round.lists.has(root));
      if (missing.length > 0) return { status: "missing-lists", entries: missing };
      return { status: "agreed", results: tally(round, round.plan.witnesses) };
    };
    expect(await finds({ ...base, adversaries: ["liar"], agree })).not.toEqual([]);
  });

  test("a client makes do with the lists that it has", async () => {
    const agree: typeof agreedResults = (round) => ({ status: "agreed", results: tally(round, countedEntries(round.plan)) });
    const scenario: Scenario = { ...base, seed: 3, adversaries: [], agree, config: { roundsPerEpoch: 8 } };
    const simulation = new Simulation(scenario);
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    const keys = [0, 1, 2, 3].map((number) => member(number).identity.peer.publicKey);
    simulation.hub.partition([keys.slice(1), [keys[0]]]);
    await simulation.until(({ step }) => step === 6);
    simulation.hub.heal();
    await simulation.until(({ epoch }) => epoch === 1);
    await simulation.pass(200);
    const hashes = simulation.clients.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === "parameterHash" && event.step === 8 ? [event.parameterHash] : [])),
    );
    expect(hashes).toHaveLength(4);
    expect(new Set(hashes).size).toBe(2);
    await simulation.stop();
  });

  test("a client applies what it heard itself", async () => {
    const agree: typeof agreedResults = (round) => ({
      status: "agreed",
      results: [...round.batches].flatMap(([batch, state]) => {
        const kept = vouchedFor(state);
        return kept === null ? [] : [{ batch, commitment: kept.commitment, namedBy: [0, 1, 2] }];
      }),
    });
    const problems = await finds({ ...base, adversaries: ["equivocator"], agree });
    expect(problems.join()).toContain("different parameters");
  });
});
