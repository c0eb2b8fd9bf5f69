/** A client whose engine holds a part of the model: no vote on the hash, no model to serve, and its part compared before each epoch. */
import { describe, expect, test } from "vitest";
import { fromHex } from "@starling/sdk/bytes";
import type { Effect } from "./effects.ts";
import type { CoordinatorView } from "./states.ts";
import { callsOf, Driver, forgotten, modelOf } from "./testDriver.ts";
import { plan, startHash, view } from "./testRound.ts";

const agreed = "77".repeat(32);
const jobsOf = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === "engine" ? [effect.job.kind] : []));
const leavesBlob = { root: new Uint8Array(32).fill(5), sizeBytes: 32 };

function started(options = {}): Driver {
  const driver = new Driver({ holdsPart: true, ...options });
  driver.on({ type: "start" });
  driver.on({ type: "loaded", hash: startHash, blobs: null });
  return driver;
}

function warmup(nonce: number, hash: string): CoordinatorView {
  const made = view(nonce, "Warmup", 1, []);
  return { ...made, state: { ...made.state, parameterHash: fromHex(hash, 32)! } };
}

/** The model's leaves are asked for, arrive, and are compared. */
function compare(driver: Driver, asked: Effect[], matches: boolean): Effect[] {
  const fetch = asked.find((effect) => effect.type === "fetchLeaves");
  if (fetch === undefined) throw new Error("the leaves were not asked for");
  const effects = driver.on({ type: "leavesHeld", attempt: fetch.attempt, hash: fetch.hash, leaves: leavesBlob });
  expect(effects).toMatchObject([{ job: { kind: "compare", hash: fetch.hash, leaves: leavesBlob } }]);
  return driver.on({ type: "compared", hash: fetch.hash, matches });
}

describe("an engine that holds a part", () => {
  test("begins the run's first epoch without putting a model up", () => {
    const driver = started();
    expect(jobsOf(driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) }))).toEqual(["startEpoch"]);
    expect(callsOf(driver.on({ type: "epochStarted", epochId: "0/1" }))).toEqual(["warmupWitness"]);
    expect(driver.state.model).toBe(null);
  });

  test("compares its part with the leaves of what was agreed, and goes on with it", () => {
    const driver = started();
    driver.state = { ...driver.state, engineHash: null };
    const effects = compare(driver, driver.on({ type: "snapshot", view: warmup(1, agreed) }), true);
    expect(jobsOf(effects)).toEqual(["startEpoch"]);
    expect(driver.state.engineHash).toBe(agreed);
    expect(forgotten(driver)).toContain(5);
  });

  test("takes the model from peers where its part is another, keeps its part and lets go of the rest", () => {
    const driver = started();
    driver.state = { ...driver.state, engineHash: null };
    const effects = compare(driver, driver.on({ type: "snapshot", view: warmup(1, agreed) }), false);
    const fetch = effects.find((effect) => effect.type === "fetchModel");
    if (fetch === undefined) throw new Error("the model was not asked for");
    const model = modelOf(20);
    expect(jobsOf(driver.on({ type: "modelHeld", attempt: fetch.attempt, hash: agreed, blobs: model }))).toEqual(["import"]);
    expect(jobsOf(driver.on({ type: "imported", hash: agreed }))).toEqual(["startEpoch"]);
    expect(driver.state.model).toBe(null);
    expect(forgotten(driver)).toEqual(expect.arrayContaining([20, 120]));
  });

  test("that lost its device puts the run's own start back, where that is what the epoch starts from", () => {
    const driver = started({ canImportStart: true });
    driver.on({ type: "engineReset", reason: "its worker died" });
    expect(jobsOf(driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) }))).toEqual(["importStart"]);
  });

  test("reports the last round of an epoch without a hash, at once, and hashes nothing", () => {
    const driver = started();
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "epochStarted", epochId: "0/1" });
    const made = view(2, "RoundTrain", 1, [plan(1, { drain: true, assignments: [] })]);
    driver.on({ type: "snapshot", view: { ...made, state: { ...made.state, lastStep: 2 } } });
    driver.on({ type: "began", step: 1 });
    const sent = driver.effects.flatMap((effect) => (effect.type === "call" && effect.call.name === "witness" ? [effect.call] : []));
    expect(sent.map(({ parameterHash }) => parameterHash)).toEqual([new Uint8Array(32)]);
    expect(jobsOf(driver.effects)).not.toContain("hash");
    expect(jobsOf(driver.effects)).not.toContain("export");
  });

  test("waits for the next epoch when this one is over, whatever was agreed", () => {
    const driver = started();
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "epochStarted", epochId: "0/1" });
    driver.on({ type: "snapshot", view: view(2, "RoundTrain", 1, [plan(1)]) });
    driver.on({ type: "began", step: 1 });
    driver.on({ type: "jobFailed", job: { kind: "train", step: 1, learningRate: 1, fields: undefined as never }, message: "no batch" });
    const over = view(3, "Cooldown", 2, [plan(1)]);
    const state = { ...over.state, parameterHash: fromHex(agreed, 32)!, parameterHashEpoch: 0 };
    driver.on({ type: "snapshot", view: { ...over, state } });
    expect(driver.state.stage.name).toBe("waiting");
    expect(driver.told("epochLost")).toEqual([]);
  });
});
