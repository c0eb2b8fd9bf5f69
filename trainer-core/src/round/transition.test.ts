import { describe, expect, test } from "vitest";
import { fromHex } from "@starling/sdk/bytes";
import { decodeWitnessMetadata } from "@starling/sdk/witnessMetadata";
import { BloomFilter, bloomKeys } from "../protocol/bloom.ts";
import type { Announce } from "../protocol/messages.ts";
import type { Effect } from "./effects.ts";
import { announce, blobs, callsOf, Driver, forgotten, modelOf, receive } from "./testDriver.ts";
import { peer, plan, runId, startHash, view, witness } from "./testRound.ts";

describe("transition", () => {
  test("from the first parameters to the first batch", () => {
    const driver = new Driver();
    expect(driver.on({ type: "start" })).toEqual([{ type: "engine", job: { kind: "load" } }]);
    expect(driver.on({ type: "loaded", hash: startHash, blobs })).toEqual([]);
    expect(driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) })).toEqual([
      { type: "engine", job: { kind: "startEpoch", epochId: "0/1" } },
    ]);
    expect(callsOf(driver.on({ type: "epochStarted", epochId: "0/1" }))).toEqual(["warmupWitness"]);
    expect(driver.on({ type: "snapshot", view: view(2, "RoundTrain", 1, [plan(1)]) })).toMatchObject([
      {
        type: "engine",
        job: { kind: "begin", step: 1, results: [], round: { applyLearningRate: null, decayLearningRate: Math.fround(0.01) } },
      },
    ]);
    expect(driver.on({ type: "began", step: 1 })).toMatchObject([
      { type: "engine", job: { kind: "train", step: 1, fields: { batch: 0, start: 0n, end: 9n } } },
    ]);
    const trained = driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    expect(trained).toMatchObject([{ type: "publish", message: { type: "announce" } }]);
  });

  test("a witness reports as soon as everything is here, and once", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    receive(driver, 1);
    expect(callsOf(receive(driver, 2))).toEqual([]);
    expect(callsOf(receive(driver, 3))).toEqual(["witness"]);
    expect(driver.state.rounds.get(1)!.report!.bitmap[0]).toBe(0b1111);
    expect(callsOf(driver.on({ type: "tick" }))).toEqual([]);
  });

  test("a witness tells its loss and speed, and the filter has what it verified", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 2.5, tokens: 4, trainMs: 5 }, 9);
    for (const slot of [1, 2]) receive(driver, slot);
    const [report] = receive(driver, 3).flatMap((effect) =>
      effect.type === "call" && effect.call.name === "witness" ? [effect.call] : [],
    );
    // seen at 1,004 ms, told at 1,020 ms: four tokens and three results of a byte
    const { bandwidthBytesPerSecond, ...said } = decodeWitnessMetadata(report.metadata);
    expect(said).toEqual({ loss: 2.5, tokensPerSecond: 250, efficiency: 0.3125, sampleText: null, evals: [] });
    expect(bandwidthBytesPerSecond).toBe(187.5);
    const filter = new BloomFilter(bloomKeys(plan(1).seed, 0), report.bloom);
    expect([0, 1, 2, 3].map((slot) => filter.has(announce(slot, slot).commitment))).toEqual([true, true, true, true]);
    expect(filter.has(announce(1, 2).commitment)).toBe(false);
  });

  test("all but one and the straggler's grace are enough", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 }, 500);
    receive(driver, 1);
    const asked = receive(driver, 2);
    // the missing trainer is asked itself: gossip may have been lost
    expect(asked.find(({ type }) => type === "fetchAnnounce")).toMatchObject({ batch: 3, commitment: null, peer: peer(3) });
    expect(callsOf(driver.on({ type: "tick" }, 100))).toEqual([]);
    expect(callsOf(driver.on({ type: "tick" }, 600))).toEqual(["witness"]);
    expect(driver.state.rounds.get(1)!.report!.bitmap[0]).toBe(0b0111);
  });

  test("what is heard twice, or is older, changes nothing", () => {
    const driver = Driver.inRoundOne();
    receive(driver, 1);
    const before = driver.state;
    expect(driver.on({ type: "announce", announce: announce(1, 1), requested: null }, 0)).toEqual([]);
    expect(driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) }, 0)).toEqual([]);
    expect(driver.state).toEqual(before);
  });

  test.each<[string, Announce]>([
    ["another trainer's batch", announce(1, 1, { sender: peer(2) })],
    ["another epoch", announce(1, 1, { epoch: 1 })],
    ["another run", announce(1, 1, { runId: "other" })],
    ["other data", announce(1, 1, { end: 20n })],
    ["no such batch", announce(4, 1, { sender: peer(1) })],
    ["other parameters at the start", announce(1, 1, { epochStartHash: new Uint8Array(32) })],
    ["too large", announce(1, 1, { payloadBytes: 1_001 })],
  ])("an announcement is refused: %s", (_name, bad) => {
    const driver = Driver.inRoundOne();
    expect(driver.on({ type: "announce", announce: bad, requested: null })).toEqual([]);
    expect(driver.told("rejected")).toHaveLength(1);
    expect(driver.state.rounds.get(1)!.batches.size).toBe(0);
  });

  test("two results of one trainer void its batch, are shown to all and reported", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    receive(driver, 1);
    const effects = driver.on({ type: "announce", announce: announce(1, 77), requested: null });
    expect(effects).toMatchObject([
      { type: "publish", message: { type: "evidence" } },
      { type: "call", call: { name: "reportEquivocation", client: 1 } },
    ]);
    receive(driver, 2);
    expect(callsOf(receive(driver, 3))).toEqual(["witness"]);
    expect(driver.state.rounds.get(1)!.report!.bitmap[0]).toBe(0b1101);
    // a third is not even kept
    driver.on({ type: "announce", announce: announce(1, 78), requested: null });
    expect(driver.state.rounds.get(1)!.batches.get(1)!.candidates).toHaveLength(2);
  });

  test("an announcement that is ahead of the snapshot is kept for its round", () => {
    const driver = Driver.inRoundOne();
    const ahead = announce(2, 5, { step: 2 });
    expect(driver.on({ type: "announce", announce: ahead, requested: null })).toEqual([]);
    expect(driver.on({ type: "announce", announce: announce(2, 5, { step: 9 }), requested: null })).toEqual([]);
    expect(driver.state.early).toHaveLength(1);
    const effects = driver.on({ type: "snapshot", view: view(3, "RoundTrain", 2, [plan(1), plan(2)]) });
    expect(effects.filter(({ type }) => type === "fetchBlob")).toHaveLength(1);
  });

  test("who is no member cannot fill the memory with announcements that are ahead", () => {
    const driver = Driver.inRoundOne();
    const strangers = Array.from({ length: 50 }, (_, i) => new Uint8Array(32).fill(200 + (i % 50)));
    for (const sender of strangers) driver.on({ type: "announce", announce: announce(2, 5, { step: 2, sender }), requested: null });
    expect(driver.state.early).toEqual([]);
    driver.on({ type: "announce", announce: announce(2, 5, { step: 2 }), requested: null });
    // a round that this client takes no part in: what was kept for it goes with it
    driver.on({ type: "snapshot", view: view(3, "WaitingForMembers", 3, []) });
    expect(driver.state.early).toEqual([]);
  });

  test("a payload stays as long as one good announcement names it", () => {
    const driver = Driver.inRoundOne();
    receive(driver, 1);
    const { root } = announce(1, 1).blob;
    const copied = { ...announce(2, 2), blob: { root, sizeBytes: 1 } };
    const [fetch] = driver.on({ type: "announce", announce: copied, requested: null });
    if (fetch.type !== "fetchBlob") throw new Error("nothing was fetched");
    const { attempt, candidate } = fetch;
    const refused = driver.on({ type: "blobBad", attempt, step: 1, candidate, reason: "not what was committed to" });
    expect(refused.filter(({ type }) => type === "forget")).toEqual([]);
    // the same bytes again, in a later round: the first round's end is not theirs
    for (let step = 2; step <= 11; step++) {
      driver.on({ type: "snapshot", view: view(step + 1, "RoundTrain", step, [plan(step)]) });
    }
    driver.on({ type: "announce", announce: announce(1, 1, { step: 11 }), requested: null });
    driver.on({ type: "snapshot", view: view(13, "RoundTrain", 12, [plan(12)]) });
    expect(driver.state.rounds.has(1)).toBe(false);
    expect(forgotten(driver)).not.toContain(root[0]);
    for (let step = 13; step <= 22; step++) {
      driver.on({ type: "snapshot", view: view(step + 1, "RoundTrain", step, [plan(step)]) });
    }
    expect(forgotten(driver)).toContain(root[0]);
  });

  test("an own result that comes when its round is long over is not kept", () => {
    const driver = Driver.inRoundOne();
    for (let step = 2; step <= 12; step++) {
      driver.on({ type: "snapshot", view: view(step + 1, "RoundTrain", step, [plan(step)]) });
    }
    driver.on({ type: "trained", step: 1, announce: announce(0, 9), loss: 1, tokens: 4, trainMs: 5 });
    expect(forgotten(driver)).toContain(9);
  });

  test("an agreed result whose announcement leads nowhere is asked for from the witnesses, and all that they hold is tried", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    const truth = announce(3, 3);
    const nowhere = { ...truth, blob: { ...truth.blob, root: new Uint8Array(32).fill(99) } };
    const [heard] = driver.on({ type: "announce", announce: nowhere, requested: null });
    if (heard.type !== "fetchBlob") throw new Error("nothing was fetched");
    driver.on({ type: "attemptFailed", attempt: heard.attempt, action: "fetch", message: "not found", expected: true });
    const entries = [{ batch: 3, commitment: truth.commitment }];
    const root = "ab".repeat(32);
    const list = { runId, epoch: 0, step: 1, witness: peer(1), entries };
    const record = plan(1, { witnesses: [1, 2, 3].map((slot) => witness(slot, root, 0b1110)) });
    driver.on({ type: "snapshot", view: view(3, "RoundTrain", 2, [record, plan(2)]) });
    driver.on({ type: "began", step: 2 });
    driver.on({ type: "trained", step: 2, announce: announce(0, 10, { step: 2 }), loss: 1, tokens: 4, trainMs: 5 });
    driver.on({ type: "snapshot", view: view(4, "RoundTrain", 3, [record, plan(2), plan(3)]) });
    const effects = driver.on({ type: "list", list, root, requested: null });
    const asked = effects.find((effect) => effect.type === "fetchAnnounce");
    expect(asked).toMatchObject({ step: 1, batch: 3, commitment: truth.commitment });
    const answered = driver.on({ type: "announce", announce: truth, requested: asked!.attempt });
    const fetch = answered.find((effect) => effect.type === "fetchBlob");
    expect(fetch?.announce).toEqual(truth);
    const begun = driver.on({ type: "blobHeld", attempt: fetch!.attempt, step: 1, candidate: fetch!.candidate });
    expect(begun).toMatchObject([{ type: "engine", job: { kind: "begin", step: 3, results: [truth.blob] } }]);
  });

  test("what a round must apply is fetched from the witnesses, and the round waits for it", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    const root = "ab".repeat(32);
    const record = plan(1, { witnesses: [1, 2, 3].map((slot) => witness(slot, root, 0b1110)) });
    driver.on({ type: "snapshot", view: view(3, "RoundTrain", 2, [record, plan(2)]) });
    driver.on({ type: "began", step: 2 });
    const effects = driver.on({ type: "snapshot", view: view(4, "RoundTrain", 3, [record, plan(2), plan(3)]) });
    expect(effects.filter(({ type }) => type === "fetchList")).toMatchObject([{ step: 1, peer: peer(1) }]);
    expect(effects.filter(({ type }) => type === "engine")).toEqual([]);
    expect(driver.told("behind")).toHaveLength(1);
  });

  test("a round that went by unseen strands the client, which says so and stays", () => {
    const driver = Driver.inRoundOne();
    driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
    driver.on({
      type: "snapshot",
      view: view(
        3,
        "RoundTrain",
        13,
        [10, 11, 12, 13].map((step) => plan(step)),
      ),
    });
    expect(driver.state.stage).toMatchObject({ name: "stranded" });
    expect(driver.told("stranded")).toHaveLength(1);
    expect(driver.effects.some(({ type }) => type === "leave")).toBe(false);
    // the next epoch begins with taking the agreed parameters from others
    const parameterHash = new Uint8Array(32).fill(3);
    const change = { epoch: 1, epochStartMs: 2_000n, epochStartStep: 14, parameterHash, parameterHashEpoch: 0 };
    const first = driver.on({ type: "snapshot", view: view(4, "Warmup", 14, [], change) });
    expect(first).toEqual([{ type: "engine", job: { kind: "hash", step: null } }]);
    const second = driver.on({ type: "hashed", step: null, hash: new Uint8Array(32).fill(4) });
    expect(second).toMatchObject([{ type: "forget" }, { type: "fetchModel", hash: "03".repeat(32), peers: [peer(1), peer(2), peer(3)] }]);
  });

  test("a model from peers takes the place of the one before, and one of an epoch that is over does not", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: "77".repeat(32), blobs });
    const parameterHash = fromHex(startHash, 32)!;
    const change = { epoch: 1, epochStartStep: 9, parameterHash, parameterHashEpoch: 0 };
    expect(driver.on({ type: "snapshot", view: view(1, "Warmup", 9, [], change) })).toMatchObject([
      { type: "forget", addresses: [blobs.leaves, ...blobs.tensors] },
      { type: "fetchModel", hash: startHash },
    ]);
    const attempt = { step: null, key: `model/${startHash}` };
    driver.on({ type: "modelHeld", attempt, hash: "66".repeat(32), blobs: modelOf(31) });
    expect(forgotten(driver)).toEqual([9, 109, 31, 131]);
    const fresh = modelOf(32);
    const held = driver.on({ type: "modelHeld", attempt, hash: startHash, blobs: fresh });
    expect(held).toMatchObject([{ type: "engine", job: { kind: "import", blobs: fresh } }]);
  });

  test("a model that cannot be put up is tried again after a pause", () => {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: "77".repeat(32), blobs });
    const parameterHash = fromHex(startHash, 32)!;
    driver.on({ type: "snapshot", view: view(1, "Warmup", 9, [], { epoch: 1, epochStartStep: 9, parameterHash, parameterHashEpoch: 0 }) });
    // the engine holds the agreed parameters, the store does not
    driver.state = { ...driver.state, engineHash: startHash };
    const [effect] = driver.on({ type: "tick" });
    if (effect.type !== "engine" || effect.job.kind !== "export") throw new Error("expected an export");
    expect(driver.on({ type: "jobFailed", job: effect.job, message: "no room" })).toEqual([]);
    expect(driver.on({ type: "tick" }, 300)).toMatchObject([{ type: "engine", job: { kind: "export" } }]);
  });

  test("a member is dead when nothing came of its last batches, however far apart these were", () => {
    const silent = { ...plan(1), assignments: plan(1).assignments.filter(({ batch }) => batch !== 3) };
    const missed = (driver: Driver, step: number): Effect[] => {
      const { clients } = view(1, "RoundTrain", step, []).state;
      const change = { clients: clients.map((client) => (client.index === 3 ? { ...client, missedRounds: 2 } : client)) };
      // slot 3 had a batch in rounds 1 and 2, and none since
      const plans = [1, 2, 3, 4, 5].map((each) => (each <= 2 ? plan(each) : { ...silent, step: each, height: each - 1 }));
      return driver.on({ type: "snapshot", view: view(step + 1, "RoundTrain", step, plans.slice(0, step), change) });
    };
    const run = (isSlow: boolean): string[] => {
      const driver = Driver.inRoundOne();
      driver.on({ type: "trained", step: 1, announce: announce(0, 0), loss: 1, tokens: 4, trainMs: 5 });
      if (isSlow) receive(driver, 3);
      for (let step = 2; step <= 5; step++) missed(driver, step);
      for (const slot of [0, 1, 2]) {
        const [fetch] = driver.on({ type: "announce", announce: announce(slot, slot, { step: 5 }), requested: null });
        if (fetch?.type === "fetchBlob") driver.on({ type: "blobHeld", attempt: fetch.attempt, step: 5, candidate: fetch.candidate });
      }
      driver.on({ type: "tick" });
      return callsOf(driver.effects);
    };
    expect(run(false)).toContain("healthCheck");
    expect(run(true)).not.toContain("healthCheck");
  });

  test("who missed a round and of whom nothing was heard is asked itself, twice at most", () => {
    const driver = Driver.inRoundOne();
    for (const slot of [1, 2]) receive(driver, slot);
    const { clients } = view(0, "RoundTrain", 2, []).state;
    const change = { clients: clients.map((client) => (client.index === 3 ? { ...client, missedRounds: 1 } : client)) };
    const asked = (effects: readonly Effect[]): unknown[] =>
      effects.flatMap((effect) =>
        effect.type === "fetchAnnounce" ? [{ step: effect.step, batch: effect.batch, peer: effect.peer[0] }] : [],
      );
    const effects = driver.on({ type: "snapshot", view: view(3, "RoundTrain", 2, [plan(1), plan(2)], change) });
    expect(asked(effects)).toContainEqual({ step: 1, batch: 3, peer: peer(3)[0] });
    const notThere = { type: "attemptFailed", action: "", message: "", expected: true } as const;
    for (let times = 0; times < 5; times++) {
      for (const effect of driver.effects) if (effect.type === "fetchAnnounce") driver.on({ ...notThere, attempt: effect.attempt });
      driver.on({ type: "tick" }, 5_000);
    }
    expect(asked(driver.effects).filter((each) => (each as { step: number }).step === 1)).toHaveLength(2);
  });

  test("after it left, nothing moves it", () => {
    const driver = Driver.inRoundOne();
    expect(driver.on({ type: "stop", drain: false })).toEqual([{ type: "leave" }]);
    expect(driver.on({ type: "snapshot", view: view(9, "RoundTrain", 2, [plan(2)]) })).toEqual([]);
  });
});
