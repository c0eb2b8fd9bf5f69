/** Seeded random and adversarial results for tests of the decode. */
import type { TileLayout } from "../../kernels/compress/tileLayout.ts";
import type { SentTensor } from "./integerDecode.ts";

/** Uniform in [0, 1): xorshift32. */
export function seededRandom(seed: number): () => number {
  let x = seed | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

export const SENT_STYLES = [
  /** positions anywhere */
  "random",
  /** in the lowest 8 x 8 frequencies: peers collide */
  "low",
  /** peers tile the coefficients without overlap */
  "blocks",
  /** all peers send the same row, with opposite signs */
  "cancelling",
  /** one column, all +1: sums as large as they get */
  "plus",
  /** f32 values over 60 decades, zeros among them */
  "wild",
] as const;
export type SentStyle = (typeof SENT_STYLES)[number];

export function testSent(
  layout: TileLayout,
  style: SentStyle,
  { peers, topk, oneBit, random }: { peers: number; topk: number; oneBit: boolean; random: () => number },
): SentTensor {
  const { width, total } = layout;
  const k = Math.min(topk, total);
  const index = new Uint32Array(peers * layout.tiles * k);
  const value = new Float32Array(index.length);
  for (let p = 0; p < peers; p++) {
    for (let tile = 0; tile < layout.tiles; tile++) {
      const chosen = new Set<number>();
      for (let n = 0; n < k; n++) {
        if (style === "blocks") chosen.add((p * k + n) % total);
        if (style === "cancelling") chosen.add(n);
        if (style === "plus") chosen.add((n * width) % total);
      }
      while (chosen.size < k) {
        const low = (Math.floor(random() * 8) * width + Math.floor(random() * Math.min(8, width))) % total;
        chosen.add(style === "low" && random() < 0.9 ? low : Math.floor(random() * total));
      }
      [...chosen]
        .sort((a, b) => a - b)
        .forEach((position, n) => {
          const at = (p * layout.tiles + tile) * k + n;
          const sign = style === "plus" ? 1 : style === "cancelling" ? (p % 2 ? 1 : -1) : random() < 0.5 ? -1 : 1;
          const wild = random() < 0.1 ? 0 : 10 ** (random() * 60 - 30);
          const magnitude = oneBit || style === "plus" ? 1 : style === "wild" ? wild : 0.1 + random();
          index[at] = position;
          value[at] = sign * magnitude;
        });
    }
  }
  return { peers, topk: k, oneBit, index, valueBits: new Uint32Array(value.buffer) };
}
