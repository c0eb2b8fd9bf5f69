import { describe, expect, it } from "vitest";
import type { Dispatch } from "./device.ts";
import { SubmitPacer } from "./submitPacer.ts";

/** A queue that takes `costMs[label]` for each dispatch, one submit after the other, on a clock of its own. */
function scene(costMs: Readonly<Record<string, number>>, options: { portionMs: number; dutyPercent?: number }) {
  let nowMs = 0;
  let freeAtMs = 0;
  const waiting: { atMs: number; resolve: () => void }[] = [];
  const submits: string[][] = [];
  const took: number[] = [];
  const at = (atMs: number) => new Promise<void>((resolve) => waiting.push({ atMs, resolve }));
  const pacer = new SubmitPacer(
    {
      submit: (list) => {
        submits.push(list.map(({ label }) => label));
        const ms = list.reduce((sum, { label }) => sum + costMs[label], 0);
        took.push(ms);
        freeAtMs = Math.max(nowMs, freeAtMs) + ms;
      },
      done: () => at(freeAtMs),
    },
    { ...options, nowMs: () => nowMs, rest: (ms) => at(nowMs + ms) },
  );
  /** lets the clock run until nothing is waited for any more */
  const settle = async () => {
    for (;;) {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      const next = waiting.sort((a, b) => a.atMs - b.atMs).shift();
      if (!next) return;
      nowMs = Math.max(nowMs, next.atMs);
      next.resolve();
    }
  };
  return { pacer, submits, took, settle, nowMs: () => nowMs };
}

const dispatch = (label: string) => ({ label }) as Dispatch;

describe("SubmitPacer", () => {
  const list = ["a", "b", "c", "d"].map(dispatch);
  const costMs = { a: 8, b: 8, c: 30, d: 4 };

  it("measures each alone at first, then fills portions up to their size and never cuts or reorders", async () => {
    const { pacer, submits, settle } = scene(costMs, { portionMs: 20 });
    for (let n = 0; n < 4; n++) {
      pacer.run(list);
      await settle();
    }
    expect(submits.flat().join("")).toBe("abcd".repeat(4));
    expect(submits.slice(0, 8)).toEqual([["a"], ["b"], ["c"], ["d"], ["a"], ["b"], ["c"], ["d"]]);
    expect(submits.slice(8)).toEqual([["a", "b"], ["c"], ["d"], ["a", "b"], ["c"], ["d"]]);
    expect(pacer.longestOf(list)).toEqual({ label: "c", ms: 30 });
    expect(pacer.takeLongestMs()).toBe(30);
    expect(pacer.takeLongestMs()).toBe(0);
  });

  it("fills a portion across lists, but keeps what stands between them in its place", async () => {
    const { pacer, submits, settle } = scene(costMs, { portionMs: 1000 });
    for (let n = 0; n < 2; n++) {
      pacer.run(list);
      await settle();
    }
    submits.length = 0;
    const seen: number[] = [];
    pacer.run(list);
    pacer.run(list);
    pacer.act(() => seen.push(submits.flat().length));
    pacer.run(list);
    await settle();
    expect(submits.map((s) => s.join(""))).toEqual(["abcdabcd", "abcd"]);
    expect(seen).toEqual([8]);
    pacer.act(() => seen.push(-1));
    expect(seen).toEqual([8, -1]); // nothing waits: at once
  });

  it("lets small portions follow each other without waiting, up to a portion's time", async () => {
    const small = Array.from({ length: 40 }, () => dispatch("x"));
    const { pacer, submits, settle } = scene({ x: 1 }, { portionMs: 20 });
    for (let n = 0; n < 2; n++) {
      pacer.run(small);
      await settle();
    }
    submits.length = 0;
    for (const one of small) {
      pacer.run([one]);
      pacer.act(() => undefined); // as a write does: what comes after it is no part of what goes before
    }
    for (let i = 0; i < 200; i++) await Promise.resolve();
    expect(submits.length).toBe(21); // no time has passed, nothing is done yet
    await settle();
    expect(submits.length).toBe(40);
  });

  it("makes smaller portions when the adapter has become slower", async () => {
    const cost = { x: 2 };
    const x = Array.from({ length: 40 }, () => dispatch("x"));
    const { pacer, submits, took, settle } = scene(cost, { portionMs: 20 });
    for (let n = 0; n < 3; n++) {
      pacer.run(x);
      await settle();
    }
    expect(submits.at(-1)).toHaveLength(10);
    cost.x = 8;
    for (let n = 0; n < 12; n++) {
      pacer.run(x);
      await settle();
    }
    expect(took.slice(-5).every((ms) => ms <= 24)).toBe(true);
  });

  it("leaves the adapter to others for the share that is not ours", async () => {
    const x = Array.from({ length: 20 }, () => dispatch("x"));
    const run = async (dutyPercent: number) => {
      const { pacer, settle, nowMs } = scene({ x: 5 }, { portionMs: 10, dutyPercent });
      for (let n = 0; n < 5; n++) {
        pacer.run(x);
        await settle();
      }
      return nowMs();
    };
    expect(await run(100)).toBe(500);
    const half = await run(50);
    expect(half).toBeGreaterThanOrEqual(980);
    expect(half).toBeLessThanOrEqual(1000);
  });

  it("when stopped, does what was waited for and submits nothing more", async () => {
    const { pacer, submits, settle } = scene(costMs, { portionMs: 20 });
    pacer.run(list);
    let told = 0;
    pacer.act(() => told++);
    pacer.stop();
    expect(told).toBe(1);
    pacer.run(list);
    pacer.act(() => told++);
    await settle();
    expect(told).toBe(2);
    expect(submits.length).toBeLessThanOrEqual(1);
  });
});
