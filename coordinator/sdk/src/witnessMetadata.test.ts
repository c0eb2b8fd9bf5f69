import { describe, expect, it } from "vitest";
import { CoordinatorError } from "./errors.ts";
import {
  decodeWitnessMetadata,
  encodeWitnessMetadata,
  METADATA_LIMITS,
  readWitnessMetadata,
  type WitnessMetadata,
} from "./witnessMetadata.ts";

const plain: WitnessMetadata = {
  loss: 2.5,
  tokensPerSecond: 12_000,
  bandwidthBytesPerSecond: 250_000,
  efficiency: 0.75,
  sampleText: null,
  evals: [],
};

describe("witness metadata", () => {
  it("survives its encoding, f32 by f32", () => {
    const full = {
      ...plain,
      loss: Math.fround(3.1),
      sampleText: "Es war einmal ein Käse",
      evals: [
        ["arc", 0.5],
        ["hellaswag", -1],
      ] as const,
    };
    expect(decodeWitnessMetadata(encodeWitnessMetadata(full))).toEqual(full);
    expect(decodeWitnessMetadata(encodeWitnessMetadata({ ...plain, loss: null }))).toEqual({ ...plain, loss: null });
    expect(encodeWitnessMetadata(plain)).toHaveLength(19);
  });

  it("cuts a text between characters where it does not fit, and is never longer than its room", () => {
    const long = "€".repeat(100);
    const alone = decodeWitnessMetadata(encodeWitnessMetadata({ ...plain, sampleText: long }));
    expect(alone.sampleText).toBe("€".repeat(METADATA_LIMITS.sampleTextBytes / 3));
    const evals = ["a", "b", "c", "d"].map((name) => [name.repeat(METADATA_LIMITS.evalNameBytes), 1] as const);
    const bytes = encodeWitnessMetadata({ ...plain, sampleText: `x${long}`, evals });
    expect(bytes.length).toBeLessThanOrEqual(METADATA_LIMITS.bytes);
    expect(bytes.length).toBeGreaterThan(METADATA_LIMITS.bytes - 3);
    expect(decodeWitnessMetadata(bytes)).toMatchObject({ evals, sampleText: `x${"€".repeat(26)}` });
  });

  it.each<[string, Partial<WitnessMetadata>]>([
    ["a loss that is no number", { loss: Number.NaN }],
    ["a negative rate", { tokensPerSecond: -1 }],
    ["a rate beyond f32", { bandwidthBytesPerSecond: 1e39 }],
    ["more than all of the time", { efficiency: 1.5 }],
    ["five evals", { evals: Array.from({ length: 5 }, () => ["a", 1] as const) }],
    ["a long name", { evals: [["seventeen letters", 1]] }],
  ])("does not encode %s", (_what, change) => {
    expect(() => encodeWitnessMetadata({ ...plain, ...change })).toThrow(CoordinatorError);
  });

  it("refuses every prefix, and everything that goes on after its end", () => {
    const bytes = encodeWitnessMetadata({ ...plain, sampleText: "text", evals: [["arc", 1]] });
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeWitnessMetadata(bytes.subarray(0, length))).toThrow(CoordinatorError);
    expect(() => decodeWitnessMetadata(Uint8Array.of(...bytes, 0))).toThrow(/follow/);
    expect(() => decodeWitnessMetadata(Uint8Array.of(2, ...bytes.subarray(1)))).toThrow(/version 2/);
    expect(readWitnessMetadata(Uint8Array.of(...bytes, 0))).toBeNull();
    expect(readWitnessMetadata(bytes)).toEqual(decodeWitnessMetadata(bytes));
    expect(readWitnessMetadata(undefined)).toBeNull();
  });
});
