import { describe, expect, it } from "vitest";
import { tileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import { decodeResult, encodeResult, resultBytes, sentCount, type SentResult } from "./wire.ts";
import { WireError } from "./wireError.ts";

const LAYOUTS = [[64, 128], [12, 12], [3], [1]].map((shape) => tileLayout(shape, 64));
const TOPK = 5;

function randomResult(oneBit: boolean, random: () => number): SentResult {
  const index: number[] = [];
  for (const { tiles, total } of LAYOUTS) {
    for (let tile = 0; tile < tiles; tile++) {
      const chosen = new Set<number>();
      while (chosen.size < Math.min(TOPK, total)) chosen.add(Math.floor(random() * total));
      index.push(...[...chosen].sort((a, b) => a - b));
    }
  }
  const value = Float32Array.from(index, () => (oneBit ? (random() < 0.5 ? -1 : 1) : random() - 0.5));
  return { index: Uint32Array.from(index), valueBits: new Uint32Array(value.buffer) };
}

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
const codeOf = (run: () => unknown): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
};

describe("result bytes", () => {
  it("are these bytes", () => {
    const layouts = [tileLayout([2, 3], 64), tileLayout([32, 16], 64)];
    const result = { index: Uint32Array.of(0, 5, 1, 511), valueBits: new Uint32Array(Float32Array.of(1, -1, -2, 0.5).buffer) };
    const head = (shape: string, total: string) => `02${shape}02000000${total}`;
    const small = head("0200000003000000", "06000000");
    const large = head("2000000010000000", "00020000");
    expect(hex(encodeResult(result, layouts, { oneBit: true, topk: 2 }))).toBe(`01010200${small}000502${large}0100ff0101`);
    expect(hex(encodeResult(result, layouts, { oneBit: false, topk: 2 }))).toBe(
      `01000200${small}00050000803f000080bf${large}0100ff01000000c00000003f`,
    );
  });

  for (const oneBit of [true, false]) {
    const options = { oneBit, topk: TOPK };
    const random = seededRandom(5);
    const good = randomResult(oneBit, random);
    const bytes = encodeResult(good, LAYOUTS, options);
    const changed = (at: number, to: number) => Uint8Array.from(bytes, (b, i) => (i === at ? to : b));

    it(`come back as they were, ${oneBit ? "1 bit" : "f32"}`, () => {
      expect(bytes.length).toBe(resultBytes(LAYOUTS, options));
      expect(good.index.length).toBe(sentCount(LAYOUTS, TOPK));
      expect(decodeResult(bytes, LAYOUTS, options)).toEqual(good);
      const inside = new Uint8Array(bytes.length + 3);
      inside.set(bytes, 3);
      expect(decodeResult(inside.subarray(3), LAYOUTS, options)).toEqual(good);
    });

    it(`are refused with the reason, ${oneBit ? "1 bit" : "f32"}`, () => {
      const code = (payload: Uint8Array, layouts = LAYOUTS, o = options) => codeOf(() => decodeResult(payload, layouts, o));
      expect(code(new Uint8Array(0))).toBe("length");
      expect(code(bytes.slice(0, -1))).toBe("length");
      expect(code(Uint8Array.from([...bytes, 0]))).toBe("length");
      expect(code(changed(0, 2))).toBe("version");
      expect(code(bytes, LAYOUTS, { oneBit: !oneBit, topk: TOPK })).toBe("mode");
      expect(code(changed(1, 2))).toBe("mode");
      expect(code(changed(2, 3))).toBe("tensor-count");
      expect(code(bytes, LAYOUTS.slice(1))).toBe("tensor-count");
      expect(code(changed(4, 1))).toBe("shape");
      expect(code(changed(5, 65))).toBe("shape");
      expect(code(changed(13, 4))).toBe("topk");
      expect(code(changed(18, 0))).toBe("shape");
      expect(code(changed(22, 16))).toBe("index-range"); // position 4096 and more
      const swapped = bytes.slice();
      swapped.set(bytes.subarray(23, 25), 21);
      expect(code(swapped)).toBe("index-order");
      const lengthKept = [...LAYOUTS.slice(0, 3), tileLayout([1], 1)];
      expect(code(bytes, lengthKept)).toBe(null); // the same model in other words
    });
  }

  it("hold finite values and zero padding only", () => {
    const f32 = { oneBit: false, topk: TOPK };
    const good = randomResult(false, seededRandom(6));
    for (const bits of [0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001]) {
      const bad = { index: good.index, valueBits: good.valueBits.map((v, n) => (n === 3 ? bits : v)) };
      expect(codeOf(() => encodeResult(bad, LAYOUTS, f32))).toBe("non-finite");
      const bytes = encodeResult(good, LAYOUTS, f32);
      new DataView(bytes.buffer).setUint32(bytes.length - 4, bits, true);
      expect(codeOf(() => decodeResult(bytes, LAYOUTS, f32))).toBe("non-finite");
    }
    const oneBit = { oneBit: true, topk: TOPK };
    const bytes = encodeResult(randomResult(true, seededRandom(7)), LAYOUTS, oneBit);
    bytes[bytes.length - 1] |= 2; // the last tensor has one value
    expect(codeOf(() => decodeResult(bytes, LAYOUTS, oneBit))).toBe("padding");
  });

  it("are never written of what peers would refuse", () => {
    const options = { oneBit: true, topk: TOPK };
    const good = randomResult(true, seededRandom(8));
    expect(codeOf(() => encodeResult({ index: good.index.slice(1), valueBits: good.valueBits }, LAYOUTS, options))).toBe("length");
    expect(codeOf(() => encodeResult({ ...good, index: good.index.map((v, n) => (n === 1 ? 4096 : v)) }, LAYOUTS, options))).toBe(
      "index-range",
    );
    expect(codeOf(() => encodeResult({ ...good, index: good.index.map(() => 1) }, LAYOUTS, options))).toBe("index-order");
  });

  it("have one encoding: 20,000 mutations are refused or mean exactly their own bytes (seed 1)", () => {
    const random = seededRandom(1);
    let refused = 0;
    for (let n = 0; n < 20_000; n++) {
      const options = { oneBit: n % 2 === 0, topk: TOPK };
      const bytes = encodeResult(randomResult(options.oneBit, random), LAYOUTS, options);
      const mutated = random() < 0.1 ? bytes.slice(0, Math.floor(random() * bytes.length)) : bytes;
      for (let flips = 1 + Math.floor(random() * 3); flips > 0 && mutated.length > 0; flips--) {
        mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
      }
      let decoded: SentResult | null = null;
      if (codeOf(() => (decoded = decodeResult(mutated, LAYOUTS, options))) !== null) refused++;
      else expect(hex(encodeResult(decoded!, LAYOUTS, options))).toBe(hex(mutated));
    }
    expect(refused).toBeGreaterThan(5_000);
    expect(refused).toBeLessThan(20_000);
  });
});
