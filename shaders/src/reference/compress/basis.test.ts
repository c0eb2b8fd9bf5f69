import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { basisAt, fixedBasis, orthonormal } from "./basis.ts";

test("the tables of all sides have the pinned bits: every replica steps by them", () => {
  const hash = createHash("sha256");
  for (let n = 1; n <= 64; n++) for (const table of [fixedBasis(n).b30, fixedBasis(n).b18, fixedBasis(n).b13]) hash.update(table);
  expect(hash.digest("hex")).toBe("4452eb9863d553e88768e7e54b5cd28d323eb69cf826deaba6dd28bad58a68e9");
});

test("entries are the rounded cosines, and mirrors follow", () => {
  for (const n of [1, 2, 3, 12, 43, 64]) {
    const basis = fixedBasis(n);
    for (let k = 0; k < n; k++) {
      for (let i = 0; i < n; i++) {
        const exact = n === 1 ? 1 : k === 0 ? Math.SQRT1_2 : Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n));
        expect(Math.abs(basisAt(basis, basis.b30, k, i) - exact * 2 ** 30)).toBeLessThan(0.501);
      }
    }
  }
});

test("the basis is orthonormal", () => {
  for (const n of [1, 7, 64]) {
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        let dot = 0;
        for (let i = 0; i < n; i++) dot += orthonormal(fixedBasis(n), a, i) * orthonormal(fixedBasis(n), b, i);
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 8);
      }
    }
  }
});

// integerDecode.ts quotes these two bounds; Y1 is the largest possible sum of |Y| in a column
test("no i32 of the column pass can overflow, for the tables as they are", () => {
  const y1 = ((31 / 32) * 2 ** 31) / 32 + 2048 / 32 + 32;
  let recovery = 0;
  let high = 0;
  for (let n = 1; n <= 64; n++) {
    const { half, pad, b18, b13 } = fixedBasis(n);
    for (let i = 0; i < half; i++) {
      for (const parity of [0, 1]) {
        let error = 0;
        let rounding = 0;
        for (let k = parity; k < n; k += 2) {
          const at = k * pad + i;
          error = Math.max(error, Math.abs(b18[at] - 32 * b13[at]));
          rounding += Math.abs(b13[at]) * 32 * 128;
          high = Math.max(high, Math.abs(b13[at]) * (y1 / 256 + 32) + 2 ** 20);
        }
        recovery = Math.max(recovery, error * y1 + rounding);
      }
    }
  }
  expect(recovery / 2 ** 31).toBeCloseTo(0.859, 3);
  expect(high / 2 ** 31).toBeCloseTo(0.969, 3);
});
