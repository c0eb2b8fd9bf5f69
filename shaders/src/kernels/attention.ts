import { wgsl } from "../generated/attention.ts";
import { linearGrid, type KernelBinding, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";

export interface AttentionShape {
  batch: number;
  sequence: number;
  queryHeads: number;
  /** divides queryHeads */
  keyHeads: number;
  headDim: number;
}

const read = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read" }));
const readWrite = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read_write" }));

const rope: KernelSpec = { name: "attention.rope", wgsl: wgsl.rope, bindings: [...read("table"), ...readWrite("q", "k")] };
const shapeBinding: KernelBinding = { name: "shape", kind: "uniform" };
const forward: KernelSpec = {
  name: "attention.forward",
  wgsl: wgsl.forward,
  bindings: [shapeBinding, ...read("q", "k", "v"), ...readWrite("out", "lse")],
};
const backwardQueries: KernelSpec = {
  name: "attention.backwardQueries",
  wgsl: wgsl.backwardQueries,
  bindings: [shapeBinding, ...read("q", "k", "v", "out", "dOut", "lse"), ...readWrite("delta", "dq")],
};
const backwardKeys: KernelSpec = {
  name: "attention.backwardKeys",
  wgsl: wgsl.backwardKeys,
  bindings: [shapeBinding, ...read("q", "k", "v", "dOut", "lse", "delta"), ...readWrite("dk", "dv")],
};

function call(spec: KernelSpec, shape: AttentionShape, heads: number): KernelCall {
  const sizes = new Uint32Array([shape.batch, shape.sequence, shape.queryHeads, shape.keyHeads, shape.headDim, 0]);
  new Float32Array(sizes.buffer)[5] = 1 / Math.sqrt(shape.headDim);
  return {
    spec,
    constants: {},
    sizes,
    grid: linearGrid(shape.batch * heads * Math.ceil(shape.sequence / 4) * Math.ceil(shape.headDim / 16), LINEAR_WORKGROUP_SIZE),
  };
}

/** Buffers: q, k, v, out, lse (shapes in attention/forward.wgsl). */
export const attentionForward = (shape: AttentionShape): KernelCall => call(forward, shape, shape.queryHeads);

/** Buffers: q, k, v, out, dOut, lse, delta, dq. */
export const attentionBackwardQueries = (shape: AttentionShape): KernelCall => call(backwardQueries, shape, shape.queryHeads);

/** Runs after `attentionBackwardQueries`. Buffers: q, k, v, dOut, lse, delta, dk, dv. */
export const attentionBackwardKeys = (shape: AttentionShape): KernelCall => call(backwardKeys, shape, shape.keyHeads);

/** Rotates in place; `backward` by the negative angle. Buffers: table from `ropeTable`, q, k. */
export function attentionRope(shape: AttentionShape, backward: boolean): KernelCall {
  const rows = shape.batch * shape.sequence;
  return {
    spec: rope,
    constants: {
      ROWS: rows,
      SEQUENCE: shape.sequence,
      QUERY_HEADS: shape.queryHeads,
      KEY_HEADS: shape.keyHeads,
      HEAD_DIM: shape.headDim,
      SIGN: backward ? -1 : 1,
    },
    grid: linearGrid((rows * (shape.queryHeads + shape.keyHeads) * shape.headDim) / 2, LINEAR_WORKGROUP_SIZE),
  };
}
