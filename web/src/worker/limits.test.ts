import { expect, it } from "vitest";
import { whyPaused } from "./limits.ts";
import { DEFAULT_LIMITS } from "./protocol.ts";

it("rests for what was asked for, and for nothing else", () => {
  const limits = { ...DEFAULT_LIMITS, pauseWhenHidden: true, onlyWhenPluggedIn: true };
  const fine = { paused: false, hidden: false, pluggedIn: true };
  expect(whyPaused(limits, fine)).toBe(null);
  expect(whyPaused(limits, { ...fine, hidden: true })).toBe("hidden");
  expect(whyPaused(limits, { ...fine, pluggedIn: false })).toBe("battery");
  expect(whyPaused(limits, { ...fine, pluggedIn: null })).toBe(null);
  expect(whyPaused(limits, { paused: true, hidden: true, pluggedIn: false })).toBe("asked");
  expect(whyPaused(DEFAULT_LIMITS, { ...fine, hidden: true, pluggedIn: false })).toBe(null);
});
