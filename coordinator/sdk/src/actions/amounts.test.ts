import { MAX_SESSION_FLOAT_SOL } from "@starling/config/programs/train";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import { describe, expect, test } from "vitest";
import { formatAmount, parseAmount, SOL_DECIMALS } from "./amounts.ts";

describe("amounts", () => {
  test("units of what people write", () => {
    for (const [text, decimals, units] of [
      ["0", 6, 0n],
      ["1", 0, 1n],
      ["1.5", 6, 1_500_000n],
      ["0.000001", 6, 1n],
      ["0.1000000000", 1, 1n],
      ["007.50", 2, 750n],
      // a double would end in ...808
      ["9007199254740993", 0, 9_007_199_254_740_993n],
      ["18446744073709551615", 0, 18_446_744_073_709_551_615n],
      ["18446744073.709551615", 9, 18_446_744_073_709_551_615n],
      [" 2 ", 1, 20n],
    ] as const)
      expect(parseAmount(text, decimals, "--collateral-amount"), text).toBe(units);
  });

  test("what is none is refused, and the sentence says why", () => {
    for (const [text, decimals, why] of [
      ["", 6, "must be a decimal number"],
      ["-1", 6, "must be a decimal number"],
      ["1e3", 6, "must be a decimal number"],
      ["1,5", 6, "must be a decimal number"],
      ["0x10", 6, "must be a decimal number"],
      [".5", 6, "must be a decimal number"],
      ["1.", 6, "must be a decimal number"],
      ["NaN", 6, "must be a decimal number"],
      ["0.0000001", 6, "it can be divided to 6 decimals, and this has 7"],
      ["0.5", 0, "it must be a whole number"],
      ["18446744073709551616", 0, "at most 18446744073709551615"],
      ["18446744073.709551616", 9, "at most 18446744073.709551615"],
    ] as const)
      expect(() => parseAmount(text, decimals, "--collateral-amount"), text).toThrow(why);
  });

  test("what is written is read back, whatever the decimals", () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 1000; i++) {
      const units = BigInt.asUintN(1 + next(64), (BigInt(next(2 ** 32)) << 32n) | BigInt(next(2 ** 32)));
      const decimals = next(20);
      const text = formatAmount(units, decimals);
      expect(parseAmount(text, decimals, "x"), `seed ${seed}: ${units} with ${decimals} decimals is ${text}`).toBe(units);
      expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
    }
  });
});

test("what --session-float allows is what the program holds", () => {
  expect(parseAmount(String(MAX_SESSION_FLOAT_SOL), SOL_DECIMALS, "the limit")).toBe(CHAIN_LIMITS.floatLamports);
});
