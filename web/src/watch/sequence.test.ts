import { expect, test } from "vitest";
import { coarseToFine } from "./sequence.ts";

test.each([0, 1, 2, 3, 7, 8, 100, 1000])("an order of all of %i", (length) => {
  const order = coarseToFine(length);
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index));
});

test("every beginning is spread over the whole", () => {
  const length = 1000;
  for (const part of [4, 16, 120]) {
    const taken = coarseToFine(length)
      .slice(0, part)
      .sort((a, b) => a - b);
    const gaps = [...taken.slice(1), length].map((index, i) => index - taken[i]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual((4 * length) / part);
  }
});
