/** How a workgroup of a product is cut up. Which way is fastest depends on the adapter: src/lab measures. */
import type { KernelProfile } from "../kernel.ts";
import type { MatmulForm } from "./matmul.ts";

/** A tile of 16 rows and 8 columns a lane, for adapters with subgroups. */
export interface SoftwareTile {
  /** threads of a workgroup, a multiple of 4 */
  lanes: number;
}

/** A tile of 4 * rowThreads * rowBlocks rows and 4 * columnThreads * columnBlocks columns: a thread has 4x4 outputs a block. */
export interface GpuTile {
  rowThreads: number;
  columnThreads: number;
  rowBlocks: 1 | 2;
  columnBlocks: 1 | 2;
  /** k a turn, a multiple of 4 */
  depth: number;
}

/** Subgroups of a workgroup along rows and columns, and result matrices of a subgroup along them; depth in matrices. */
export interface TensorTile {
  rowSubgroups: number;
  columnSubgroups: number;
  rowMatrices: number;
  columnMatrices: number;
  depthMatrices: number;
}

export const SOFTWARE_TILES = {
  "16x32": { lanes: 4 },
  "16x64": { lanes: 8 },
  "16x128": { lanes: 16 },
} as const satisfies Record<string, SoftwareTile>;

export const GPU_TILES = {
  "128x128x16": { rowThreads: 16, columnThreads: 16, rowBlocks: 2, columnBlocks: 2, depth: 16 },
  "128x128x8": { rowThreads: 16, columnThreads: 16, rowBlocks: 2, columnBlocks: 2, depth: 8 },
  "128x64x16": { rowThreads: 16, columnThreads: 16, rowBlocks: 2, columnBlocks: 1, depth: 16 },
  "64x64x16": { rowThreads: 8, columnThreads: 8, rowBlocks: 2, columnBlocks: 2, depth: 16 },
  "64x64x16t": { rowThreads: 16, columnThreads: 16, rowBlocks: 1, columnBlocks: 1, depth: 16 },
  "32x32x32": { rowThreads: 8, columnThreads: 8, rowBlocks: 1, columnBlocks: 1, depth: 32 },
} as const satisfies Record<string, GpuTile>;

export const TENSOR_TILES = {
  "2x2 of 4x4": { rowSubgroups: 2, columnSubgroups: 2, rowMatrices: 4, columnMatrices: 4, depthMatrices: 2 },
  "2x2 of 4x4 shallow": { rowSubgroups: 2, columnSubgroups: 2, rowMatrices: 4, columnMatrices: 4, depthMatrices: 1 },
  "4x2 of 2x4": { rowSubgroups: 4, columnSubgroups: 2, rowMatrices: 2, columnMatrices: 4, depthMatrices: 2 },
  "2x2 of 2x2": { rowSubgroups: 2, columnSubgroups: 2, rowMatrices: 2, columnMatrices: 2, depthMatrices: 2 },
  "2x2 of 1x1": { rowSubgroups: 2, columnSubgroups: 2, rowMatrices: 1, columnMatrices: 1, depthMatrices: 2 },
} as const satisfies Record<string, TensorTile>;

/** Outputs decide which tile pays: below 2^17 a large one leaves most of a GPU idle. */
export const SHAPE_CLASSES = ["small", "medium", "large"] as const;
export type ShapeClass = (typeof SHAPE_CLASSES)[number];

export function shapeClass(rows: number, columns: number): ShapeClass {
  const outputs = rows * columns;
  return outputs < 2 ** 17 ? "small" : outputs < 2 ** 21 ? "medium" : "large";
}

export const MATMUL_TILES = { software: SOFTWARE_TILES, gpu: GPU_TILES, tensor: TENSOR_TILES } as const satisfies Record<
  KernelProfile,
  object
>;
export type TileName<P extends KernelProfile = KernelProfile> = keyof (typeof MATMUL_TILES)[P] & string;

type PerShape<Name> = Readonly<Record<MatmulForm, Readonly<Record<ShapeClass, Name>>>>;

/** The tile of each form and class, by profile. */
export type MatmulTuning = { readonly [P in KernelProfile]: PerShape<TileName<P>> };

function always<Name>(small: Name, medium = small, large = medium): PerShape<Name> {
  const tiles = { small, medium, large };
  return { forward: tiles, inputGradient: tiles, weightGradient: tiles };
}

/** Where nothing was measured. They fit WebGPU's least limits, and tensor cores of 16x16x16. */
export const DEFAULT_TUNING: MatmulTuning = {
  software: always<TileName<"software">>("16x32"),
  gpu: always<TileName<"gpu">>("32x32x32", "64x64x16", "128x128x8"),
  tensor: always<TileName<"tensor">>("2x2 of 1x1", "2x2 of 2x2", "2x2 of 4x4 shallow"),
};

/** Rows and columns of C that a workgroup makes. */
export const gpuTileSides = ({ rowThreads, columnThreads, rowBlocks, columnBlocks }: GpuTile): readonly [number, number] => [
  4 * rowThreads * rowBlocks,
  4 * columnThreads * columnBlocks,
];

export const tensorTileSides = (tile: TensorTile, { M, N }: { M: number; N: number }): readonly [number, number] => [
  tile.rowSubgroups * tile.rowMatrices * M,
  tile.columnSubgroups * tile.columnMatrices * N,
];

/** Of an adapter, that a tile has to keep. */
export interface TileLimits {
  workgroupBytes: number;
  workgroupThreads: number;
  /** threads of a subgroup at most */
  lanes: number;
  matrix: { M: number; N: number; K: number };
}

/** WebGPU's least, with NVIDIA's tensor cores. */
export const LEAST_LIMITS: TileLimits = { workgroupBytes: 16384, workgroupThreads: 256, lanes: 32, matrix: { M: 16, N: 16, K: 16 } };

/** Whether the adapter can run the tile in every form. */
export function tileFits(profile: KernelProfile, name: string, { workgroupBytes, workgroupThreads, lanes, matrix }: TileLimits): boolean {
  if (!Object.hasOwn(MATMUL_TILES[profile], name)) return false;
  if (profile === "software") return true;
  if (profile === "gpu") {
    const tile: GpuTile = GPU_TILES[name as TileName<"gpu">];
    const [rows, columns] = gpuTileSides(tile);
    const bytes = tile.depth * (rows / 4 + columns / 4 + 2) * 16;
    return bytes <= workgroupBytes && tile.rowThreads * tile.columnThreads <= workgroupThreads;
  }
  const tile: TensorTile = TENSOR_TILES[name as TileName<"tensor">];
  const sides = tensorTileSides(tile, matrix);
  const depth = tile.depthMatrices * matrix.K;
  const subgroups = tile.rowSubgroups * tile.columnSubgroups;
  // lines along the sum or across it, whichever pads more
  const halves = sides.reduce((sum, side) => sum + Math.max(side * (depth + 8), depth * (side + 8)), 0);
  return halves * 2 + subgroups * matrix.M * matrix.N * 4 <= workgroupBytes && subgroups * lanes <= workgroupThreads;
}
