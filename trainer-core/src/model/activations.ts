import type { LlamaConfig } from "@starling/config/llamaConfig";
import { storageBytes, type Storage } from "@starling/shaders/kernels/storage";
import type { Device } from "../device/device.ts";
import type { Tensor } from "./tensor.ts";

/**
 * What a layer's forward pass leaves for its backward pass; rows M = sequences * tokens. With recomputation `streamIn` alone is the
 * layer's own: the rest is one set that all layers share, and backward fills again. Residual streams and statistics are f32; what is a
 * Tensor is stored as the plan has its activations.
 */
export interface LayerActivations {
  /** residual stream into the layer (M, hidden) */
  streamIn: GPUBuffer;
  attentionNormed: Tensor; // (M, hidden)
  attentionRstd: GPUBuffer; // (M)
  /** rotated (M, heads * headDim) */
  q: Tensor;
  /** rotated (M, kvHeads * headDim) */
  k: Tensor;
  v: Tensor; // (M, kvHeads * headDim)
  attended: Tensor; // (M, heads * headDim)
  /** log of the softmax's denominator (M, heads) */
  lse: GPUBuffer;
  /** residual stream between attention and MLP (M, hidden) */
  streamMiddle: GPUBuffer;
  mlpNormed: Tensor; // (M, hidden)
  mlpRstd: GPUBuffer; // (M)
  gate: Tensor; // (M, intermediate)
  up: Tensor; // (M, intermediate)
  /** silu(gate) * up (M, intermediate) */
  mixed: Tensor;
}

/** Gradients: one set, shared by all layers, since backward holds one layer at a time; stored as the activations are. */
export interface GradientScratch {
  stream: GPUBuffer; // (M, hidden)
  normed: Tensor; // (M, hidden)
  attended: Tensor; // (M, heads * headDim)
  delta: GPUBuffer; // (M, heads)
  q: Tensor;
  k: Tensor;
  v: Tensor;
  mixed: Tensor; // (M, intermediate)
  gate: Tensor;
  up: Tensor;
  /** partial sums of a norm weight's gradient */
  normPartials: GPUBuffer;
}

export interface Activations {
  layers: LayerActivations[];
  /** residual stream after the last layer (M, hidden) */
  streamOut: GPUBuffer;
  finalNormed: Tensor; // (M, hidden)
  finalRstd: GPUBuffer; // (M)
  gradients: GradientScratch;
  all: readonly GPUBuffer[];
}

/**
 * Allocates every activation of `rows` tokens once. `normSlices`: rows of `normPartials`. `recomputed`: layers keep their input alone.
 * `storage`: of all that is a Tensor. Errors: DeviceError too-large.
 */
export function allocateActivations(
  device: Device,
  config: LlamaConfig,
  rows: number,
  normSlices: number,
  recomputed = false,
  storage: Storage = "f32",
): Activations {
  const all: GPUBuffer[] = [];
  const make = (label: string, columns: number): GPUBuffer => {
    const buffer = device.buffer(label, rows * columns * 4);
    all.push(buffer);
    return buffer;
  };
  const makeTensor = (label: string, columns: number): Tensor => {
    const buffer = device.buffer(label, storageBytes(storage, rows * columns));
    all.push(buffer);
    return { buffer, storage };
  };
  const { hiddenSize, intermediateSize, numHeads } = config;
  const queryWidth = numHeads * config.headDim;
  const keyWidth = config.numKvHeads * config.headDim;
  const makeInner = (l: number | "of every layer"): Omit<LayerActivations, "streamIn"> => ({
    attentionNormed: makeTensor(`attentionNormed ${l}`, hiddenSize),
    attentionRstd: make(`attentionRstd ${l}`, 1),
    q: makeTensor(`q ${l}`, queryWidth),
    k: makeTensor(`k ${l}`, keyWidth),
    v: makeTensor(`v ${l}`, keyWidth),
    attended: makeTensor(`attended ${l}`, queryWidth),
    lse: make(`lse ${l}`, numHeads),
    streamMiddle: make(`streamMiddle ${l}`, hiddenSize),
    mlpNormed: makeTensor(`mlpNormed ${l}`, hiddenSize),
    mlpRstd: make(`mlpRstd ${l}`, 1),
    gate: makeTensor(`gate ${l}`, intermediateSize),
    up: makeTensor(`up ${l}`, intermediateSize),
    mixed: makeTensor(`mixed ${l}`, intermediateSize),
  });
  const shared = recomputed ? makeInner("of every layer") : null;
  const layers = Array.from({ length: config.numLayers }, (_, l): LayerActivations => ({
    streamIn: make(`streamIn ${l}`, hiddenSize),
    ...(shared ?? makeInner(l)),
  }));
  const normPartials = device.buffer("d normPartials", normSlices * hiddenSize * 4);
  all.push(normPartials);
  const gradients: GradientScratch = {
    stream: make("d stream", hiddenSize),
    normed: makeTensor("d normed", hiddenSize),
    attended: makeTensor("d attended", queryWidth),
    delta: make("delta", numHeads),
    q: makeTensor("d q", queryWidth),
    k: makeTensor("d k", keyWidth),
    v: makeTensor("d v", keyWidth),
    mixed: makeTensor("d mixed", intermediateSize),
    gate: makeTensor("d gate", intermediateSize),
    up: makeTensor("d up", intermediateSize),
    normPartials,
  };
  return {
    layers,
    streamOut: make("streamOut", hiddenSize),
    finalNormed: makeTensor("finalNormed", hiddenSize),
    finalRstd: make("finalRstd", 1),
    gradients,
    all,
  };
}
