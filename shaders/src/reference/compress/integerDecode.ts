/**
 * The definition of what a round does to the parameters: sign(IDCT(mean of the sent coefficients)), in integers, so that
 * every adapter and this twin give the same bits. The kernels mergeSent, rowPass and columnStep must equal it.
 *
 * Tile h x w, sides up to 64, up to 256 peers; positive norm factors of the transform are dropped.
 *   sum     64 bits a coefficient. 1-bit: (plus - minus) * 2^46. f32: mantissa << 31 aligned to the tile's largest exponent,
 *           truncated; exact while the exponents of a tile differ by at most 31. Denormals count as 0.
 *   mean    floor(|sum| / senders of that coefficient); zero means are dropped. A round may have the sum in its place
 *           (`sum`): nothing below depends on the division, |sum| stays below 2^63
 *   q       31 bits: means scaled by a power of two and rounded, so that S = sum |q| <= 31/32 * 2^31
 *   Y       row pass, 26 bits: (sum q * b30 + 2^34) >> 35
 *   A       column pass, 45 bits: sum b18 * Y
 *   sign    0 iff |A| <= Z = (S >> 6) + (rows << 17) + (nonzero << 12) + 2^18, else that of A
 * Z is the proved bound on |A - true value|, so a mathematically zero output always gives 0, and |update| > 1e-5 of the
 * largest value the tile could reach always has its true sign. Overflow, from the actual tables: 0.859 of 2^31 for the
 * recovery of A from its two i32 sums, 0.969 for the larger of them.
 */
import { type TileLayout, tileStart } from "../../kernels/compress/tileLayout.ts";
import { basisAt, fixedBasis } from "./basis.ts";

/** S may reach this times 2^12. */
const L1_LIMIT = 0x7c000n;

/** In the place of a position: this peer sent nothing for the tile, all of whose entries have it. */
export const ABSENT_POSITION = 0xffffffff;

/** What the peers sent for one tensor: (peers, tiles, topk), positions rising within a tile. */
export interface SentTensor {
  peers: number;
  topk: number;
  oneBit: boolean;
  /** coefficients are summed over their senders, not averaged */
  sum?: boolean;
  index: Uint32Array<ArrayBuffer>;
  /** f32 bits; only the sign bit counts when oneBit */
  valueBits: Uint32Array<ArrayBuffer>;
}

export interface MergedTile {
  position: number[];
  q: bigint[];
  /** rows with a nonzero mean, rising */
  rows: number[];
  /** the dead zone Z */
  deadZone: bigint;
  /** the coefficient that q = 1 stands for */
  unit: number;
}

/** mergeSent's twin. */
export function mergeTile(layout: TileLayout, sent: SentTensor, tile: number): MergedTile {
  const entries: number[] = [];
  for (let p = 0; p < sent.peers; p++) {
    for (let n = 0; n < sent.topk; n++) {
      const at = (p * layout.tiles + tile) * sent.topk + n;
      if (sent.index[at] !== ABSENT_POSITION) entries.push(at);
    }
  }
  const exponentOf = (bits: number) => (bits >>> 23) & 255;
  let largestExponent = 0;
  for (const at of entries) largestExponent = Math.max(largestExponent, exponentOf(sent.valueBits[at]));

  const sums = new Map<number, { sum: bigint; count: bigint }>();
  for (const at of entries) {
    const bits = sent.valueBits[at];
    let magnitude = 1n << 46n;
    if (!sent.oneBit) {
      const exponent = exponentOf(bits);
      magnitude = exponent === 0 ? 0n : (BigInt((bits & 0x7fffff) | 0x800000) << 31n) >> BigInt(largestExponent - exponent);
    }
    const so = sums.get(sent.index[at]) ?? { sum: 0n, count: 0n };
    sums.set(sent.index[at], { sum: so.sum + (bits >>> 31 ? -magnitude : magnitude), count: so.count + 1n });
  }

  const position: number[] = [];
  const means: bigint[] = [];
  const negative: boolean[] = [];
  let largest = 0n;
  for (const at of [...sums.keys()].sort((a, b) => a - b)) {
    const { sum, count } = sums.get(at)!;
    const mean = (sum < 0n ? -sum : sum) / (sent.sum ? 1n : count);
    if (mean === 0n) continue;
    position.push(at);
    means.push(mean);
    negative.push(sum < 0n);
    if (mean > largest) largest = mean;
  }
  if (position.length === 0) return { position, q: [], rows: [], deadZone: 0n, unit: 0 };

  const bitLength = BigInt(largest.toString(2).length);
  const shifted = (mean: bigint, by: bigint) => (by >= 0n ? mean >> by : mean << -by);
  const upper = means.reduce((sum, mean) => sum + (shifted(mean, bitLength - 31n) >> 12n) + 1n, 0n);
  let headroom = 0n;
  while (upper > L1_LIMIT << headroom) headroom++;
  const shift = bitLength - 31n + headroom;
  let norm = 0n;
  const q = means.map((mean, n) => {
    const scaled = shift > 0n ? (mean + (1n << (shift - 1n))) >> shift : mean << -shift;
    norm += scaled;
    return negative[n] ? -scaled : scaled;
  });
  const rows = [...new Set(position.map((at) => Math.floor(at / layout.width)))];
  const deadZone = (norm >> 6n) + (BigInt(rows.length) << 17n) + (BigInt(q.length) << 12n) + (1n << 18n);
  const unit = 2 ** (Number(shift) + (sent.oneBit ? -46 : largestExponent - 127 - 23 - 31));
  return { position, q, rows, deadZone, unit };
}

/** rowPass's twin: Y of every row that has a nonzero mean. */
export function rowSums(layout: TileLayout, merged: MergedTile): Map<number, Float64Array> {
  const basis = fixedBasis(layout.width);
  const sums = new Map<number, Float64Array>();
  for (const row of merged.rows) {
    const mine = merged.position.flatMap((at, n) => (Math.floor(at / layout.width) === row ? [n] : []));
    const out = new Float64Array(layout.width);
    for (let j = 0; j < layout.width; j++) {
      let sum = 1n << 34n;
      for (const n of mine) sum += merged.q[n] * BigInt(basisAt(basis, basis.b30, merged.position[n] % layout.width, j));
      out[j] = Number(sum >> 35n);
    }
    sums.set(row, out);
  }
  return sums;
}

export interface DecodedElement {
  /** position in the tensor */
  at: number;
  tile: number;
  /** the exact column sum A */
  sum: number;
  /** what A stands for: the decoded mean, before its sign is taken */
  update: number;
}

/** The sign in {-1, 0, 1} of every element of the tensor; `see` gets what is behind each. */
export function decodeSigns(layout: TileLayout, sent: SentTensor, see?: (element: DecodedElement) => void): Int8Array<ArrayBuffer> {
  const signs = new Int8Array(layout.elements);
  const basis = fixedBasis(layout.height);
  for (let tile = 0; tile < layout.tiles; tile++) {
    const merged = mergeTile(layout, sent, tile);
    if (merged.position.length === 0) continue;
    const rows = rowSums(layout, merged);
    const deadZone = Number(merged.deadZone);
    const start = tileStart(layout, tile);
    const norm = (side: number) => (side === 1 ? 1 : Math.sqrt(2 / side));
    const scale = (merged.unit / 2 ** 13) * norm(layout.height) * norm(layout.width);
    for (let i = 0; i < layout.height; i++) {
      for (let j = 0; j < layout.width; j++) {
        let sum = 0;
        for (const [row, y] of rows) sum += basisAt(basis, basis.b18, row, i) * y[j]; // below 2^45: exact in a double
        const at = start + i * layout.columns + j;
        see?.({ at, tile, sum, update: sum * scale });
        signs[at] = Math.abs(sum) <= deadZone ? 0 : Math.sign(sum);
      }
    }
  }
  return signs;
}
