import { describe, expect, it } from "vitest";
import { isShown, parseLogFilter } from "./logLevel.ts";

describe("--log", () => {
  it.each([
    ["warn,starling=info", "info"],
    ["starling=debug,warn", "debug"],
    ["error", "error"],
    ["off,psyche_client=trace", "off"],
    ["", "info"],
  ])("%s prints %s", (filter, level) => expect(parseLogFilter(filter)).toBe(level));

  it.each(["loud", "starling=loud", "warn,=", "starling=info=x"])("refuses %s", (filter) => {
    expect(() => parseLogFilter(filter)).toThrow(/must be LEVEL or NAME=LEVEL/);
  });

  it("shows a line up to the level chosen", () => {
    expect([isShown("warn", "info"), isShown("info", "info"), isShown("debug", "info"), isShown("error", "off")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
