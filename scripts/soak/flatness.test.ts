import { describe, expect, it } from "vitest";
import { judge, slopePerHour, table, type Sample } from "./flatness.ts";

const sample = (seconds: number, rssMiB: number, pid = 1): Sample => ({
  seconds,
  process: "client-1",
  pid,
  rssMiB,
  heapMiB: null,
  openFiles: 30,
});

describe("judge", () => {
  it("finds what grows after the first ten minutes, and not what grows before", () => {
    const flat = Array.from({ length: 300 }, (_, i) => sample(i * 10, i < 55 ? 100 + i : 155 + (i % 2)));
    const leaking = flat.map((each) => ({ ...each, process: "server", rssMiB: each.rssMiB + each.seconds / 36 }));
    const [a, b] = judge([...flat, ...leaking]);
    expect(Math.abs(a.rssPerHourMiB)).toBeLessThan(1);
    expect(b.rssPerHourMiB).toBeCloseTo(100, 0);
    expect(table([a, b]).split("\n")).toHaveLength(3);
  });

  it("judges the last of several processes of one name, and counts them", () => {
    const first = Array.from({ length: 100 }, (_, i) => sample(i * 10, 500));
    const second = Array.from({ length: 100 }, (_, i) => sample(1000 + i * 10, 100 + i / 100, 2));
    const [verdict] = judge([...first, ...second]);
    expect(verdict).toMatchObject({ starts: 2, rssMaxMiB: 100.99, rssAtSettledMiB: 100.6 });
  });

  it("says nothing of a process that has not settled", () => {
    expect(judge([sample(0, 1), sample(590, 2)])).toEqual([]);
  });
});

it("slopePerHour of one moment is 0", () =>
  expect(
    slopePerHour([
      [5, 1],
      [5, 2],
    ]),
  ).toBe(0));
