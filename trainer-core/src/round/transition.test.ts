import { describe, expect, test } from "vitest";
import { fromHex } from "@starling/sdk/bytes";
import { commitmentHash } from "../protocol/commitment.ts";
import type { Announce, CommitmentFields } from "../protocol/messages.ts";
import { agreedResults } from "./agreement.ts";
import type { Effect } from "./effects.ts";
import type { Occurrence } from "./runner.ts";
import { initialState, type RoundState } from "./states.ts";
import { peer, plan, runId, session, startHash, view, witness } from "./testRound.ts";
import { transition } from "./transition.ts";

const address = { root: new Uint8Array(32).fill(9), sizeBytes: 100 };

/** Drives the pure function, with every state frozen before the next event: nothing may be changed in place. */
class Driver {
  state: RoundState;
  effects: Effect[] = [];
  atMs = 1_000;

  constructor() {
    this.state = initialState(
      {
        runId,
        session: session(0),
        peer: peer(0),
        pipeline: "overlapped",
        learningRate: (step) => Math.fround(step / 100),
        maxPayloadBytes: 1_000,
        hashEveryRound: false,
        agree: agreedResults,
      },
      this.atMs,
    );
  }

  /** Returns what it asked for, telemetry left out. */
  on(occurrence: Occurrence, afterMs = 1): Effect[] {
    this.atMs += afterMs;
    deepFreeze(this.state);
    const { state, effects } = transition(this.state, { ...occurrence, atMs: this.atMs });
    this.state = state;
    this.effects.push(...effects);
    return effects.filter(({ type }) => type !== "tell" && type !== "setMembers");
  }

  told(type: string): unknown[] {
    return this.effects.flatMap((effect) => (effect.type === "tell" && effect.event.type === type ? [effect.event] : []));
  }

  /** In round 1, begun, with its own batch in training. */
  static inRoundOne(): Driver {
    const driver = new Driver();
    driver.on({ type: "start" });
    driver.on({ type: "loaded", hash: startHash, address });
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "epochStarted", epochId: "0/1000" });
    driver.on({ type: "snapshot", view: view(2, "RoundTrain", 1, [plan(1)]) });
    driver.on({ type: "began", step: 1 });
    return driver;
  }
}

function deepFreeze(value: unknown): void {
  // typed arrays cannot be frozen; maps are, as far as their objects go
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return;
  if (value instanceof Map) value.set = () => expect.unreachable("a map of an older state was changed");
  Object.freeze(value);
  const parts: Iterable<unknown> = value instanceof Map || value instanceof Set ? value.values() : Object.values(value);
  for (const part of parts) deepFreeze(part);
}

function announce(slot: number, payload: number, change: Partial<CommitmentFields> = {}): Announce {
  const fields: CommitmentFields = {
    runId,
    epoch: 0,
    step: 1,
    batch: slot,
    start: BigInt(10 * slot),
    end: BigInt(10 * slot + 9),
    sender: peer(slot),
    epochStartHash: fromHex(startHash, 32)!,
    residualRoot: new Uint8Array(32),
    payloadBytes: 1,
    ...change,
  };
  const commitment = commitmentHash(fields, Uint8Array.of(payload));
  return { fields, commitment, blob: { root: new Uint8Array(32).fill(payload), sizeBytes: 1 }, signature: new Uint8Array(64) };
}

/** Hears of it and gets its blob. */
function receive(driver: Driver, slot: number): Effect[] {
  const effects = driver.on({ type: "announce", announce: announce(slot, slot), requested: null });
  const fetch = effects.find((effect) => effect.type === "fetchBlob");
  if (fetch === undefined) throw new Error("nothing was fetched");
  return driver.on({ type: "blobHeld", attempt: fetch.attempt, step: 1, candidate: fetch.candidate });
}

const callsOf = (effects: Effect[]): string[] => effects.flatMap((effect) => (effect.type === "call" ? [effect.call.name] : []));

describe("transition", () => {
  test("from the first parameters to the first batch", () => {
    const driver = new Driver();
    expect(driver.on({ type: "start" })).toEqual([{ type: "engine", job: { kind: "load" } }]);
    expect(driver.on({ type: "loaded", hash: startHash, address })).toEqual([]);
    expect(driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) })).toEqual([
      { type: "engine", job: { kind: "startEpoch", epochId: "0/1000" } },
    ]);
    expect(callsOf(driver.on({ type: "epochStarted", epochId: "0/1000" }))).toEqual(["warmupWitness"]);
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
        8,
        [5, 6, 7, 8].map((step) => plan(step)),
      ),
    });
    expect(driver.state.stage).toMatchObject({ name: "stranded" });
    expect(driver.told("stranded")).toHaveLength(1);
    expect(driver.effects.some(({ type }) => type === "leave")).toBe(false);
    // the next epoch begins with taking the agreed parameters from others
    const parameterHash = new Uint8Array(32).fill(3);
    const change = { epoch: 1, epochStartMs: 2_000n, epochStartStep: 9, parameterHash, parameterHashEpoch: 0 };
    const first = driver.on({ type: "snapshot", view: view(4, "Warmup", 9, [], change) });
    expect(first).toEqual([{ type: "engine", job: { kind: "hash", step: null } }]);
    const second = driver.on({ type: "hashed", step: null, hash: new Uint8Array(32).fill(4) });
    expect(second).toMatchObject([{ type: "fetchModel", hash: "03".repeat(32), peers: [peer(1), peer(2), peer(3)] }]);
  });

  test("after it left, nothing moves it", () => {
    const driver = Driver.inRoundOne();
    expect(driver.on({ type: "stop", drain: false })).toEqual([{ type: "leave" }]);
    expect(driver.on({ type: "snapshot", view: view(9, "RoundTrain", 2, [plan(2)]) })).toEqual([]);
  });
});
