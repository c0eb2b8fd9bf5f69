import { describe, expect, test } from "vitest";
import { HistoryStore, inOrder, median, mergePoints, type WitnessReport } from "./historyStore.ts";
import type { HistoryPoint } from "./protocol.ts";

const report = (step: number, session: string, over: Partial<WitnessReport> = {}): WitnessReport => ({
  ...{
    step,
    epoch: null,
    atMs: step * 1_000,
    session,
    loss: 2,
    tokensPerSecond: 10,
    batches: 1,
    signature: `${session}${step}`,
    sampleText: null,
  },
  ...over,
});
const point = (step: number, over: Partial<HistoryPoint> = {}): HistoryPoint => ({
  ...{
    step,
    epoch: 1,
    atMs: step * 10_000,
    loss: 3,
    tokensPerSecond: 5,
    learningRate: null,
    witnesses: 2,
    signature: null,
    sampleText: null,
  },
  ...over,
});

describe("reports of one round become one point", () => {
  test("the median loss, and the speed of all trainers", () => {
    const store = new HistoryStore((step) => step / 100);
    store.addReport(report(4, "a", { loss: 1, batches: 4, tokensPerSecond: 10, atMs: 4_000 }));
    store.addReport(report(4, "b", { loss: 9, batches: 4, tokensPerSecond: 30, atMs: 4_500 }));
    store.addReport(report(4, "c", { loss: 2, batches: 4, tokensPerSecond: null, sampleText: "To be" }));
    const [made] = store.takeChanged();
    // two speeds are known, and the results of four trainers are held: 4 x 20
    expect(made).toMatchObject({
      step: 4,
      loss: 2,
      tokensPerSecond: 80,
      witnesses: 3,
      atMs: 4_000,
      learningRate: 0.04,
      sampleText: "To be",
    });
    expect(store.takeChanged()).toEqual([]);
  });

  test("told twice, or in any order, they count once", () => {
    const orders = [
      [report(1, "a"), report(1, "b", { loss: 6 }), report(1, "a")],
      [report(1, "b", { loss: 6 }), report(1, "a"), report(1, "a")],
    ];
    const made = orders.map((reports) => {
      const store = new HistoryStore(() => null);
      for (const one of reports) store.addReport(one);
      return store.points();
    });
    expect(made[0]).toMatchObject([{ loss: 4, witnesses: 2 }]);
    expect(made[1]).toMatchObject([{ loss: 4, witnesses: 2 }]);
  });

  test("a session's later report of the same step replaces its own: the step was done again", () => {
    const store = new HistoryStore(() => null);
    store.addReport(report(1, "a", { loss: 5, atMs: 9_000 }));
    store.addReport(report(1, "a", { loss: 1, atMs: 2_000 }));
    expect(store.points()).toMatchObject([{ loss: 5 }]);
  });

  test("a report without loss or speed is a witness all the same", () => {
    const store = new HistoryStore(() => null);
    store.addReport(report(1, "a", { loss: null, tokensPerSecond: null }));
    expect(store.points()).toMatchObject([{ loss: null, tokensPerSecond: null, witnesses: 1 }]);
  });
});

test("a schedule that comes later is told for the points that are known", () => {
  let rate: number | null = null;
  const store = new HistoryStore(() => rate);
  store.addPoint(point(1));
  expect(store.takeChanged()).toMatchObject([{ learningRate: null }]);
  rate = 0.5;
  store.forgetTold();
  expect(store.takeChanged()).toMatchObject([{ learningRate: 0.5 }]);
});

test("what is kept is bounded: the oldest go, and do not come back", () => {
  const store = new HistoryStore(() => null);
  for (let step = 2; step <= 20_002; step++) store.addPoint(point(step));
  expect(store.size).toBe(20_000);
  store.addPoint(point(1));
  expect(store.points()[0]!.step).toBe(3);
  expect(store.newestStep).toBe(20_002);
});

test("points that time contradicts are left out, the newest believed", () => {
  const fine = [point(1), point(2), point(3)];
  expect(inOrder(fine)).toEqual({ points: fine, outOfOrder: 0 });
  // a step of an earlier life of the run, told after a later step
  const early = point(1, { atMs: 100_000 });
  expect(inOrder([early, point(2), point(3)])).toEqual({ points: [point(2), point(3)], outOfOrder: 1 });
  // clocks count whole seconds
  const within = [point(1, { atMs: 12_000 }), point(2, { atMs: 10_000 })];
  expect(inOrder(within).outOfOrder).toBe(0);
});

test("merging keeps the order of steps and the newest word", () => {
  const known = [point(1), point(3)];
  expect(mergePoints(known, [])).toBe(known);
  expect(mergePoints(known, [point(4)]).map(({ step }) => step)).toEqual([1, 3, 4]);
  expect(mergePoints(known, [point(2), point(3, { loss: 0 })])).toEqual([point(1), point(2), point(3, { loss: 0 })]);
});

test.each([
  [[], null],
  [[3], 3],
  [[5, 1], 3],
  [[9, 1, 2], 2],
])("median of %j is %j", (values, expected) => expect(median(values)).toBe(expected));
