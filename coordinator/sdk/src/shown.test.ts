import { expect, test } from "vitest";
import { decodeShown, encodeShown, MAX_SHOWN_BYTES } from "./shown.ts";

test("what witnesses show comes over as it is, and nothing as nothing", () => {
  const shown = { step: 70_000, sampleText: "The sea was calm", evals: [["heldout", 20.5]] as const };
  expect(decodeShown(encodeShown(shown))).toEqual(shown);
  expect(decodeShown(encodeShown(null))).toBeNull();
  const full = { step: 1, sampleText: "é".repeat(60), evals: ["a", "b", "c", "d"].map((name) => [name.repeat(16), 0.5] as const) };
  expect(encodeShown(full).length).toBeLessThanOrEqual(MAX_SHOWN_BYTES);
  expect(() => decodeShown(Uint8Array.of(1, 2))).toThrow(/expected 4 bytes/);
  expect(() => decodeShown(new Uint8Array(9))).toThrow(/witness metadata/);
});
