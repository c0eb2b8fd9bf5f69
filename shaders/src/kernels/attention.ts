import { wgsl } from "../generated/attention.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { withRowAccess } from "./rowAccess.ts";
import { F32_STORAGES, withStorage, type KernelStorages, type Overflow } from "./storage.ts";

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

const ropeBindings = [...read("table"), ...readWrite("q", "k")];
const rope: KernelSpec = { name: "attention.rope", wgsl: wgsl.rope, bindings: ropeBindings };
const ropePairs: KernelSpec = { name: "attention.ropePairs", wgsl: wgsl.ropePairs, bindings: ropeBindings };
const shapeBinding: KernelBinding = { name: "shape", kind: "uniform" };

interface AttentionKernel {
  name: string;
  text: Record<BaseProfile, string>;
  bindings: readonly KernelBinding[];
  overflow: Overflow;
  /** rows that a workgroup of `gpu` has of its own: the queries of a key head, or its keys */
  own: "queries" | "keys";
}
const FORWARD: AttentionKernel = {
  name: "forward",
  text: { software: wgsl.forwardSoftware, gpu: wgsl.forwardGpu },
  bindings: [shapeBinding, ...read("q", "k", "v"), ...readWrite("out", "lse")],
  overflow: "saturate",
  own: "queries",
};
const BACKWARD_QUERIES: AttentionKernel = {
  name: "backwardQueries",
  text: { software: wgsl.backwardQueriesSoftware, gpu: wgsl.backwardQueriesGpu },
  bindings: [shapeBinding, ...read("q", "k", "v", "out", "dOut", "lse"), ...readWrite("delta", "dq")],
  overflow: "invalidate",
  own: "queries",
};
const BACKWARD_KEYS: AttentionKernel = {
  name: "backwardKeys",
  text: { software: wgsl.backwardKeysSoftware, gpu: wgsl.backwardKeysGpu },
  bindings: [shapeBinding, ...read("q", "k", "v", "dOut", "lse", "delta"), ...readWrite("dk", "dv")],
  overflow: "invalidate",
  own: "keys",
};
const F32_BINDINGS = ["shape", "lse", "delta"];

/** Dimensions that a workgroup of `software` makes. */
const softwareChunk = (headDim: number): number => (headDim <= 32 ? Math.ceil(headDim / 4) * 4 : 16);

/** Writes out the text of a software kernel as attention/forwardSoftware.wgsl says. */
function expandRows(text: string, headDim: number): string {
  const chunk = softwareChunk(headDim);
  const isOneChunk = headDim <= chunk;
  // rows of its own that a thread fetches anew for every step are worth more keys a step
  const times: Record<string, number> = { 4: 4, V: chunk / 4, K: isOneChunk ? 2 : 4 };
  if (isOneChunk) {
    const own = /^ *\/\/ own\n([^]*?)^ *\/\/ end own\n/m;
    text = text
      .replace(/^ *\/\/ own here\n/m, `const d = 0u;\n${own.exec(text)?.[1] ?? ""}`)
      .replace(own, "")
      .replace(/^ *for \(var d = 0u; d < headDim; d \+= CHUNK\) \{\n([^]*?)^ *\} \/\/ dimensions\n/m, "$1")
      .replace(/^ *\/\/ chunk\n[^]*?^ *\/\/ one chunk: (.*\n)/gm, "$1");
  }
  for (const name of ["n", "r", "c"]) {
    text = text.replace(
      new RegExp(String.raw`^ *// (\w) times: ${name}\n([^]*?)^ *// end ${name}\n`, "gm"),
      (_, count: string, body: string) =>
        Array.from({ length: times[count] }, (_, at) => body.replaceAll(`$${name}c`, "xyzw"[at]).replaceAll(`$${name}`, `${at}`)).join(""),
    );
  }
  return `${text}const CHUNK = ${chunk}u;\nconst KEYS = ${times["K"]}u;\n`;
}

function specOf(kernel: AttentionKernel, profile: BaseProfile, headDim: number, storages: KernelStorages): KernelSpec {
  const isGpu = profile === "gpu";
  const text = isGpu ? `${kernel.text.gpu}const WIDTHS = ${Math.ceil(headDim / 32)};\n` : expandRows(kernel.text.software, headDim);
  const stored = kernel.bindings.filter(({ name }) => !F32_BINDINGS.includes(name));
  return withRowAccess(
    { name: `attention.${kernel.name}${isGpu ? "Gpu" : "Software"}`, wgsl: text, bindings: kernel.bindings },
    {
      width: headDim,
      limit: "shape.headDim",
      step: isGpu ? 32 : softwareChunk(headDim),
      plain: F32_BINDINGS,
      storages: Object.fromEntries(stored.map(({ name }) => [name, storages.activations])),
      overflow: kernel.overflow,
    },
  );
}

function call(kernel: AttentionKernel, profile: KernelProfile, shape: AttentionShape, storages: KernelStorages): KernelCall {
  const { batch, sequence, queryHeads, keyHeads, headDim } = shape;
  const base = baseProfile(profile);
  const sizes = new Uint32Array([batch, sequence, queryHeads, keyHeads, headDim, 0]);
  new Float32Array(sizes.buffer)[5] = 1 / Math.sqrt(headDim);
  const rows = kernel.own === "keys" ? sequence : (sequence * queryHeads) / keyHeads;
  const grid =
    base === "gpu"
      ? foldedGrid(batch * keyHeads * Math.ceil(rows / 64))
      : foldedGrid(batch * keyHeads * Math.ceil(rows / 16) * Math.ceil(headDim / softwareChunk(headDim)));
  return { spec: specOf(kernel, base, headDim, storages), constants: {}, sizes, grid };
}

/** Buffers: q, k, v, out, lse (shapes in attention/forwardSoftware.wgsl). */
export const attentionForward = (profile: KernelProfile, shape: AttentionShape, storages = F32_STORAGES): KernelCall =>
  call(FORWARD, profile, shape, storages);

/** Buffers: q, k, v, out, dOut, lse, delta, dq. */
export const attentionBackwardQueries = (profile: KernelProfile, shape: AttentionShape, storages = F32_STORAGES): KernelCall =>
  call(BACKWARD_QUERIES, profile, shape, storages);

/** Runs after `attentionBackwardQueries`. Buffers: q, k, v, dOut, lse, delta, dk, dv. */
export const attentionBackwardKeys = (profile: KernelProfile, shape: AttentionShape, storages = F32_STORAGES): KernelCall =>
  call(BACKWARD_KEYS, profile, shape, storages);

/**
 * Rotates in place; `backward` by the negative angle. Buffers: table from `ropeTable`, q, k, as `storages.activations`: f32 unless
 * four divides headDim. Errors: ShaderError storage.
 */
export function attentionRope(shape: AttentionShape, backward: boolean, { activations }: KernelStorages = F32_STORAGES): KernelCall {
  const rows = shape.batch * shape.sequence;
  const inPairs = shape.headDim % 4 === 0;
  return {
    spec: withStorage(inPairs ? ropePairs : rope, { q: activations, k: activations }, backward ? "invalidate" : "saturate"),
    constants: {
      ROWS: rows,
      SEQUENCE: shape.sequence,
      QUERY_HEADS: shape.queryHeads,
      KEY_HEADS: shape.keyHeads,
      HEAD_DIM: shape.headDim,
      SIGN: backward ? -1 : 1,
    },
    grid: linearGrid((rows * (shape.queryHeads + shape.keyHeads) * shape.headDim) / (inPairs ? 4 : 2), LINEAR_WORKGROUP_SIZE),
  };
}
