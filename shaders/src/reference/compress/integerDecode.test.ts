import { describe, expect, it } from "vitest";
import { tileLayout, type TileLayout } from "../../kernels/compress/tileLayout.ts";
import { decodeSparse } from "./encode.ts";
import { decodeSigns, type SentTensor } from "./integerDecode.ts";
import { SENT_STYLES, seededRandom, testSent } from "./testSent.ts";

/** The same in double precision: the update, and the largest value that each tile could reach. */
function doubleDecode(layout: TileLayout, sent: SentTensor): { update: Float64Array; limit: Float64Array } {
  const update = new Float64Array(layout.elements);
  const limit = new Float64Array(layout.tiles);
  const values = new Float32Array(sent.valueBits.buffer);
  const mean = new Float64Array(layout.tiles * layout.total);
  const count = new Float64Array(mean.length);
  for (let at = 0; at < sent.index.length; at++) {
    const dense = (Math.floor(at / sent.topk) % layout.tiles) * layout.total + sent.index[at];
    mean[dense] += values[at];
    count[dense]++;
  }
  mean.forEach((sum, at) => {
    if (count[at] > 0) mean[at] = sum / count[at];
  });
  const all = Uint32Array.from(mean, (_, at) => at % layout.total);
  update.set(decodeSparse(layout, layout.total, all, mean));
  const reach = layout.shape.length === 1 ? Math.sqrt(2 / layout.width) : 2 / Math.sqrt(layout.total);
  mean.forEach((value, at) => (limit[Math.floor(at / layout.total)] += Math.abs(value) * reach));
  return { update, limit };
}

describe("decodeSigns", () => {
  const seed = 12345;
  for (const oneBit of [true, false]) {
    for (const style of SENT_STYLES.filter((s) => s !== "wild" || !oneBit)) {
      it(`${style}, ${oneBit ? "1 bit" : "f32"}: true signs beyond 1e-5 of the reach, 0 where the sum is 0 (seed ${seed})`, () => {
        const random = seededRandom(seed);
        let decided = 0;
        let zeros = 0;
        for (const [shape, peers, topk] of [
          [[24, 40], 3, 8],
          [[86], 5, 6],
          [[67, 12], 2, 3],
          [[36, 50], 40, 16],
          [[63, 45], 1, 2],
          [[1], 3, 1],
        ] as const) {
          const layout = tileLayout(shape, 64);
          const sent = testSent(layout, style, { peers, topk, oneBit, random });
          const { update, limit } = doubleDecode(layout, sent);
          const problems: unknown[] = [];
          const signs = decodeSigns(layout, sent, ({ at, tile, update: got }) => {
            const relative = Math.abs(update[at]) / limit[tile];
            if (Math.abs(got - update[at]) > 1e-5 * limit[tile]) problems.push({ at, got, expected: update[at] });
            if (relative > 1e-5) decided++;
            if (relative <= 1e-12) zeros++;
          });
          update.forEach((value, at) => {
            const rows = Math.floor(Math.floor(at / layout.columns) / layout.height);
            const tile = rows * layout.gridX + Math.floor((at % layout.columns) / layout.width);
            const relative = limit[tile] === 0 ? 0 : Math.abs(value) / limit[tile];
            if (relative > 1e-5 && signs[at] !== Math.sign(value)) problems.push({ at, sign: signs[at], value });
            if (relative <= 1e-12 && signs[at] !== 0) problems.push({ at, sign: signs[at], value });
          });
          expect(problems, `[${shape.join(", ")}]`).toEqual([]);
        }
        expect(decided + zeros).toBeGreaterThan(1000);
      });
    }
  }
});
