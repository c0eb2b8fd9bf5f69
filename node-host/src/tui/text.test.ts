import { describe, expect, it } from "vitest";
import { chart } from "./chart.ts";
import { bar, bytes, clip, count, duration, lineWidth, printable, sparkline, widthOf, wrap } from "./text.ts";

describe("text for a terminal", () => {
  it("measures and cuts by cells, not by characters", () => {
    expect(widthOf("日本")).toBe(4);
    expect(widthOf("e\u0301")).toBe(1);
    expect(clip("日本語", 4)).toBe("日…");
    expect(clip("abc", 3)).toBe("abc");
    expect(clip("abcd", 3)).toBe("ab…");
    expect(clip("abcd", 0)).toBe("");
  });

  it("wraps words, and marks what is left out", () => {
    expect(wrap("one two three", 7, 5)).toEqual(["one two", "three"]);
    expect(wrap("a\nb", 7, 5)).toEqual(["a", "b"]);
    expect(wrap("one two three four five", 5, 2)).toEqual(["one", "two …"]);
  });

  it("writes quantities with their unit", () => {
    expect([0, 999, 1000, 12_345, 9.999e5, 5e9].map(bytes)).toEqual(["0 B", "999 B", "1.00 kB", "12.3 kB", "1.00 MB", "5.00 GB"]);
    expect([9_999, 12_345, 1.5e6].map(count)).toEqual(["9,999", "12.3k", "1.50M"]);
    expect([-5, 420, 12_000, 185_000, 7_385_000].map(duration)).toEqual(["0.0 s", "0.4 s", "12 s", "3:05", "2:03:05"]);
  });

  it("draws bars and sparklines of the width asked for", () => {
    for (const share of [-1, 0, 0.3, 0.99, 1, 7]) expect(lineWidth(bar(share, 12))).toBe(12);
    expect(sparkline([0, 1, 2, 4], 3)).toBe("▂▄█");
    expect(sparkline([0, 0], 5)).toBe("▁▁");
  });

  it("lets nothing through that steers a terminal", () => {
    expect(printable("\u001b]0;title\u0007\u001b[31mred\u001b[0m\r\u0000!")).toBe("red!");
  });
});

describe("a chart", () => {
  const shown = (width: number, rows: number) =>
    chart({ line: [0, 1, 2, 3].map((x) => ({ x, y: 3 - x })), marks: [{ x: 3, y: 3 }], xUnit: "step" }, width, rows).map((line) =>
      line.map(({ text }) => text).join(""),
    );

  it("labels both axes and falls where the curve falls", () => {
    const rows = shown(28, 6);
    expect(rows[0]).toContain("3.00 ┤");
    expect(rows[4]).toContain("0.00 ┤");
    expect(rows[5]).toContain("step 0");
    expect(rows[5]!.trimEnd().endsWith("3")).toBe(true);
    expect(rows[0]![8]).toMatch(/[\u2801-\u28ff]/u); // begins at the top left
    expect(rows[0]!.trimEnd().endsWith("◆")).toBe(true);
    expect(rows[4]!.trimEnd()).toMatch(/[\u2801-\u28ff]$/u); // ends at the bottom right
  });

  it("survives any size, one point and none", () => {
    for (const [width, rows] of [
      [0, 0],
      [5, 2],
      [12, 3],
      [300, 60],
    ] as const) {
      expect(shown(width, rows).length).toBe(rows);
      expect(chart({ line: [{ x: 5, y: 1 }], marks: [], xUnit: "step" }, width, rows).every((line) => lineWidth(line) === width)).toBe(
        true,
      );
      expect(chart({ line: [], marks: [], xUnit: "step" }, width, rows).length).toBe(rows);
    }
  });
});
