import { describe, expect, it } from "vitest";
import { BehindWatch, patienceMs } from "./behindWatch.ts";

describe("BehindWatch", () => {
  const behind = { type: "behind", step: 5, missing: "2 results" } as const;
  const download = { type: "download", what: "result", step: 4, bytes: 9, ms: 1 } as const;
  const began = { type: "roundBegan", step: 5, appliedStep: 3, batches: [] as number[], learningRate: 1 } as const;

  it("gives up when nothing has come for so long, once", () => {
    let nowMs = 0;
    const watch = new BehindWatch(5_000, () => nowMs);
    expect(watch.isHopeless()).toBe(false);
    watch.heard(behind);
    nowMs = 4_900;
    expect(watch.isHopeless()).toBe(false);
    nowMs = 5_000;
    expect(watch.isHopeless()).toBe(true);
    expect(watch.isHopeless()).toBe(false);
  });

  it("does not give up while something comes, nor once it is level, nor while the coordinator is away", () => {
    let nowMs = 0;
    const watch = new BehindWatch(5_000, () => nowMs);
    watch.heard(behind);
    for (; nowMs < 60_000; nowMs += 4_000) {
      watch.heard(download);
      expect(watch.isHopeless()).toBe(false);
    }
    watch.heard(began);
    nowMs += 60_000;
    expect(watch.isHopeless()).toBe(false);
    watch.heard(behind);
    watch.coordinator(false);
    nowMs += 60_000;
    expect(watch.isHopeless()).toBe(false);
    watch.coordinator(true);
    expect(watch.isHopeless()).toBe(false);
    nowMs += 5_000;
    expect(watch.isHopeless()).toBe(true);
  });

  it("is as patient as rounds are long, within bounds", () => {
    expect([1, 40, 3_600].map(patienceMs)).toEqual([5_000, 10_000, 60_000]);
  });
});
