/**
 * Which tile of a matrix product is fastest on an adapter: every tile that fits is timed at one shape a class, and the fastest stays.
 * Bounded: when the time is over, what was not measured keeps its default.
 */
import type { KernelProfile } from "../kernel.ts";
import type { KernelCall } from "../kernels/kernelCall.ts";
import { matmul, MATMUL_FORMS, type MatmulAdapter } from "../kernels/matmul.ts";
import { MATMUL_TILES, SHAPE_CLASSES, shapeClass, tileFits, type ShapeClass, type TileLimits } from "../kernels/matmulTiles.ts";
import { tuningOf, type TuningEntry } from "./tuning.ts";

/** Rows of tokens, width out and width in: layers of the presets. The largest first: when the time is over, it is what counts most. */
export type SweepShape = readonly [m: number, n: number, k: number];
export const GPU_SHAPES: readonly SweepShape[] = [
  [4096, 3072, 768],
  [1024, 768, 768],
  [256, 256, 256],
];
/** A software adapter is a thousand times slower. */
export const SOFTWARE_SHAPES: readonly SweepShape[] = [[256, 128, 128]];

export interface SweepOptions {
  profile: KernelProfile;
  adapter: MatmulAdapter;
  limits: TileLimits;
  shapes: readonly SweepShape[];
  budgetMs: number;
  now: () => number;
  /** ms of one run of the product, warm; rejects where the kernel does not run. Operands and c have at least `elements` each. */
  time: (call: KernelCall, elements: number) => Promise<number>;
  onMeasured?: (line: string) => void;
}

/** The fastest tile of every form and class that was reached in time. */
export async function sweepTiles(options: SweepOptions): Promise<TuningEntry> {
  const { profile, adapter, limits, shapes, budgetMs, now, time, onMeasured } = options;
  const end = now() + budgetMs;
  const found: { [form: string]: { [shape: string]: string } } = {};
  for (const [m, n, k] of shapes) {
    for (const form of MATMUL_FORMS) {
      const [rows, columns] = form === "forward" ? [m, n] : form === "inputGradient" ? [m, k] : [n, k];
      const shape: ShapeClass = shapeClass(rows, columns);
      let fastest: { tile: string; ms: number } | null = null;
      for (const tile of Object.keys(MATMUL_TILES[profile])) {
        if (!tileFits(profile, tile, limits)) continue;
        if (now() >= end) return { [profile]: found };
        const everywhere = Object.fromEntries(MATMUL_FORMS.map((f) => [f, Object.fromEntries(SHAPE_CLASSES.map((s) => [s, tile]))]));
        const tuning = tuningOf({ [profile]: everywhere }, limits);
        const call = matmul(profile, form, "overwrite", m, n, k, { adapter, tuning });
        const ms = await time(call, Math.max(m * n, n * k, m * k)).catch(() => Infinity);
        onMeasured?.(`${profile} ${form} ${m}x${n}x${k} ${tile}: ${ms.toFixed(3)} ms, ${((2 * m * n * k) / ms / 1e6).toFixed(2)} GF/s`);
        if (fastest === null || ms < fastest.ms) fastest = { tile, ms };
      }
      if (fastest !== null && Number.isFinite(fastest.ms)) {
        // one shape stands for all on a software adapter, which is busy with the smallest
        for (const s of profile === "software" ? SHAPE_CLASSES : [shape]) (found[form] ??= {})[s] = fastest.tile;
      }
    }
  }
  return { [profile]: found };
}
