/**
 * A DisTrO result as bytes. Little-endian; one result has exactly one encoding, and its length follows from the model.
 *
 *   u8 version = 1 · u8 flags (bit 0: 1-bit values; bits 1 to 5: MatFormer tier) · u16 tensors
 *   per tensor, by ascending name, in the shape that the tier has:
 *     u8 dims · u32 side x dims · u32 topk · u32 total (coefficients a tile)
 *     positions: u8 (total <= 256), u16 (<= 65536) or u32, (tiles, topk), rising within a tile
 *     values: f32, or 1 bit each (1 = negative, IEEE sign bit), LSB first over the tensor, last byte padded with zeros
 */
import { tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { WireError } from "./wireError.ts";

export const WIRE_VERSION = 1;
const HEADER_BYTES = 4;
const FLAG_ONE_BIT = 1;
const TIER_SHIFT = 1;
const PLUS_ONE = 0x3f800000;
const MINUS_ONE = 0xbf800000;

/** What one client sent, over all tensors by ascending name: (tensor, tile, topk) end to end. */
export interface SentResult {
  /** positions in the tile, rising */
  index: Uint32Array<ArrayBuffer>;
  /** f32 bits; 1-bit results hold those of 1 and -1 */
  valueBits: Uint32Array<ArrayBuffer>;
}

export interface WireOptions {
  oneBit: boolean;
  topk: number;
  /** MatFormer tier of the sender, which the layouts given beside this are those of; left out: 0 */
  tier?: number;
}

const flagsOf = ({ oneBit, tier = 0 }: WireOptions): number => (oneBit ? FLAG_ONE_BIT : 0) | (tier << TIER_SHIFT);

/** What a result's flags say; it must be decoded to be believed. */
export function resultFlags(bytes: Uint8Array): { oneBit: boolean; tier: number } {
  if (bytes.length < HEADER_BYTES) throw new WireError("length", `a result has more than ${HEADER_BYTES} bytes, got ${bytes.length}`);
  return { oneBit: (bytes[1] & FLAG_ONE_BIT) !== 0, tier: bytes[1] >> TIER_SHIFT };
}

const indexBytes = (total: number): 1 | 2 | 4 => (total <= 256 ? 1 : total <= 65536 ? 2 : 4);
const valueBytes = (count: number, oneBit: boolean): number => (oneBit ? Math.ceil(count / 8) : 4 * count);

/** Entries of one result. */
export function sentCount(layouts: readonly TileLayout[], topk: number): number {
  return layouts.reduce((sum, layout) => sum + layout.tiles * tileTopk(layout, topk), 0);
}

/** Bytes of one result. */
export function resultBytes(layouts: readonly TileLayout[], { oneBit, topk }: WireOptions): number {
  return layouts.reduce((sum, layout) => {
    const count = layout.tiles * tileTopk(layout, topk);
    return sum + 9 + 4 * layout.shape.length + count * indexBytes(layout.total) + valueBytes(count, oneBit);
  }, HEADER_BYTES);
}

/** Errors: those of decodeResult, so that a client never sends what its peers would refuse. */
export function encodeResult(result: SentResult, layouts: readonly TileLayout[], options: WireOptions): Uint8Array<ArrayBuffer> {
  const { oneBit, topk } = options;
  const wanted = sentCount(layouts, topk);
  if (result.index.length !== wanted || result.valueBits.length !== wanted) {
    throw new WireError(
      "length",
      `a result has ${wanted} entries, got ${result.index.length} positions and ${result.valueBits.length} values`,
    );
  }
  const bytes = new Uint8Array(resultBytes(layouts, options));
  const view = new DataView(bytes.buffer);
  bytes[0] = WIRE_VERSION;
  bytes[1] = flagsOf(options);
  view.setUint16(2, layouts.length, true);
  let at = HEADER_BYTES;
  let first = 0;
  layouts.forEach((layout, tensor) => {
    const k = tileTopk(layout, topk);
    const count = layout.tiles * k;
    bytes[at++] = layout.shape.length;
    for (const word of [...layout.shape, k, layout.total]) {
      view.setUint32(at, word, true);
      at += 4;
    }
    const width = indexBytes(layout.total);
    for (let n = 0; n < count; n++, at += width) {
      const position = result.index[first + n];
      checkPosition(position, n % k === 0 ? -1 : result.index[first + n - 1], layout, tensor);
      if (width === 1) bytes[at] = position;
      else if (width === 2) view.setUint16(at, position, true);
      else view.setUint32(at, position, true);
    }
    for (let n = 0; n < count; n++) {
      const bits = result.valueBits[first + n];
      checkFinite(bits, tensor);
      if (oneBit) bytes[at + (n >> 3)] |= (bits >>> 31) << (n & 7);
      else view.setUint32(at + 4 * n, bits, true);
    }
    at += valueBytes(count, oneBit);
    first += count;
  });
  return bytes;
}

/** Errors: WireError for any deviation from what `layouts` and `options` call for. */
export function decodeResult(bytes: Uint8Array, layouts: readonly TileLayout[], options: WireOptions): SentResult {
  const { oneBit, topk } = options;
  const expectedBytes = resultBytes(layouts, options);
  if (bytes.length < HEADER_BYTES) throw new WireError("length", `a result has ${expectedBytes} bytes here, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== WIRE_VERSION)
    throw new WireError("version", `results have version ${WIRE_VERSION} here, got ${bytes[0]}: one of the two clients is older`);
  if (bytes[1] !== flagsOf(options)) {
    const tier = options.tier === undefined || options.tier === 0 ? "" : ` of tier ${options.tier}`;
    throw new WireError(
      "mode",
      `the run sends ${oneBit ? "1-bit" : "f32"} values${tier} (flags ${flagsOf(options)}), got flags ${bytes[1]}`,
    );
  }
  const tensors = view.getUint16(2, true);
  if (tensors !== layouts.length) throw new WireError("tensor-count", `the model has ${layouts.length} tensors, the result ${tensors}`);
  // from here every offset is known in advance, so one comparison bounds them all
  if (bytes.length !== expectedBytes) throw new WireError("length", `a result has ${expectedBytes} bytes here, got ${bytes.length}`);

  const entries = sentCount(layouts, topk);
  const index = new Uint32Array(entries);
  const valueBits = new Uint32Array(entries);
  let at = HEADER_BYTES;
  let first = 0;
  layouts.forEach((layout, tensor) => {
    const k = tileTopk(layout, topk);
    const count = layout.tiles * k;
    if (bytes[at++] !== layout.shape.length)
      throw new WireError("shape", `tensor ${tensor} has ${layout.shape.length} dimensions, got ${bytes[at - 1]}`);
    for (const side of layout.shape) {
      const got = view.getUint32(at, true);
      if (got !== side)
        throw new WireError("shape", `tensor ${tensor} has shape [${layout.shape.join(", ")}], got ${got} in place of ${side}`);
      at += 4;
    }
    if (view.getUint32(at, true) !== k)
      throw new WireError("topk", `tensor ${tensor} sends ${k} coefficients a tile, got ${view.getUint32(at, true)}`);
    if (view.getUint32(at + 4, true) !== layout.total) {
      throw new WireError("shape", `tensor ${tensor} has ${layout.total} coefficients a tile, got ${view.getUint32(at + 4, true)}`);
    }
    at += 8;
    const width = indexBytes(layout.total);
    for (let n = 0, previous = -1; n < count; n++, at += width) {
      if (n % k === 0) previous = -1;
      const position = width === 1 ? bytes[at] : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
      checkPosition(position, previous, layout, tensor);
      index[first + n] = previous = position;
    }
    for (let n = 0; n < count; n++) {
      if (oneBit) valueBits[first + n] = (bytes[at + (n >> 3)] >> (n & 7)) & 1 ? MINUS_ONE : PLUS_ONE;
      else checkFinite((valueBits[first + n] = view.getUint32(at + 4 * n, true)), tensor);
    }
    at += valueBytes(count, oneBit);
    if (oneBit && count % 8 !== 0 && bytes[at - 1] >> (count % 8) !== 0) {
      throw new WireError("padding", `tensor ${tensor} sets bits after its last value`);
    }
    first += count;
  });
  return { index, valueBits };
}

function checkPosition(position: number, previous: number, layout: TileLayout, tensor: number): void {
  if (position >= layout.total)
    throw new WireError("index-range", `tensor ${tensor} has ${layout.total} coefficients a tile, got position ${position}`);
  if (position <= previous)
    throw new WireError("index-order", `positions of tensor ${tensor} must rise within a tile, got ${position} after ${previous}`);
}

function checkFinite(bits: number, tensor: number): void {
  if ((bits & 0x7f800000) === 0x7f800000) throw new WireError("non-finite", `a value of tensor ${tensor} is not finite`);
}
