import { expect, it } from "vitest";
import { readRecording, record, replay } from "./recording.ts";

const WHAT_TO_DO =
  "the programs do something else now with transactions that were sent before. If that is meant, record anew: node coordinator/programs/test/recording.ts --write";

it("recorded transactions leave the same accounts behind with the present binaries", () => {
  const recording = readRecording();
  expect(recording.steps.length).toBeGreaterThan(50);
  expect(replay(recording), WHAT_TO_DO).toEqual(recording.accounts);
});

it("a replay shows a transaction that did something else", () => {
  const { steps, accounts } = record();
  const last = steps.findLastIndex((step) => typeof step === "string");
  expect(replay({ steps: steps.toSpliced(last, 1), accounts })).not.toEqual(accounts);
});
