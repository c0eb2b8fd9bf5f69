/** Kernels of a model that is spread over several devices: sums of what they send each other, slices, and a softmax over all their columns. */
import { wgsl } from "../generated/parallel.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { withReduction } from "./reduction.ts";

const read = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read" }));
const readWrite = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read_write" }));
const uniform = (name: string): KernelBinding => ({ name, kind: "uniform" });

const sumSpec: KernelSpec = { name: "parallel.sum", wgsl: wgsl.sum, bindings: [...read("a", "b"), ...readWrite("y")] };
const accumulateSpec: KernelSpec = { name: "parallel.accumulate", wgsl: wgsl.accumulate, bindings: [...read("x"), ...readWrite("y")] };
const copyColumnsSpec: KernelSpec = {
  name: "parallel.copyColumns",
  wgsl: wgsl.copyColumns,
  bindings: [uniform("sizes"), ...read("source"), ...readWrite("destination")],
};
const gatherSpec: KernelSpec = {
  name: "parallel.gatherShard",
  wgsl: wgsl.gatherShard,
  bindings: [...read("tokens", "table"), ...readWrite("y")],
};
const softmaxBindings = [...read("targets", "logits"), ...readWrite("parts")];
const softmaxSpecs: Record<BaseProfile, KernelSpec> = {
  software: { name: "parallel.softmaxShardSoftware", wgsl: wgsl.softmaxShardSoftware, bindings: softmaxBindings },
  gpu: withReduction({ name: "parallel.softmaxShardGpu", wgsl: wgsl.softmaxShardGpu, bindings: softmaxBindings }, false),
};
const lossSpec: KernelSpec = {
  name: "parallel.lossOfShards",
  wgsl: wgsl.lossOfShards,
  bindings: [...read("targets", "parts"), ...readWrite("lse", "losses")],
};
const gradientSpec: KernelSpec = {
  name: "parallel.logitGradient",
  wgsl: wgsl.logitGradient,
  bindings: [uniform("scales"), ...read("targets", "lse"), ...readWrite("logits")],
};

/** y = a + b. Buffers: a, b, y (count). */
export const sum = (count: number): KernelCall => linear(sumSpec, { COUNT: count }, count);

/** y += x. Buffers: x, y (count). */
export const accumulate = (count: number): KernelCall => linear(accumulateSpec, { COUNT: count }, count);

/** Where a slice lies in a matrix of `pitch` columns: `columns` of them from `first` on, of each of `rows` rows. */
export interface ColumnSlice {
  pitch: number;
  first: number;
}

/** Copies or adds `columns` of each of `rows` rows. Buffers: source, destination. */
export function copyColumns(rows: number, columns: number, from: ColumnSlice, to: ColumnSlice, store: "overwrite" | "add"): KernelCall {
  const sizes = new Uint32Array([rows, columns, from.pitch, from.first, to.pitch, to.first, store === "add" ? 1 : 0, 0]);
  return { ...linear(copyColumnsSpec, {}, rows * columns), sizes };
}

/** Buffers: tokens (rows) i32 from the shard's first row on, below 0: elsewhere; table (shard's rows, width), y (rows, width). */
export const gatherShard = (rows: number, width: number): KernelCall => linear(gatherSpec, { ROWS: rows, WIDTH: width }, rows * width);

/** A device's columns of the vocabulary: `columns` from `first` on, the `index`th of `count` devices' shares. */
export interface VocabularyShard {
  first: number;
  columns: number;
  index: number;
  count: number;
}

/** Buffers: targets (rows) i32, logits (rows, shard's columns), parts (shards, 3, rows). */
export function softmaxShard(profile: KernelProfile, rows: number, shard: VocabularyShard): KernelCall {
  const base = baseProfile(profile);
  return {
    spec: softmaxSpecs[base],
    constants: { ROWS: rows, VOCABULARY: shard.columns, FIRST: shard.first, SHARD: shard.index },
    grid: base === "software" ? linearGrid(rows, LINEAR_WORKGROUP_SIZE) : foldedGrid(rows),
  };
}

/** Buffers: targets (rows) i32, parts (shards, 3, rows), lse (rows), losses (rows). */
export const lossOfShards = (rows: number, shards: number): KernelCall => linear(lossSpec, { ROWS: rows, SHARDS: shards }, rows);

/** Buffers: scales (f32 uniform), targets (rows) i32, lse (rows), logits (rows, shard's columns). */
export const logitGradient = (rows: number, shard: VocabularyShard): KernelCall =>
  linear(gradientSpec, { ROWS: rows, VOCABULARY: shard.columns, FIRST: shard.first }, rows * shard.columns);

function linear(spec: KernelSpec, constants: Record<string, number>, count: number): KernelCall {
  return { spec, constants, grid: linearGrid(count, LINEAR_WORKGROUP_SIZE) };
}

/** `tokenOccurrences` for a shard's tokens: those below 0 have their row on another device and occur nowhere here. */
export function shardOccurrences(tokens: Int32Array, counts: Uint32Array, out: Uint32Array): void {
  const rows = tokens.length;
  counts.fill(0);
  for (let m = 0; m < rows; m++) if (tokens[m] >= 0) counts[tokens[m]]++;
  let at = 0;
  let segment = 0;
  for (let token = 0; token < counts.length; token++) {
    const count = counts[token];
    if (count > 0) out[rows + segment++] = at;
    counts[token] = at;
    at += count;
  }
  out.fill(at, rows + segment, 2 * rows + 1);
  for (let m = 0; m < rows; m++) if (tokens[m] >= 0) out[counts[tokens[m]]++] = m;
}
