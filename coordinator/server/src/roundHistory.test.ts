import { type CoordinatorState, encodeWitnessMetadata, type HistoryEntry } from "@starling/sdk";
import { concatBytes } from "@starling/sdk/bytes";
import { HISTORY_ENTRY_BYTES } from "@starling/sdk/roundHistory";
import { beforeEach, describe, expect, it } from "vitest";
import type { ServerError } from "./errors.ts";
import { type HistoryStore, RoundHistory } from "./roundHistory.ts";

class MemoryStore implements HistoryStore {
  bytes: Uint8Array | null = null;
  works = true;
  isReadable = true;
  replaced = 0;

  async load(): Promise<Uint8Array | null> {
    if (!this.isReadable) throw new Error("input/output error");
    return this.bytes;
  }
  async append(bytes: Uint8Array): Promise<void> {
    if (!this.works) throw new Error("the disk is full");
    this.bytes = concatBytes(this.bytes ?? new Uint8Array(0), bytes);
  }
  async replace(bytes: Uint8Array): Promise<void> {
    if (!this.works) throw new Error("the disk is full");
    this.bytes = bytes;
    this.replaced += 1;
  }
}

const NEXT = 1_000_000;
/** A state whose newest round is this one; the history reads nothing else of it. */
const after = (step: number, witnesses = 3, drain = false): CoordinatorState =>
  ({
    epoch: step >> 4,
    rounds: [{ step, drain, batchSize: 8, witnesses: Array.from({ length: witnesses }) }],
  }) as unknown as CoordinatorState;
const said = (loss: number | null, tokensPerSecond: number): Uint8Array =>
  encodeWitnessMetadata({ loss, tokensPerSecond, bandwidthBytesPerSecond: 1, efficiency: 0.5, sampleText: null, evals: [] });
const steps = (entries: readonly HistoryEntry[]): number[] => entries.map(({ step }) => step);

describe("a run's history", () => {
  let store: MemoryStore;
  let errors: ServerError[];
  const open = (nextStep = NEXT, maxRounds = 20_000): Promise<RoundHistory> =>
    RoundHistory.open({ store, maxRounds, onError: (error) => errors.push(error) }, nextStep);

  beforeEach(() => {
    store = new MemoryStore();
    errors = [];
  });

  it("has the median loss and all tokens of a round, and goes on after a restart", async () => {
    const history = await open(1);
    history.report(1, 0, said(3, 100));
    history.report(1, 1, said(5, 200));
    history.report(1, 2, said(4, 300));
    history.report(1, 3, said(null, 50));
    history.report(1, 4, new Uint8Array(200).fill(1));
    history.report(1, 5, undefined);
    history.finished(after(1, 6), 7_000);
    history.report(2, 0, said(1, 10));
    history.report(2, 1, said(2, 10));
    history.finished(after(2, 2), 8_000);
    history.finished(after(3, 2, true), 9_000);
    const expected = [
      { step: 1, epoch: 0, atMs: 7_000, batchSize: 8, witnesses: 6, loss: 4, tokensPerSecond: 650 },
      { step: 2, epoch: 0, atMs: 8_000, batchSize: 8, witnesses: 2, loss: 1.5, tokensPerSecond: 20 },
      { step: 3, epoch: 0, atMs: 9_000, batchSize: 0, witnesses: 2, loss: null, tokensPerSecond: 0 },
    ];
    expect(history.since(0, 10)).toEqual(expected);
    expect(steps(history.since(2, 1))).toEqual([2]);
    await history.flush();
    expect((await open(4)).since(0, 10)).toEqual(expected);
    expect(store.replaced).toBe(0);
    expect(errors).toEqual([]);
  });

  it("keeps the last text that a witness showed, and the last scores", async () => {
    const history = await open(1);
    const show = (step: number, sampleText: string | null, evals: readonly (readonly [string, number])[]) =>
      history.report(
        step,
        0,
        encodeWitnessMetadata({ loss: 1, tokensPerSecond: 1, bandwidthBytesPerSecond: 1, efficiency: 0.5, sampleText, evals }),
      );
    history.report(1, 0, said(3, 100));
    expect(history.shown).toBeNull();
    show(2, "The sea", []);
    show(3, null, [["heldout", 20.5]]);
    expect(history.shown).toEqual({ step: 3, sampleText: "The sea", evals: [["heldout", 20.5]] });
    show(4, null, [["heldout", 20.5]]);
    expect(history.shown!.step).toBe(3);
    show(5, "My lord", [["heldout", 20.5]]);
    history.report(6, 0, said(3, 100));
    expect(history.shown).toEqual({ step: 5, sampleText: "My lord", evals: [["heldout", 20.5]] });
    history.finished(after(5), 5);
    expect(history.shown).not.toBeNull();
    history.finished(after(3), 6); // the run went back
    expect(history.shown).toBeNull();
  });

  it("forgets what a run that went back has undone, and a run that was begun again", async () => {
    const history = await open(1);
    for (const step of [1, 2, 3, 4, 5]) history.finished(after(step), step);
    history.finished(after(3), 6);
    expect(history.since(0, 10).map(({ step, atMs }) => [step, atMs])).toEqual([[1, 1], [2, 2], [3, 6]]); // prettier-ignore
    await history.flush();
    expect(steps((await open(4)).since(0, 10))).toEqual([1, 2, 3]);
    // a copy of the state that is older than the history
    expect(steps((await open(3)).since(0, 10))).toEqual([1, 2]);
    expect((await open(1)).since(0, 10)).toEqual([]);
  });

  it("keeps the newest rounds, and its file does not grow without end", async () => {
    const history = await open(1, 10);
    for (let step = 1; step <= 100; step++) {
      history.finished(after(step), step);
      await history.flush();
      expect(store.bytes!.length).toBeLessThanOrEqual(20 * HISTORY_ENTRY_BYTES);
    }
    expect(steps(history.since(0, 100))).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
    expect(steps((await open(NEXT, 10)).since(95, 2))).toEqual([95, 96]);
  });

  it("leaves out a torn end and what is no entry", async () => {
    const history = await open(1);
    for (const step of [1, 2, 3]) history.finished(after(step), step);
    await history.flush();
    const whole = store.bytes!;
    for (const torn of [whole.subarray(0, -5), concatBytes(whole.subarray(0, 2 * HISTORY_ENTRY_BYTES), new Uint8Array(60).fill(0xff))]) {
      store.bytes = torn;
      const again = await open();
      expect(steps(again.since(0, 10))).toEqual([1, 2]);
      again.finished(after(3), 3);
      await again.flush();
      expect(store.bytes).toEqual(whole);
    }
  });

  it("says once that a disk fails, goes on, and has everything there when it works again", async () => {
    const history = await open(1);
    history.finished(after(1), 1);
    await history.flush();
    store.works = false;
    for (const step of [2, 3]) {
      history.finished(after(step), step);
      await history.flush();
    }
    expect(errors.map(({ code }) => code)).toEqual(["storage"]);
    store.works = true;
    history.finished(after(4), 4);
    await history.flush();
    expect(steps((await open()).since(0, 10))).toEqual([1, 2, 3, 4]);
  });

  it("leaves a file that cannot be read as it is", async () => {
    const history = await open(1);
    history.finished(after(1), 1);
    await history.flush();
    const before = store.bytes;
    store.isReadable = false;
    const blind = await open();
    blind.finished(after(2), 2);
    await blind.flush();
    expect(steps(blind.since(0, 10))).toEqual([2]);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining("could not be read: input/output error")]);
    expect(store.bytes).toBe(before);
  });
});
