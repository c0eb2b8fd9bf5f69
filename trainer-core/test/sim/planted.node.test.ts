/** Runs that must not succeed: what a broken rule does, the invariants see. */
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { Machine } from "@starling/sdk/machine";
import { packState, unpackState } from "@starling/sdk/stateBytes";
import type { CoordinatorState } from "@starling/sdk/types";
import { describe, expect, test } from "vitest";
import { agreedResults, countedEntries, tally } from "../../src/round/agreement.ts";
import type { Engine } from "../../src/round/ports.ts";
import { vouchedFor } from "../../src/round/transitions/results.ts";
import type { Violation } from "./invariants.ts";
import { type ChaosScenario, scenarioOf } from "./scenarios.ts";
import { runSeed } from "./seedRun.ts";

const base: Partial<ChaosScenario> = {
  clients: 4,
  pipeline: "overlapped",
  epochs: 3,
  skewMs: 0,
  // short phases: a run that stands still is found soon
  config: { roundsPerEpoch: 4, warmupMs: 4_000n, maxRoundTrainMs: 2_000n, roundWitnessMs: 1_000n },
  faults: { dropGossip: 0.3, delayMs: [1, 80] },
  faultKinds: [],
};

/** The first invariant that breaks in some seeds, and where. */
async function finds(change: Partial<ChaosScenario>): Promise<Violation | null> {
  for (let seed = 1; seed <= 12; seed++) {
    const { violation } = await runSeed({ ...scenarioOf(seed), ...base, ...change, seed });
    if (violation !== null) return violation;
  }
  return null;
}

describe("planted faults are found", { timeout: 900_000 }, () => {
  test("a wrong quorum: one list is enough for a result", async () => {
    const agree: typeof agreedResults = (round) => {
      const agreement = agreedResults(round);
      if (agreement.status === "missing-lists") return agreement;
      const plan = { ...round.plan, quorum: 1 };
      return { status: "agreed", results: tally({ ...round, plan }, countedEntries(round.plan)) };
    };
    // what a liar alone names is nowhere, so everybody waits for it
    expect(await finds({ adversaries: ["liar"], plant: { agree } })).toMatchObject({ invariant: "progress" });
  });

  test("a wrong quorum: one client takes two thirds of the reports for two thirds of those elected", async () => {
    const plant: ChaosScenario["plant"] = {
      view: (view, number) =>
        number !== 1
          ? view
          : { ...view, plans: view.plans.map((plan) => ({ ...plan, quorum: Math.ceil((2 * plan.witnesses.length) / 3) })) },
    };
    expect(await finds({ adversaries: [], faultKinds: ["gossipStorm", "slowLink", "stall"], faultGapMs: 800, plant })).toMatchObject({
      invariant: "one hash",
    });
  });

  test("a skipped replay: a client begins the next round although it has not applied what it missed", async () => {
    const plant: ChaosScenario["plant"] = {
      engine: (engine, number, coordinator) => (number === 1 ? new SkippingEngine(engine, coordinator).engine : engine),
    };
    expect(await finds({ adversaries: [], faultKinds: ["stall", "partition"], faultGapMs: 1_500, plant })).toMatchObject({
      invariant: "one hash",
    });
  });

  test("a lost point: one member's earnings of one epoch are short by one", async () => {
    const plant: ChaosScenario["plant"] = { machine: (machine) => losesOnePoint(machine) };
    expect(await finds({ adversaries: [], plant })).toMatchObject({ invariant: "points add up" });
  });

  test("lists count although nobody holds them", async () => {
    const agree: typeof agreedResults = (round) => {
      const missing = round.plan.witnesses.filter(({ root }) => !round.lists.has(root));
      if (missing.length > 0) return { status: "missing-lists", entries: missing };
      return { status: "agreed", results: tally(round, round.plan.witnesses) };
    };
    expect(await finds({ adversaries: ["liar"], plant: { agree } })).not.toBeNull();
  });

  test("a client makes do with the lists that it has", async () => {
    const agree: typeof agreedResults = (round) => ({ status: "agreed", results: tally(round, countedEntries(round.plan)) });
    expect(await finds({ adversaries: [], faultKinds: ["partition", "slowLink"], faultGapMs: 1_000, plant: { agree } })).toMatchObject({
      invariant: "one hash",
    });
  });

  test("a client applies what it heard itself", async () => {
    const agree: typeof agreedResults = (round) => ({
      status: "agreed",
      results: [...round.batches].flatMap(([batch, state]) => {
        const kept = vouchedFor(state);
        return kept === null ? [] : [{ batch, commitment: kept.commitment, namedBy: [0, 1, 2] }];
      }),
    });
    expect(await finds({ adversaries: ["equivocator"], plant: { agree } })).toMatchObject({ invariant: "one hash" });
  });
});

/** Does not apply the rounds that went by while its client was away. */
class SkippingEngine {
  readonly engine: Engine;
  #step = 0;

  constructor(engine: Engine, coordinator: () => CoordinatorState) {
    const own: Partial<Engine> = {
      startEpoch: async () => {
        this.#step = coordinator().epochStartStep - 1;
        await engine.startEpoch();
      },
      beginRound: async (round) => {
        this.#step++;
        if (coordinator().step < this.#step + 2) await engine.beginRound(round);
      },
    };
    this.engine = new Proxy(engine, {
      get(target, property) {
        const value = (own[property as keyof Engine] ?? Reflect.get(target, property, target)) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

/** At the end of its second epoch, once, the first slot that earned anything has a point less. */
function losesOnePoint(machine: Machine): Machine {
  let inner = machine;
  let isDone = false;
  return new Proxy(machine, {
    get(_target, property) {
      if (property === "tick") {
        return (...args: Parameters<Machine["tick"]>) => {
          const outcome = inner.tick(...args);
          if (outcome === "epoch-succeeded" && inner.state().epoch === 2 && !isDone) {
            isDone = true;
            inner = Machine.load(withOnePointLess(inner));
          }
          return outcome;
        };
      }
      const value = Reflect.get(inner, property, inner) as unknown;
      return typeof value === "function" ? (value.bind(inner) as unknown) : value;
    },
  });
}

function withOnePointLess(machine: Machine): Uint8Array {
  const bytes = unpackState(machine.bytes());
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const { index } = machine.state().clients.find(({ earned }) => earned > 0n)!;
  const { State, Run, EpochTable, Slot } = LAYOUT;
  const table = State.fields.tables.offset + bytes[State.fields.run.offset + Run.fields.table.offset] * EpochTable.bytes;
  const at = table + EpochTable.fields.slots.offset + index * Slot.bytes + Slot.fields.earned.offset;
  view.setBigUint64(at, view.getBigUint64(at, true) - 1n, true);
  return packState(bytes);
}
