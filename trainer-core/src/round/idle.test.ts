import { decodeWitnessMetadata } from "@starling/sdk/witnessMetadata";
import { describe, expect, test } from "vitest";
import { isIdle } from "./idle.ts";
import { announce, blobs, Driver, receive } from "./testDriver.ts";
import { plan, startHash, view } from "./testRound.ts";

describe("isIdle", () => {
  test("in warm-up once it is ready; in a round once its batch is trained; not while the engine works", () => {
    const driver = new Driver();
    const idle = () => isIdle(driver.state);
    expect(idle()).toBe(false);
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    expect(idle()).toBe(false); // not a member yet
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    expect(idle()).toBe(false); // the epoch is being started
    driver.on({ type: "epochStarted", epochId: "0/1" });
    expect(idle()).toBe(true);
    driver.on({ type: "snapshot", view: view(2, "RoundTrain", 1, [plan(1)]) });
    expect(idle()).toBe(false); // the round is being begun
    driver.on({ type: "began", step: 1 });
    expect(idle()).toBe(false); // its batch is in training
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    expect(idle()).toBe(true);
    driver.on({ type: "snapshot", view: view(3, "RoundWitness", 1, [plan(1)]) });
    expect(idle()).toBe(true);
    driver.on({ type: "engineReset", reason: "a test" });
    expect(idle()).toBe(false); // nobody knows what is in the engine
  });

  test("not when it was told to stop", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    driver.on({ type: "stop", drain: true });
    expect(isIdle(driver.state)).toBe(false);
  });
});

describe("what is shown", () => {
  const metadataOf = (driver: Driver) => decodeWitnessMetadata(driver.state.rounds.get(1)!.report!.metadata);

  test("goes out with the next report, the text once, scores as long as they stand", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "show", shown: { sampleText: "The sea was calm" } });
    driver.on({ type: "show", shown: { evals: [["heldout", 20.5]] } });
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    for (const slot of [1, 2, 3]) receive(driver, slot);
    expect(metadataOf(driver)).toMatchObject({ sampleText: "The sea was calm", evals: [["heldout", 20.5]] });
    expect(driver.state.shown).toEqual({ sampleText: null, evals: [["heldout", 20.5]] });
  });

  test("what cannot be told is left out, and never holds up a report", () => {
    const driver = Driver.inRoundOne();
    const evals = [
      ["perplexity", Number.POSITIVE_INFINITY],
      ["one", 1],
      ["a name that is much too long", 0.5],
      ["two", 1e39], // no f32
      ["three", 3],
      ["four", 4],
      ["five", 5],
      ["six", 6],
    ] as const;
    driver.on({ type: "show", shown: { sampleText: "é".repeat(500), evals } });
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    for (const slot of [1, 2, 3]) receive(driver, slot);
    const { sampleText, evals: told } = metadataOf(driver);
    expect(told.map(([name]) => name)).toEqual(["one", "three", "four", "five"]);
    expect(sampleText).toMatch(/^é{50,60}$/);
  });
});
