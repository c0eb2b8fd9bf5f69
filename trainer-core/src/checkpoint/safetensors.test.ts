import { describe, expect, test } from "vitest";
import { bytesReader } from "./checkpointFiles.ts";
import { decodeElements } from "./dtypes.ts";
import { readSafetensors, readSafetensorsHeader, safetensorsFile } from "./safetensors.ts";

/** A safetensors file with any header; `headerBytes` overrides the length field. */
function file(header: unknown, data: Uint8Array, headerBytes?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("safetensors", () => {
  test("what is written is read back, bit for bit; the data begin at a multiple of 8", async () => {
    const data = new Float32Array([1, -0, Number.NaN, 1e-45, Number.POSITIVE_INFINITY, 0.1]);
    for (const name of ["w", "w2", "weight", "longer name", "ümlaut"]) {
      const written = safetensorsFile(
        "x",
        new Map([
          [name, { shape: [2, 3], data }],
          ["empty", { shape: [0, 4], data: new Float32Array(0) }],
        ]),
      );
      const bytes = Buffer.concat([...written.pieces()]);
      expect(bytes.length).toBe(written.sizeBytes);
      expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
      const read = await readSafetensors(bytesReader(bytes), "x");
      expect(read.get(name)!.shape).toEqual([2, 3]);
      expect(new Uint8Array(read.get(name)!.data.buffer)).toEqual(new Uint8Array(data.buffer));
      expect(read.get("empty")!.data).toHaveLength(0);
      expect(JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()).__metadata__).toEqual({ format: "pt" });
    }
  });

  test("every dtype, at offsets that are not aligned", async () => {
    const header = {
      a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      b: { dtype: "F32", shape: [1], data_offsets: [1, 5] },
      c: { dtype: "I64", shape: [], data_offsets: [5, 13] },
      d: { dtype: "BF16", shape: [1], data_offsets: [13, 15] },
      e: { dtype: "F16", shape: [1], data_offsets: [15, 17] },
      f: { dtype: "I16", shape: [1, 1], data_offsets: [17, 19] },
      g: { dtype: "I8", shape: [1], data_offsets: [19, 20] },
      h: { dtype: "U16", shape: [1], data_offsets: [20, 22] },
      i: { dtype: "I32", shape: [1], data_offsets: [22, 26] },
    };
    const data = bytesOf(
      7,
      0,
      0,
      0x80,
      0xbf,
      254,
      255,
      255,
      255,
      255,
      255,
      255,
      255,
      0xc0,
      0x3f,
      0,
      0x3e,
      255,
      255,
      200,
      1,
      128,
      2,
      0,
      0,
      128,
    );
    const tensors = await readSafetensors(bytesReader(file(header, data)), "x");
    const values = Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensor.data[0]]));
    expect(values).toEqual({ a: 7, b: -1, c: -2n, d: 1.5, e: 1.5, f: -1, g: -56, h: 32769, i: -(2 ** 31) + 2 });
  });

  test("all 65,536 halves widen to the values IEEE 754 gives them", () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const floats = decodeElements("F16", new Uint8Array(halves.buffer));
    for (let half = 0; half < 65_536; half++) {
      const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
      const magnitude =
        exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : exponent === 0
            ? fraction * 2 ** -24
            : (1024 + fraction) * 2 ** (exponent - 25);
      if (!Object.is(floats[half], sign * magnitude)) expect(floats[half], half.toString(16)).toBe(sign * magnitude);
    }
  });

  const f32 = (begin: number, end: number, shape: unknown = [1]): unknown => ({ dtype: "F32", shape, data_offsets: [begin, end] });
  test.each<[string, Uint8Array, RegExp]>([
    ["too short for a length", bytesOf(1, 2, 3), /3 bytes/],
    ["a header longer than the file", file({}, bytesOf(), 3n), /claims 3 bytes/],
    ["a header of 2^63 bytes", file({}, bytesOf(), 2n ** 63n), /claims/],
    ["no JSON", file("{", bytesOf()), /not JSON/],
    ["no UTF-8", file({}, bytesOf(0xff), 3n), /not JSON/],
    ["a list as header", file([], bytesOf()), /not a JSON object/],
    ["an unknown dtype", file({ a: { dtype: "F8_E4M3", shape: [1], data_offsets: [0, 1] } }, bytesOf(0)), /dtype "F8_E4M3"/],
    ["an inherited name as dtype", file({ a: { dtype: "toString", shape: [1], data_offsets: [0, 1] } }, bytesOf(0)), /dtype "toString"/],
    ["a negative side", file({ a: f32(0, 4, [-1]) }, new Uint8Array(4)), /shape \[-1\]/],
    ["a fractional side", file({ a: f32(0, 2, [0.5]) }, new Uint8Array(2)), /shape \[0.5\]/],
    ["a product beyond exact integers", file({ a: f32(0, 4, [2 ** 40, 2 ** 40]) }, new Uint8Array(4)), /takes/],
    ["a null entry", file({ a: null }, bytesOf()), /dtype/],
    ["offsets that do not fit the shape", file({ a: f32(0, 8) }, new Uint8Array(8)), /takes 4 bytes/],
    ["offsets backwards", file({ a: f32(4, 0) }, new Uint8Array(4)), /data_offsets say -4/],
    ["an overlap", file({ a: f32(0, 4), b: f32(2, 6) }, new Uint8Array(6)), /b begins/],
    ["a gap", file({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), /b begins/],
    ["a tail", file({ a: f32(0, 4) }, new Uint8Array(5)), /cut off or has a tail/],
    ["data cut off", file({ a: f32(0, 4) }, new Uint8Array(3)), /cut off or has a tail/],
  ])("refuses %s", async (_name, bytes, message) => {
    const work = readSafetensorsHeader(bytesReader(bytes), "file.safetensors");
    await expect(work).rejects.toMatchObject({ name: "CheckpointError", code: "bad-format", message: expect.stringMatching(message) });
  });

  test("any damaged byte of a header is an error or another reading, never something else", async () => {
    const sound = file({ a: f32(0, 4), b: { dtype: "U16", shape: [2, 2], data_offsets: [4, 12] } }, new Uint8Array(12));
    for (let at = 0; at < sound.length - 12; at++) {
      for (const value of [0, 0x22, 0x30, 0x39, 0x7d, 0xff]) {
        const damaged = sound.slice();
        damaged[at] = value;
        await readSafetensorsHeader(bytesReader(damaged), "x").catch((error: unknown) => {
          expect(error).toMatchObject({ code: "bad-format" });
        });
      }
    }
  });
});
