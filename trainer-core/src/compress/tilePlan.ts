/**
 * The tiles of a model on a device: one table a parameter pool, cut into batches whose scratch memory is bounded, so that a
 * small model needs one dispatch a kernel and a large one never a second copy of itself.
 */
import {
  BATCH_WORDS,
  TILE_WORDS,
  tileLayout,
  tileTable,
  tileTopk,
  type TensorPlacement,
  type TileLayout,
} from "@starling/shaders/kernels/compress/tileLayout";
import type { Device } from "../device/device.ts";
import type { ParameterSet, ParameterShard } from "../model/parameterSet.ts";

/** Coefficients a batch: 16 MiB of each scratch buffer. */
const BATCH_ELEMENTS = 1 << 22;
/** Tiles a batch, for models with many tiny ones: 2 MiB of segment maxima. */
const BATCH_TILES = 4096;
/** Entries sent of a batch: what 256 peers send of it is the 128 MiB that every adapter can bind. */
const BATCH_SENT = 1 << 17;

export interface TileBatch {
  /** `struct Batch` */
  uniform: GPUBuffer;
  firstTile: number;
  tileCount: number;
  /** entries of the batch in a SentResult of the pool */
  sentBase: number;
  sentCount: number;
  denseCount: number;
}

export interface TilePool {
  pool: number;
  /** `array<Tile>` */
  tiles: GPUBuffer;
  tileCount: number;
  /** of the pool's first entry in a SentResult of the whole model */
  sentStart: number;
  sentCount: number;
  batches: readonly TileBatch[];
}

export interface TilePlanOptions {
  /** largest tile side, `compression_chunk` */
  chunk: number;
  /** coefficients sent of each tile, `compression_topk` */
  topk: number;
  /** limits of a batch; tests lower them */
  batchElements?: number;
  /** the tiles of each tensor that this plan is of, where these are its first rows or columns; left out: all */
  layouts?: readonly TileLayout[];
  /** the layouts of the model that the tensors are a part of: by these tiles are numbered; left out: they are that model */
  whole?: readonly TileLayout[];
}

export class TilePlan {
  readonly device: Device;
  readonly parameters: ParameterSet;
  /** by ascending name */
  readonly layouts: readonly TileLayout[];
  /** those of the whole model */
  readonly whole: readonly TileLayout[];
  readonly pools: readonly TilePool[];
  readonly topk: number;

  /** Throws RangeError for a `chunk` outside 1..64, a `topk` below 1, or tensors of more than two dimensions. */
  constructor(device: Device, parameters: ParameterSet, options: TilePlanOptions) {
    const { chunk, topk } = options;
    // a merged coefficient has 16 bytes
    const batchElements = options.batchElements ?? Math.min(BATCH_ELEMENTS, Math.floor(device.bindingLimitBytes / 16));
    if (!Number.isInteger(topk) || topk < 1) throw new RangeError(`compression_topk must be an integer of at least 1, got ${topk}`);
    this.device = device;
    this.parameters = parameters;
    this.topk = topk;
    this.layouts = options.layouts ?? parameters.parameters.map((p) => tileLayout(p.shape, chunk));
    this.whole = options.whole ?? parameters.parameters.map((p) => tileLayout(p.shape, chunk));
    let sentStart = 0;
    this.pools = parameters.poolBytes.map((_, pool) => {
      const tensors: TensorPlacement[] = parameters.parameters.flatMap((p) =>
        p.shards
          .filter((shard) => shard.pool === pool)
          .map((shard) => {
            const layout = rowsOfLayout(this.layouts[p.index], shard);
            const { gridX } = this.whole[p.index];
            return {
              layout,
              topk: tileTopk(layout, topk),
              tensor: p.index,
              firstElement: shard.offsetBytes / 4,
              pitch: p.shape.at(-1)!,
              gridX,
              firstTile: (shard.firstRow / layout.height) * gridX,
            };
          }),
      );
      const table = tileTable(tensors);
      const batches = cutBatches(device, table, pool, batchElements);
      const sent = batches.reduce((sum, b) => sum + b.sentCount, 0);
      const made = {
        pool,
        tiles: device.bufferOf(`tiles of pool ${pool}`, table),
        tileCount: table.length / TILE_WORDS,
        sentStart,
        sentCount: sent,
        batches,
      };
      sentStart += sent;
      return made;
    });
  }

  /** Tile sides in use, heights and widths. */
  get sides(): number[] {
    return [...new Set(this.layouts.flatMap((l) => [l.height, l.width]))];
  }

  get batches(): readonly TileBatch[] {
    return this.pools.flatMap((p) => p.batches);
  }

  dispose(): void {
    for (const { tiles, batches } of this.pools) {
      tiles.destroy();
      for (const { uniform } of batches) uniform.destroy();
    }
  }
}

/**
 * The part of a tensor's layout that is in a shard: all of it where there is one; none where a tier's rows end before. Throws RangeError
 * where a tile would be cut.
 */
function rowsOfLayout(layout: TileLayout, { firstRow, rows }: ParameterShard): TileLayout {
  const { height, columns, gridX } = layout;
  const held = Math.max(0, Math.min(rows, layout.elements / columns - firstRow));
  if (firstRow % height !== 0 || held % height !== 0) {
    throw new RangeError(`rows ${firstRow} to ${firstRow + held} of a tensor are in one shard, which cuts its tiles of ${height} rows`);
  }
  return { ...layout, shape: [held, columns], tiles: (held / height) * gridX, elements: held * columns };
}

function cutBatches(device: Device, table: Uint32Array<ArrayBuffer>, pool: number, batchElements: number): TileBatch[] {
  const tileCount = table.length / TILE_WORDS;
  const record = (tile: number) => {
    const [, , height, width, topk, sent, dense] = table.subarray(tile * TILE_WORDS);
    return { total: height * width, topk, sent, dense };
  };
  const batches: TileBatch[] = [];
  for (let firstTile = 0; firstTile < tileCount;) {
    const { sent: sentBase, dense: denseBase } = record(firstTile);
    let end = firstTile;
    let sentCount = 0;
    let denseCount = 0;
    while (end < tileCount && end - firstTile < BATCH_TILES) {
      const { total, topk } = record(end);
      if (end > firstTile && (denseCount + total > batchElements || sentCount + topk > BATCH_SENT)) break;
      sentCount += topk;
      denseCount += total;
      end++;
    }
    const uniform = device.uniform(`batch ${batches.length} of pool ${pool}`, BATCH_WORDS * 4);
    device.write(uniform, Uint32Array.of(firstTile, end - firstTile, sentBase, denseBase, sentCount, denseCount));
    batches.push({ uniform, firstTile, tileCount: end - firstTile, sentBase, sentCount, denseCount });
    firstTile = end;
  }
  return batches;
}
