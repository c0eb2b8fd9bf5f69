import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device } from "../device/device.ts";

/**
 * What a layer's forward pass leaves for its backward pass; rows M = sequences * tokens. With recomputation `streamIn` alone is the
 * layer's own: the rest is one set that all layers share, and backward fills again.
 */
export interface LayerActivations {
  /** residual stream into the layer (M, hidden) */
  streamIn: GPUBuffer;
  attentionNormed: GPUBuffer; // (M, hidden)
  attentionRstd: GPUBuffer; // (M)
  /** rotated (M, heads * headDim) */
  q: GPUBuffer;
  /** rotated (M, kvHeads * headDim) */
  k: GPUBuffer;
  v: GPUBuffer; // (M, kvHeads * headDim)
  attended: GPUBuffer; // (M, heads * headDim)
  /** log of the softmax's denominator (M, heads) */
  lse: GPUBuffer;
  /** residual stream between attention and MLP (M, hidden) */
  streamMiddle: GPUBuffer;
  mlpNormed: GPUBuffer; // (M, hidden)
  mlpRstd: GPUBuffer; // (M)
  gate: GPUBuffer; // (M, intermediate)
  up: GPUBuffer; // (M, intermediate)
  /** silu(gate) * up (M, intermediate) */
  mixed: GPUBuffer;
}

/** Gradients: one set, shared by all layers, since backward holds one layer at a time. */
export interface GradientScratch {
  stream: GPUBuffer; // (M, hidden)
  normed: GPUBuffer; // (M, hidden)
  attended: GPUBuffer; // (M, heads * headDim)
  delta: GPUBuffer; // (M, heads)
  q: GPUBuffer;
  k: GPUBuffer;
  v: GPUBuffer;
  mixed: GPUBuffer; // (M, intermediate)
  gate: GPUBuffer;
  up: GPUBuffer;
  /** partial sums of a norm weight's gradient */
  normPartials: GPUBuffer;
}

export interface Activations {
  layers: LayerActivations[];
  /** residual stream after the last layer (M, hidden) */
  streamOut: GPUBuffer;
  finalNormed: GPUBuffer; // (M, hidden)
  finalRstd: GPUBuffer; // (M)
  gradients: GradientScratch;
  all: readonly GPUBuffer[];
}

/**
 * Allocates every activation of `rows` tokens once. `normSlices`: rows of `normPartials`. `recomputed`: layers keep their input alone.
 * Errors: DeviceError too-large.
 */
export function allocateActivations(
  device: Device,
  config: LlamaConfig,
  rows: number,
  normSlices: number,
  recomputed = false,
): Activations {
  const all: GPUBuffer[] = [];
  const make = (label: string, columns: number): GPUBuffer => {
    const buffer = device.buffer(label, rows * columns * 4);
    all.push(buffer);
    return buffer;
  };
  const { hiddenSize, intermediateSize, numHeads } = config;
  const queryWidth = numHeads * config.headDim;
  const keyWidth = config.numKvHeads * config.headDim;
  const makeInner = (l: number | "of every layer"): Omit<LayerActivations, "streamIn"> => ({
    attentionNormed: make(`attentionNormed ${l}`, hiddenSize),
    attentionRstd: make(`attentionRstd ${l}`, 1),
    q: make(`q ${l}`, queryWidth),
    k: make(`k ${l}`, keyWidth),
    v: make(`v ${l}`, keyWidth),
    attended: make(`attended ${l}`, queryWidth),
    lse: make(`lse ${l}`, numHeads),
    streamMiddle: make(`streamMiddle ${l}`, hiddenSize),
    mlpNormed: make(`mlpNormed ${l}`, hiddenSize),
    mlpRstd: make(`mlpRstd ${l}`, 1),
    gate: make(`gate ${l}`, intermediateSize),
    up: make(`up ${l}`, intermediateSize),
    mixed: make(`mixed ${l}`, intermediateSize),
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
    normed: make("d normed", hiddenSize),
    attended: make("d attended", queryWidth),
    delta: make("delta", numHeads),
    q: make("d q", queryWidth),
    k: make("d k", keyWidth),
    v: make("d v", keyWidth),
    mixed: make("d mixed", intermediateSize),
    gate: make("d gate", intermediateSize),
    up: make("d up", intermediateSize),
    normPartials,
  };
  return {
    layers,
    streamOut: make("streamOut", hiddenSize),
    finalNormed: make("finalNormed", hiddenSize),
    finalRstd: make("finalRstd", 1),
    gradients,
    all,
  };
}
