import { expect, it } from "vitest";
import { PointsTally } from "./facts.ts";

it("adds up the points of a sitting's epochs, and takes no state back", () => {
  const points = new PointsTally();
  const of = (earned: bigint, slashed = 0n) => ({ earned, slashed });
  points.take(3, undefined);
  expect(points.total).toEqual(of(0n));
  points.take(3, of(10n));
  points.take(3, of(25n, 1n));
  points.take(3, of(20n)); // late
  expect(points.total).toEqual(of(25n, 1n));
  points.take(4, undefined);
  points.take(4, of(7n));
  expect(points.total).toEqual(of(32n, 1n));
});
