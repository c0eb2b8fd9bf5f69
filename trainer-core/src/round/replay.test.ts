import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "@starling/sdk/bytes";
import type { CoordinatorState } from "@starling/sdk/types";
import type { RecordOfRound } from "../protocol/messages.ts";
import type { Effect } from "./effects.ts";
import { newRound, planOf, recordOf } from "./records.ts";
import { type CoordinatorView, keptRounds, type RoundPlan } from "./states.ts";
import { announce, blobs, callsOf, Driver, forgotten, modelOf } from "./testDriver.ts";
import { epoch, peer, plan, startHash, view, witness } from "./testRound.ts";

const emptyRoot = "ab".repeat(32);

/** A round that is over, of which nothing was agreed: its lists count, and are empty. */
function over(step: number): RoundPlan {
  return plan(step, { witnesses: [1, 2, 3].map((slot) => witness(slot, emptyRoot, 0b1110)) });
}

function record(step: number, change: Partial<RecordOfRound> = {}): RecordOfRound {
  return { ...recordOf(newRound(epoch, over(step), false, 0)), ...change };
}

const recordsAsked = (effects: Effect[]): { step: number; peer: number }[] =>
  effects.flatMap((effect) => (effect.type === "fetchRecord" ? [{ step: effect.step, peer: effect.peer[0] - 1 }] : []));

const jobsOf = (effects: Effect[]): string[] => effects.flatMap((effect) => (effect.type === "engine" ? [effect.job.kind] : []));

function answer(driver: Driver, step: number, slot: number, what = record(step), digest = "honest"): Effect[] {
  const attempt = { step: null, key: `record/${step}/${toHex(peer(slot))}` };
  return driver.on({ type: "record", attempt, peer: toHex(peer(slot)), digest, record: what });
}

function snapshot(driver: Driver, nonce: number, step: number, plans: RoundPlan[], change: Partial<CoordinatorState> = {}): Effect[] {
  return driver.on({ type: "snapshot", view: view(nonce, "RoundTrain", step, plans, change) });
}

/** Round 1 is trained; then nothing is heard until the coordinator is at `step` and keeps four rounds. */
function missed(step: number): { driver: Driver; effects: Effect[] } {
  const driver = Driver.inRoundOne();
  driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
  const ring = [step - 3, step - 2, step - 1].map(over);
  return { driver, effects: snapshot(driver, 3, step, [...ring, plan(step)]) };
}

describe("records of rounds that went by unseen", () => {
  test("a record between its forms is the same", () => {
    const { startedMs, seed, witnesses, ...rest } = planOf(record(4));
    const { startedMs: _, seed: __, witnesses: before, ...expected } = over(4);
    expect({ startedMs, seed }).toEqual({ startedMs: 0, seed: new Uint8Array(32) });
    expect(rest).toEqual(expected);
    expect(witnesses.map(({ root, listsHeld }) => ({ root, listsHeld }))).toEqual(
      before.map(({ root, listsHeld }) => ({ root, listsHeld })),
    );
  });

  test("are asked of as many members as can outvote the liars, and then begun one by one", () => {
    const { driver, effects } = missed(8);
    expect(driver.told("replay")).toEqual([{ type: "replay", fromStep: 2, toStep: 8 }]);
    // of four members fewer than 4/3 lie: two must say the same
    expect([1, 2, 3, 4].map((step) => recordsAsked(effects).filter((asked) => asked.step === step).length)).toEqual([2, 2, 2, 2]);
    answer(driver, 1, 1);
    expect(driver.state.rounds.get(1)!.final).toBe(false);
    // who answers otherwise is outvoted, and another one is asked
    const third = answer(driver, 1, 2, record(1, { witnesses: [] }), "lie");
    expect(recordsAsked(third)).toEqual([{ step: 1, peer: 3 }]);
    const agreed = answer(driver, 1, 3);
    expect(driver.state.rounds.get(1)).toMatchObject({ final: true, plan: { witnesses: [{}, {}, {}] } });
    const begun: Effect[] = [];
    for (const step of [2, 3, 4]) for (const slot of [1, 2]) begun.push(...answer(driver, step, slot));
    expect(driver.state.records.size).toBe(0);
    expect(begun.filter(({ type }) => type === "engine")).toMatchObject([{ job: { kind: "begin", step: 2 } }]);
    // round 3 applies round 1: its lists are fetched first
    const list = { runId: "run", epoch: 0, step: 1, witness: peer(1), entries: [] };
    expect(agreed.filter(({ type }) => type === "fetchList")).toMatchObject([{ step: 1 }]);
    expect(jobsOf(driver.on({ type: "began", step: 2 }))).toEqual([]);
    expect(driver.on({ type: "list", list, root: emptyRoot, requested: null })).toMatchObject(
      expect.arrayContaining([{ type: "engine", job: expect.objectContaining({ kind: "begin", step: 3 }) }]),
    );
    // rounds that are over are not trained
    expect(jobsOf(driver.on({ type: "began", step: 3 }))).not.toContain("train");
  });

  test("level again, it says so and trains", () => {
    const { driver } = missed(5);
    for (const slot of [1, 2]) answer(driver, 1, slot);
    for (const step of [1, 2, 3]) {
      driver.on({ type: "list", list: { runId: "run", epoch: 0, step, witness: peer(1), entries: [] }, root: emptyRoot, requested: null });
    }
    for (const step of [2, 3, 4]) driver.on({ type: "began", step });
    expect(driver.told("caughtUp")).toEqual([]);
    expect(jobsOf(driver.on({ type: "began", step: 5 }))).toEqual(["train"]);
    expect(driver.told("caughtUp")).toEqual([{ type: "caughtUp", step: 5 }]);
    expect(driver.state.replay).toBeNull();
  });

  test.each([
    ["of another epoch", record(2, { epoch: 1 })],
    ["of a round under way", record(8)],
    ["with slots that there are not", record(2, { assignments: [{ clientIndex: 9, start: 0n, end: 1n }] })],
    ["of another height", record(2, { height: 7 })],
  ])("is not counted: one %s", (_what, wrong) => {
    const { driver } = missed(8);
    answer(driver, wrong.step, 1, wrong);
    expect(driver.state.records.size).toBe(0);
  });

  test("the same peer counts once", () => {
    const { driver } = missed(8);
    answer(driver, 2, 1);
    answer(driver, 2, 1);
    expect(driver.state.rounds.has(2)).toBe(false);
  });

  test("nine rounds back is too far at first, and not while a replay is under way", () => {
    expect(missed(10).driver.state.stage.name).toBe("stranded");
    const { driver } = missed(9);
    expect(driver.state.stage.name).toBe("training");
    const ring = (step: number): RoundPlan[] => [...[step - 3, step - 2, step - 1].map(over), plan(step)];
    snapshot(driver, 4, 10, ring(10));
    expect(driver.state.stage.name).toBe("training");
    snapshot(driver, 5, keptRounds + 3, ring(keptRounds + 3));
    expect(driver.told("stranded")).toMatchObject([{ reason: expect.stringMatching(/members keep the last 8/) }]);
    expect(driver.effects.some(({ type }) => type === "abandonModel")).toBe(true);
  });

  test("alone in an epoch there is nobody to ask", () => {
    const driver = Driver.inRoundOne();
    const { clients } = view(1, "RoundTrain", 1, []).state;
    const alone = { clients: clients.slice(0, 1) };
    driver.state = { ...driver.state, epoch: { ...driver.state.epoch!, peers: [peer(0)] } };
    snapshot(
      driver,
      3,
      6,
      [3, 4, 5, 6].map((step) => plan(step)),
      alone,
    );
    expect(driver.told("stranded")).toMatchObject([{ reason: expect.stringMatching(/no other member to ask/) }]);
  });
});

describe("an epoch entered late", () => {
  function loadedAt(step: number): { driver: Driver; effects: Effect[] } {
    const driver = new Driver();
    driver.on({ type: "start" });
    const ring = [step - 2, step - 1].map(over);
    snapshot(driver, 1, step, [...ring, plan(step)]);
    return { driver, effects: driver.on({ type: "loaded", hash: startHash, blobs }) };
  }

  test("is followed from its start, and trained in from the next round on", () => {
    const { driver, effects } = loadedAt(4);
    expect(jobsOf(effects)).toEqual(["startEpoch"]);
    expect(recordsAsked(effects).map(({ step }) => step)).toEqual([1, 1]);
    expect(driver.state.epoch).toMatchObject({ startStep: 1, trainsFrom: 5 });
    for (const slot of [1, 2]) answer(driver, 1, slot);
    expect(driver.on({ type: "epochStarted", epochId: "0/1" })).toMatchObject([{ type: "engine", job: { kind: "begin", step: 1 } }]);
    expect(driver.told("replay")).toEqual([{ type: "replay", fromStep: 1, toStep: 4 }]);
    for (const step of [1, 2, 3]) {
      driver.on({ type: "list", list: { runId: "run", epoch: 0, step, witness: peer(1), entries: [] }, root: emptyRoot, requested: null });
    }
    for (const step of [1, 2, 3]) driver.on({ type: "began", step });
    // the process before may have announced a result of round 4: another one would be an equivocation
    expect(jobsOf(driver.on({ type: "began", step: 4 }))).toEqual([]);
    expect(jobsOf(snapshot(driver, 2, 5, [over(2), over(3), over(4), plan(5)]))).toEqual(["begin"]);
    expect(jobsOf(driver.on({ type: "began", step: 5 }))).toEqual(["train"]);
  });

  test("too late, it waits for the next one", () => {
    const { driver, effects } = loadedAt(10);
    expect(jobsOf(effects)).toEqual([]);
    expect(driver.told("stranded")).toHaveLength(1);
  });

  test("in its cooldown: what is agreed then is its end, and the next epoch's start", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    const change = { parameterHash: new Uint8Array(32).fill(3), parameterHashEpoch: 0 };
    expect(driver.on({ type: "snapshot", view: view(1, "Cooldown", 5, [over(3), over(4)], change) })).toEqual([]);
    expect(driver.state).toMatchObject({ stage: { name: "waiting" }, epoch: null });
  });

  test("whose last drain round is under way: the witness waits for its own hash", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    const drained = (step: number): RoundPlan => plan(step, { drain: true, assignments: [] });
    snapshot(driver, 1, 4, [over(1), over(2), drained(3), drained(4)], { lastStep: 5 });
    expect(callsOf(driver.on({ type: "loaded", hash: startHash, blobs }))).toEqual([]);
  });
});

describe("the engine's parameters are of no use", () => {
  test("a round that cannot be applied: the epoch's start from the own store, and the rounds again; twice, then no more", () => {
    const { driver } = missed(3);
    const [begin] = driver.effects.filter((effect) => effect.type === "engine" && effect.job.kind === "begin" && effect.job.step === 2);
    if (begin.type !== "engine") throw new Error("round 2 did not begin");
    const again = driver.on({ type: "jobFailed", job: begin.job, message: "the device is lost" });
    expect(driver.state.stage.name).toBe("preparing");
    expect(jobsOf(again)).toEqual(["hash"]);
    const imported = driver.on({ type: "hashed", step: null, hash: new Uint8Array(32).fill(7) });
    expect(imported).toMatchObject([{ type: "engine", job: { kind: "import", blobs, hash: startHash } }]);
    expect(jobsOf(driver.on({ type: "imported", hash: startHash }))).toEqual(["startEpoch"]);
    expect(jobsOf(driver.on({ type: "epochStarted", epochId: "0/1" }))).toEqual(["begin"]);
    driver.on({ type: "jobFailed", job: begin.job, message: "the device is lost" });
    expect(driver.state.stage.name).toBe("preparing");
    driver.state = { ...driver.state, stage: { name: "training", nextStep: 1 } };
    driver.on({ type: "jobFailed", job: begin.job, message: "the device is lost" });
    expect(driver.told("stranded")).toHaveLength(1);
  });

  test("another engine in place: prepares again in warm-up, starts over in a round", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "epochStarted", epochId: "0/1" });
    expect(driver.state.stage.name).toBe("ready");
    driver.on({ type: "engineReset", reason: "its worker died" });
    expect(driver.state).toMatchObject({ stage: { name: "preparing" }, engineHash: null });
    const trained = Driver.inRoundOne();
    trained.on({ type: "engineReset", reason: "its worker died" });
    expect(trained.state.stage.name).toBe("preparing");
  });

  test("another engine in place while the epoch was being started: it is asked what it holds", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "engineReset", reason: "its worker died" });
    expect(jobsOf(driver.on({ type: "epochStarted", epochId: "0/1" }))).toEqual(["hash"]);
    expect(driver.state.stage.name).toBe("preparing");
  });

  /** A warm-up that begins with these parameters. */
  function warmup(nonce: number, hash: string): CoordinatorView {
    const made = view(nonce, "Warmup", 1, []);
    return { ...made, state: { ...made.state, parameterHash: fromHex(hash, 32)! } };
  }

  test("parameters that its own checkpoints may hold: looked for there once, before peers are asked", () => {
    const wanted = "77".repeat(32);
    const driver = new Driver({ canImportStored: true });
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    expect(driver.on({ type: "snapshot", view: warmup(1, wanted) })).toMatchObject([{ job: { kind: "importStored", hash: wanted } }]);
    const missing = new Driver({ canImportStored: true });
    missing.state = driver.state;
    expect(missing.on({ type: "notStored" }).at(-1)).toMatchObject({ type: "fetchModel", hash: wanted });
    expect(jobsOf(driver.on({ type: "imported", hash: wanted }))).toEqual(["export"]);
  });

  test("a warm-up for other parameters of the same epoch is another epoch: what is on its way is given up", () => {
    const [lost, before] = ["77".repeat(32), "66".repeat(32)];
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    expect(driver.on({ type: "snapshot", view: warmup(1, lost) }).at(-1)).toMatchObject({ type: "fetchModel", hash: lost });
    const effects = driver.on({ type: "snapshot", view: warmup(2, before) });
    expect(effects.map((effect) => [effect.type, "hash" in effect && effect.hash])).toEqual([
      ["abandonModel", false],
      ["fetchModel", before],
    ]);
  });

  test("a hash that fails is tried again", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, blobs });
    driver.state = { ...driver.state, engineHash: null };
    const [effect] = driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    if (effect.type !== "engine") throw new Error("expected a hash");
    expect(driver.on({ type: "jobFailed", job: effect.job, message: "busy" })).toEqual([]);
    expect(jobsOf(driver.on({ type: "tick" }, 300))).toEqual(["hash"]);
  });
});

describe("the run's own start", () => {
  const later = "77".repeat(32);

  test("is what an epoch starts from while nothing was agreed, also for who holds a later checkpoint", () => {
    const driver = new Driver({ runStartHash: startHash, canImportStart: true });
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: later, blobs });
    const effects = driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    expect(driver.state.epoch!.startHash).toBe(startHash);
    expect(effects).toEqual([{ type: "engine", job: { kind: "importStart", hash: startHash } }]);
    expect(driver.on({ type: "imported", hash: startHash })).toMatchObject([
      { type: "forget" },
      { type: "engine", job: { kind: "export", hash: startHash, checkpoint: false } },
    ]);
  });

  test("that the engine cannot put back comes from peers", () => {
    const driver = new Driver({ runStartHash: startHash, canImportStart: true });
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: later, blobs });
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    for (const hash of ["88".repeat(32), "99".repeat(32)]) {
      driver.on({ type: "imported", hash });
      driver.on({ type: "tick" }, 1_000);
    }
    expect(driver.effects.at(-1)).toMatchObject({ type: "fetchModel", hash: startHash });
    expect(driver.told("rejected")).toHaveLength(2);
  });

  test("is of no interest once parameters are agreed", () => {
    const driver = new Driver({ runStartHash: startHash, canImportStart: true });
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: later, blobs });
    const change = { epoch: 1, epochStartStep: 9, parameterHash: fromHex(later, 32)!, parameterHashEpoch: 0 };
    expect(jobsOf(driver.on({ type: "snapshot", view: view(1, "Warmup", 9, [], change) }))).toEqual(["startEpoch"]);
  });
});

describe("a coordinator that comes back before its last move", () => {
  test("in a round that is not over after all: nothing is trained twice, and what this client had begun is undone", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    snapshot(driver, 3, 2, [over(1), plan(2)]);
    driver.on({ type: "began", step: 2 });
    expect(driver.state.rounds.get(1)!.final).toBe(true);
    snapshot(driver, 4, 1, [plan(1)]);
    expect(driver.state.rounds.get(1)).toMatchObject({ final: false, agreed: null, training: "over" });
    expect(driver.state.rounds.has(2)).toBe(false);
    expect(driver.state.epoch!.trainsFrom).toBe(3);
    expect(driver.state.stage.name).toBe("preparing");
  });

  test("a coordinator back in the warm-up before the first round: no step of it is trained twice", () => {
    const driver = Driver.inRoundOne();
    expect(driver.state.rounds.get(1)!.training).toBe("running");
    driver.on({ type: "snapshot", view: view(9, "Warmup", 1, []) });
    expect(driver.state.epoch).toMatchObject({ startStep: 1, trainsFrom: 2 });
  });

  test("a run begun anew under the same name is another epoch, and old rounds go", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    snapshot(driver, 3, 2, [over(1), plan(2)]);
    const { epoch: before } = driver.state;
    driver.on({ type: "snapshot", view: view(4, "Warmup", 1, []) });
    expect(driver.state.epoch!.id).not.toBe(before!.id);
    expect(driver.state.rounds.has(2)).toBe(false);
    expect(driver.state.stage.name).toBe("preparing");
  });

  test("its clock set back by the time it was away: still the same epoch", () => {
    const driver = Driver.inRoundOne();
    snapshot(driver, 3, 1, [plan(1)], { epochStartMs: 9_000n });
    expect(driver.state.stage.name).toBe("training");
  });
});

describe("a model that is not wanted any more", () => {
  test("is let go when it comes after all", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "modelHeld", attempt: { step: null, key: "model/x" }, hash: "66".repeat(32), blobs: modelOf(40) });
    expect(forgotten(driver)).toEqual([40, 140]);
  });
});

test("who comes when the epoch's end is agreed does not take that for its start: it waits for the next epoch", () => {
  const driver = new Driver();
  driver.on({ type: "start" });
  driver.on({ type: "loaded", hash: startHash, blobs });
  const agreed = { parameterHash: fromHex("77".repeat(32), 32)!, parameterHashEpoch: 0, epoch: 0 };
  const effects = driver.on({ type: "snapshot", view: view(2, "Cooldown", 5, [1, 2, 3, 4].map(over), agreed) });
  expect(effects).toEqual([]);
  expect(driver.state).toMatchObject({ stage: { name: "waiting" }, epoch: null });
  const next = { ...agreed, epoch: 1, epochStartStep: 5 };
  const warmup = driver.on({ type: "snapshot", view: view(3, "Warmup", 5, [], next) });
  expect(driver.state.epoch).toMatchObject({ number: 1, startHash: "77".repeat(32) });
  expect(warmup.map(({ type }) => type)).toContain("fetchModel");
});
