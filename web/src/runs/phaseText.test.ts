import { RUN_STATES } from "@starling/sdk/types";
import { describe, expect, test } from "vitest";
import type { ClientView, RoundView, RunView } from "../watch/protocol.ts";
import { PHASES, phaseSentence, phaseShare, timeLeftMs } from "./phaseText.ts";

const client = (health: ClientView["health"]) => ({ health }) as ClientView;
const round: RoundView = {
  ...{ step: 4, batchSize: 12, isDrain: false, trainers: 3, witnessesElected: 3, witnessesReported: 1, witnessesDownloaded: 2, quorum: 2 },
};
const view = (over: Partial<RunView>): RunView =>
  ({ isConfigured: true, pendingPause: false, initMinClients: 3, readyInWarmup: 1, round: null, clients: [], ...over }) as RunView;

describe("what a run does now", () => {
  test("every state has a sentence, also with nothing known of the round", () => {
    for (const runState of RUN_STATES) {
      const text = phaseSentence(view({ runState }));
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect(text).not.toMatch(/undefined|null|NaN/);
      expect(PHASES[runState].label).not.toBe("");
    }
  });

  test.each<[Partial<RunView>, RegExp]>([
    [{ runState: "WaitingForMembers", clients: [client("waiting")] }, /begins when 3 clients are here; 1 is/],
    [
      { runState: "WaitingForMembers", clients: [client("waiting"), client("waiting"), client("healthy"), client("left")] },
      /3 clients are here/,
    ],
    [{ runState: "Warmup", clients: [client("healthy"), client("healthy"), client("dropped")] }, /1 of 2 is ready/],
    [{ runState: "RoundTrain", round }, /3 clients train 12 sequences; 1 of 3 witnesses have reported, 2 end the phase/],
    [{ runState: "RoundTrain", round: { ...round, isDrain: true } }, /nothing new is trained/],
    [{ runState: "RoundWitness", round }, /2 of 3 witnesses hold all/],
    [{ runState: "RoundTrain", round, pendingPause: true }, /It pauses when/],
    [{ runState: "Uninitialized", isConfigured: false }, /configuration has not been uploaded/],
  ])("%j", (over, expected) => expect(phaseSentence(view(over))).toMatch(expected));
});

describe("time left", () => {
  const live = { kind: "live", text: null } as const;
  test("in whole seconds, never below zero", () => {
    expect(timeLeftMs(10_400, 0, live)).toBe(10_000);
    expect(timeLeftMs(10_000, 12_000, live)).toBe(0);
  });
  test("nobody is known to count while the run is out of date, and no clock ends some phases", () => {
    expect(timeLeftMs(10_000, 0, { kind: "stale", sinceMs: 0, text: "" })).toBeNull();
    expect(timeLeftMs(null, 0, live)).toBeNull();
  });
});

test("share of a phase", () => {
  expect(phaseShare(0, 100, 25)).toBe(0.25);
  expect(phaseShare(0, 100, 500)).toBe(1);
  expect(phaseShare(0, 100, -5)).toBe(0);
  expect(phaseShare(null, 100, 5)).toBeNull();
  expect(phaseShare(0, null, 5)).toBeNull();
});
