/** Drives the transition by hand, for tests of its arrows. */
import { expect } from "vitest";
import { fromHex } from "@starling/sdk/bytes";
import { commitmentHash } from "../protocol/commitment.ts";
import type { Announce, CommitmentFields } from "../protocol/messages.ts";
import { agreedResults } from "./agreement.ts";
import type { Effect } from "./effects.ts";
import type { Occurrence } from "./runner.ts";
import { initialState, type ModelBlobs, type RoundState } from "./states.ts";
import { peer, plan, runId, session, startHash, view } from "./testRound.ts";
import { transition } from "./transition.ts";

export const modelOf = (byte: number): ModelBlobs => ({
  leaves: { root: new Uint8Array(32).fill(byte), sizeBytes: 32 },
  tensors: [{ root: new Uint8Array(32).fill(byte + 100), sizeBytes: 100 }],
});
export const blobs = modelOf(9);

/** Drives the pure function, with every state frozen before the next event: nothing may be changed in place. */
export class Driver {
  state: RoundState;
  effects: Effect[] = [];
  atMs = 1_000;

  constructor({ runStartHash = null as string | null, canImportStart = false, canImportStored = false, holdsPart = false } = {}) {
    this.state = initialState(
      {
        runId,
        session: session(0),
        peer: peer(0),
        pipeline: "overlapped",
        learningRate: (step) => Math.fround(step / 100),
        maxPayloadBytes: 1_000,
        hashEveryRound: false,
        canImportStart,
        canImportStored,
        holdsPart,
        agree: agreedResults,
      },
      runStartHash,
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
    driver.on({ type: "loaded", hash: startHash, blobs });
    driver.on({ type: "snapshot", view: view(1, "Warmup", 1, []) });
    driver.on({ type: "epochStarted", epochId: "0/1" });
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

export function announce(slot: number, payload: number, change: Partial<CommitmentFields> = {}): Announce {
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
export function receive(driver: Driver, slot: number): Effect[] {
  const effects = driver.on({ type: "announce", announce: announce(slot, slot), requested: null });
  const fetch = effects.find((effect) => effect.type === "fetchBlob");
  if (fetch === undefined) throw new Error("nothing was fetched");
  return driver.on({ type: "blobHeld", attempt: fetch.attempt, step: 1, candidate: fetch.candidate });
}

/** First bytes of the roots of the blobs that it let go of. */
export const forgotten = ({ effects }: Driver): number[] =>
  effects.flatMap((effect) => (effect.type === "forget" ? effect.addresses.map(({ root }) => root[0]) : []));

export const callsOf = (effects: Effect[]): string[] => effects.flatMap((effect) => (effect.type === "call" ? [effect.call.name] : []));
