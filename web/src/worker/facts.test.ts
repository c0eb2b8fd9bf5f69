import { expect, it } from "vitest";
import { PointsTally } from "./facts.ts";

it("adds up what the epochs of this sitting paid, and nothing from before it", () => {
  const points = new PointsTally();
  const of = (earned: bigint, slashed = 0n) => ({ earned, slashed });
  points.take(of(99n)); // the slot of the epoch before
  expect(points.total).toEqual(of(0n));
  points.take(of(0n));
  points.take(of(25n));
  points.take(of(25n)); // looked at again
  expect(points.total).toEqual(of(25n));
  points.take(undefined); // no slot in this epoch
  points.take(of(0n));
  points.take(of(7n, 2n));
  expect(points.total).toEqual(of(32n, 2n));
});
