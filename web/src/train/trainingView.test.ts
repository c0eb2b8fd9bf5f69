import { describe, expect, it } from "vitest";
import type { FromWorker, TabFacts } from "../worker/protocol.ts";
import { EMPTY_VIEW, fold, isOver, stateSentence, type TrainingView } from "./trainingView.ts";

const round = (event: Extract<FromWorker, { type: "round" }>["event"]): FromWorker => ({ type: "round", event, atMs: 0 });
const all = (...messages: FromWorker[]): TrainingView => messages.reduce(fold, EMPTY_VIEW);
const trained = (step: number, loss: number | null) => round({ type: "trained", step, loss, tokens: 100, trainMs: 50, payloadBytes: 1 });

describe("fold", () => {
  it("keeps a point a step, and forgets those after a step that is trained again", () => {
    const view = all(trained(1, 5), trained(2, 4.5), trained(3, null), trained(4, 4), trained(2, 4.4));
    expect(view.losses).toEqual([
      { x: 1, y: 5 },
      { x: 2, y: 4.4 },
    ]);
    expect(view.speeds.map(({ x }) => x)).toEqual([1, 2]);
    expect(view.speeds[0].y).toBe(2000);
    expect(view).toMatchObject({ trainedRounds: 5, trainedTokens: 500 });
  });

  it("shows a model that arrives until the epoch is ready", () => {
    const arriving = all(round({ type: "modelProgress", verifiedBytes: 10, sizeBytes: 100, providers: 2 }));
    expect(arriving.model).toEqual({ verifiedBytes: 10, sizeBytes: 100, providers: 2 });
    expect(fold(arriving, round({ type: "epochReady", epoch: 1, parameterHash: "" })).model).toBe(null);
    expect(fold(arriving, { type: "state", state: { kind: "paused", why: "asked" } }).model).toBe(null);
  });

  it("says the same thing once", () => {
    const error = round({ type: "error", action: "join", message: "nobody answers" });
    expect(all(error, error).notices).toEqual(["join: nobody answers"]);
    expect(all(...Array.from({ length: 9 }, (_, i): FromWorker => ({ type: "notice", text: String(i) }))).notices).toHaveLength(5);
  });
});

describe("stateSentence", () => {
  const facts = {
    isMember: true,
    runState: "RoundTrain",
    slot: { index: 0, state: "Healthy", roundsTrained: 1, missedRounds: 0, isWitness: false },
  } as TabFacts;
  const joined = all({ type: "state", state: { kind: "joined" } });
  it("says what this tab waits for", () => {
    expect(stateSentence(joined)).toMatch(/Asking/);
    expect(stateSentence({ ...joined, facts: { ...facts, slot: null } })).toMatch(/next epoch/);
    expect(stateSentence({ ...joined, facts })).toBe("Training.");
    expect(stateSentence({ ...joined, facts, model: { verifiedBytes: 1, sizeBytes: 2, providers: 1 } })).toMatch(/Receiving/);
    expect(isOver(joined.state)).toBe(false);
    expect(isOver({ kind: "failed", code: "adapter", text: "" })).toBe(true);
  });
});
