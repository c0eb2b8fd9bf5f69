/** The three matrix products of a linear layer. Strides tell the products apart (matmul/software.wgsl), so one kernel does all. */
import { wgsl } from "../generated/matmul.ts";
import { linearGrid, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { DEFAULT_TUNING, gpuTileSides, MATMUL_TILES, shapeClass, tensorTileSides, type MatmulTuning } from "./matmulTiles.ts";
import { withStorage, type Storage } from "./storage.ts";

/**
 * - `forward`: y = x W^T; a = x (M, K), b = W (N, K), c (M, N)
 * - `inputGradient`: dx = dy W; a = dy (M, N), b = W (N, K), c (M, K)
 * - `weightGradient`: dW = dy^T x; a = dy (M, N), b = x (M, K), c (N, K)
 */
export type MatmulForm = "forward" | "inputGradient" | "weightGradient";
export const MATMUL_FORMS: readonly MatmulForm[] = ["forward", "inputGradient", "weightGradient"];

/** What happens to c: `add` accumulates into it, `residual` writes residual + product. */
export type MatmulStore = "overwrite" | "add" | "residual";

/** Elements from one row of a stored matrix to the next; left out: its own width. A view of a wider matrix's first columns has that one's. */
export interface MatmulPitches {
  a?: number;
  b?: number;
  /** also the residual's */
  c?: number;
}

/** What a product wants to know of the adapter: a Device's `features` have it. */
export interface MatmulAdapter {
  subgroups: boolean;
  /** lanes of a subgroup at most; 0: unknown */
  maxSubgroupSize: number;
  /** f16 x f16 -> f32 products of a whole subgroup; none: profile `tensor` computes them in plain WGSL */
  subgroupMatrices: readonly MatrixShape[];
}

/** A (M, K) matrix times a (K, N) one. */
export interface MatrixShape {
  M: number;
  N: number;
  K: number;
}

export interface MatmulOptions {
  pitches?: MatmulPitches;
  /** left out: f32. The residual is f32 always. */
  storages?: Readonly<Partial<Record<"a" | "b" | "c", Storage>>>;
  /** left out: one without subgroups */
  adapter?: MatmulAdapter;
  tuning?: MatmulTuning;
}

const bindings: KernelBinding[] = [
  { name: "sizes", kind: "uniform" },
  { name: "a", kind: "read" },
  { name: "b", kind: "read" },
  { name: "residual", kind: "read" },
  { name: "c", kind: "read_write" },
];
const kernel = (name: Exclude<keyof typeof wgsl, "sumParts">): KernelSpec => ({
  name: `matmul.${name}`,
  wgsl: wgsl[name],
  bindings,
});
const specs = {
  software: kernel("software"),
  softwareWide: kernel("softwareWide"),
  gpu: kernel("gpu"),
  gpuWide: kernel("gpuWide"),
  tensor: kernel("tensor"),
  tensorWide: kernel("tensorWide"),
  tensorEmulated: kernel("tensorEmulated"),
  tensorEmulatedWide: kernel("tensorEmulatedWide"),
};
const sumParts: KernelSpec = {
  name: "matmul.sumParts",
  wgsl: wgsl.sumParts,
  bindings: [
    { name: "parts", kind: "read" },
    { name: "c", kind: "read_write" },
  ],
};

const STORES: Record<MatmulStore, number> = { overwrite: 0, add: 1, residual: 2 };

const NO_SUBGROUPS: MatmulAdapter = { subgroups: false, maxSubgroupSize: 0, subgroupMatrices: [] };

/** A product as c[i, j] = sum over k of a[i*aRow + k*aInner] * b[j*bRow + k*bInner]. */
interface Product {
  rows: number;
  columns: number;
  inner: number;
  a: readonly [row: number, inner: number];
  b: readonly [row: number, inner: number];
  cPitch: number;
  /** every row starts and ends at a multiple of four elements, in a, b and c */
  isWide: boolean;
}

function productOf(form: MatmulForm, m: number, n: number, k: number, pitches: MatmulPitches): Product {
  const { a: aPitch = form === "forward" ? k : n, b: bPitch = k } = pitches;
  const [rows, columns, inner, a, b] = {
    forward: [m, n, k, [aPitch, 1], [bPitch, 1]],
    inputGradient: [m, k, n, [aPitch, 1], [1, bPitch]],
    weightGradient: [n, k, m, [1, aPitch], [1, bPitch]],
  }[form] as [number, number, number, [number, number], [number, number]];
  const cPitch = pitches.c ?? columns;
  return { rows, columns, inner, a, b, cPitch, isWide: [n, k, aPitch, bPitch, cPitch].every((length) => length % 4 === 0) };
}

const sizesOf = ({ rows, columns, inner, a, b, cPitch }: Product, store: MatmulStore, innerChunk = inner) =>
  new Uint32Array([rows, columns, inner, STORES[store], ...a, ...b, cPitch, innerChunk]);

/** Which stride of an operand is 1. */
const directionsOf = (form: MatmulForm) => ({
  A_INNER_CONTIGUOUS: form === "weightGradient" ? 0 : 1,
  B_INNER_CONTIGUOUS: form === "forward" ? 1 : 0,
});

/** A gradient that leaves the range of halves must show. */
const overflowOf = (form: MatmulForm) => (form === "inputGradient" ? "invalidate" : "saturate");

/**
 * M rows of tokens, K features in, N features out: W is (N, K) in every form. Buffers: a, b, residual (any read-only
 * buffer unless `store` is residual), c. Errors: ShaderError storage, where c is packed and a row does not end at a multiple of four.
 */
export function matmul(
  profile: KernelProfile,
  form: MatmulForm,
  store: MatmulStore,
  m: number,
  n: number,
  k: number,
  options: MatmulOptions = {},
): KernelCall {
  const { pitches = {}, storages = {}, adapter = NO_SUBGROUPS, tuning = DEFAULT_TUNING } = options;
  const product = productOf(form, m, n, k, pitches);
  if (profile !== "software") return tiled(profile, form, product, options, sizesOf(product, store), 1);
  const { rows, columns } = product;
  const sizes = sizesOf(product, store);
  if (product.isWide && adapter.subgroups) {
    // no more than there are columns for
    const LANES = Math.min(MATMUL_TILES.software[tuning.software[form][shapeClass(rows, columns)]].lanes, 4 * Math.ceil(columns / 32));
    const grid = [Math.ceil(columns / (8 * LANES)), Math.ceil(rows / 16), 1] as const;
    return { spec: withStorage(specs.softwareWide, storages, overflowOf(form)), constants: { LANES, ...directionsOf(form) }, grid, sizes };
  }
  const grid = [Math.ceil(columns / 32), Math.ceil(rows / 8), 1] as const;
  return { spec: withStorage(specs.software, storages, overflowOf(form)), constants: {}, grid, sizes };
}

/** A weight gradient in parts of its sum. */
export interface SplitMatmul {
  /** Buffers: a, b, any, parts */
  parts: KernelCall;
  /** f32 elements */
  partElements: number;
  /** Buffers: parts, c */
  sum: KernelCall;
}

/** Workgroups that keep a GPU busy. */
const ENOUGH_WORKGROUPS = 256;
/** Rows of tokens below which a part is not worth its sum. */
const LEAST_PART_ROWS = 256;
const MOST_PART_BYTES = 64 * 2 ** 20;

/**
 * The weight gradient of a layer with few weights and many rows of tokens has few tiles: then its sum is split, so that a GPU has
 * enough to do. null: better whole. The parts are added in order, so the same sizes give the same bits.
 */
export function splitWeightGradient(
  profile: KernelProfile,
  store: "overwrite" | "add",
  m: number,
  n: number,
  k: number,
  options: MatmulOptions = {},
): SplitMatmul | null {
  if (profile === "software") return null;
  const own = productOf("weightGradient", m, n, k, options.pitches ?? {});
  const { rows, columns, inner, cPitch } = own;
  const whole = tiled(profile, "weightGradient", own, options, sizesOf(own, "overwrite"), 1);
  const mostParts = Math.min(Math.floor(inner / LEAST_PART_ROWS), Math.floor(MOST_PART_BYTES / (rows * columns * 4)));
  const wanted = Math.min(mostParts, Math.ceil(ENOUGH_WORKGROUPS / (whole.grid[0] * whole.grid[1])));
  if (wanted < 2) return null;
  const chunk = Math.ceil(inner / wanted / 64) * 64;
  const parts = Math.ceil(inner / chunk);
  // the parts lie packed, in f32
  const product = { ...own, cPitch: columns };
  const partOptions = { ...options, storages: { ...options.storages, c: "f32" as const } };
  return {
    parts: tiled(profile, "weightGradient", product, partOptions, sizesOf(product, "overwrite", chunk), parts),
    partElements: parts * rows * columns,
    sum: {
      spec: sumParts,
      constants: { ROWS: rows, COLUMNS: columns, PITCH: cPitch, PARTS: parts, ADD: store === "add" ? 1 : 0 },
      grid: linearGrid(rows * columns, LINEAR_WORKGROUP_SIZE),
    },
  };
}

/** Through workgroup memory, in `parts` of the sum. */
function tiled(
  profile: "gpu" | "tensor",
  form: MatmulForm,
  product: Product,
  options: MatmulOptions,
  sizes: Uint32Array<ArrayBuffer>,
  parts: number,
): KernelCall {
  const { rows, columns, isWide } = product;
  const { storages = {}, tuning = DEFAULT_TUNING } = options;
  if (profile === "tensor") return onTensorCores(form, product, options, sizes, parts);
  const tile = MATMUL_TILES.gpu[tuning.gpu[form][shapeClass(rows, columns)]];
  const [tileRows, tileColumns] = gpuTileSides(tile);
  return {
    spec: withStorage(isWide ? specs.gpuWide : specs.gpu, storages, overflowOf(form)),
    constants: {
      ...directionsOf(form),
      ROW_THREADS: tile.rowThreads,
      COLUMN_THREADS: tile.columnThreads,
      ROW_BLOCKS: tile.rowBlocks,
      COLUMN_BLOCKS: tile.columnBlocks,
      DEPTH: tile.depth,
    },
    grid: [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows), parts],
    sizes,
  };
}

/** What the matrix products of a tile are made of where the adapter has none. */
const EMULATED = { matrix: { M: 8, N: 8, K: 8 }, lanes: 8 };

/** The adapter's tensor cores: of their shapes the largest, which reuses most, and the threads of a subgroup; or what stands in for them. */
export function tensorUnits({ subgroupMatrices, maxSubgroupSize }: Pick<MatmulAdapter, "subgroupMatrices" | "maxSubgroupSize">): {
  matrix: MatrixShape;
  lanes: number;
} {
  const volume = ({ M, N, K }: MatrixShape) => M * N * K;
  const [first, ...others] = subgroupMatrices;
  if (first === undefined) return EMULATED;
  return { matrix: others.reduce((best, shape) => (volume(shape) > volume(best) ? shape : best), first), lanes: maxSubgroupSize };
}

function onTensorCores(
  form: MatmulForm,
  { rows, columns, isWide }: Product,
  { storages = {}, tuning = DEFAULT_TUNING, adapter = NO_SUBGROUPS }: MatmulOptions,
  sizes: Uint32Array<ArrayBuffer>,
  parts: number,
): KernelCall {
  const name = tuning.tensor[form][shapeClass(rows, columns)];
  const tile = MATMUL_TILES.tensor[name];
  const { matrix, lanes } = tensorUnits(adapter);
  const isEmulated = adapter.subgroupMatrices.length === 0;
  const spec = specs[isEmulated ? (isWide ? "tensorEmulatedWide" : "tensorEmulated") : isWide ? "tensorWide" : "tensor"];
  const [tileRows, tileColumns] = tensorTileSides(tile, matrix);
  const baked: Record<string, number | boolean> = {
    ...matrix,
    ROW_MATRICES: tile.rowMatrices,
    COLUMN_MATRICES: tile.columnMatrices,
    LANES: lanes,
    ROW_SUBGROUPS: tile.rowSubgroups,
    COLUMN_SUBGROUPS: tile.columnSubgroups,
    DEPTH_MATRICES: tile.depthMatrices,
    A_INNER_CONTIGUOUS: form !== "weightGradient",
    B_INNER_CONTIGUOUS: form === "forward",
    A_IS_GRADIENT: form !== "forward",
  };
  const majors: Record<string, boolean> = { A: form !== "weightGradient", B: form !== "forward" };
  const directed = spec.wgsl.replace(/, ([AB])_MAJOR>/g, (_, operand: string) => `, ${majors[operand] ? "row" : "col"}_major>`);
  const text = directed.replace(/^const (\w+) = (?:0u|false); \/\/ baked$/gm, (_, constant: string) => {
    const value = baked[constant];
    return `const ${constant} = ${typeof value === "boolean" ? value : `${value}u`};`;
  });
  const named = { ...spec, name: `${spec.name} ${form} ${matrix.M}x${matrix.N}x${matrix.K} ${name}`, wgsl: text };
  return {
    spec: withStorage(named, storages, overflowOf(form)),
    constants: {},
    grid: [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows), parts],
    sizes,
  };
}
