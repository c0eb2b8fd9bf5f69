import { describe, expect, it } from "vitest";
import { MAX_DEATHS, Restarts, WINDOW_MS } from "./restarts.ts";

describe("Restarts", () => {
  it("waits twice as long each time, and gives up after too many deaths in a short time", () => {
    let nowMs = 0;
    const restarts = new Restarts(() => (nowMs += 1_000));
    const delays = Array.from({ length: MAX_DEATHS + 1 }, () => restarts.died("client-1"));
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, null]);
    expect(restarts.died("client-2")).toBe(1_000);
  });

  it("forgets deaths that are long ago", () => {
    let nowMs = 0;
    const restarts = new Restarts(() => nowMs);
    for (let i = 0; i < 20; i++) {
      nowMs += WINDOW_MS / 2;
      expect(restarts.died("server")).toBeLessThanOrEqual(2_000);
    }
  });
});
