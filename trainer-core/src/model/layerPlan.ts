/**
 * The parts of a Llama's layer as dispatches, forward and backward. A part that ends in a sum over features (what leaves the
 * attention, the MLP, and the gradients of what entered them) ends a function, so that a model whose features are split over
 * several devices can add up the shares in between.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { KernelProfile } from "@starling/shaders";
import {
  attentionBackwardKeys,
  attentionBackwardQueries,
  attentionForward,
  attentionRope,
  type AttentionShape,
} from "@starling/shaders/kernels/attention";
import { swigluBackward, swigluForward } from "@starling/shaders/kernels/mlp";
import type { KernelStorages } from "@starling/shaders/kernels/storage";
import { normBackward, normForward, normSumSlices, normWeightGradient } from "@starling/shaders/kernels/norm";
import type { GradientScratch, LayerActivations } from "./activations.ts";
import type { DispatchListBuilder } from "./dispatchList.ts";
import type { Bound } from "./tensor.ts";

/** Where a layer's dispatches go and what they read; the heads and widths of `config` are this device's own. */
export interface LayerScope {
  list: DispatchListBuilder;
  profile: KernelProfile;
  config: LlamaConfig;
  /** sequences * tokens */
  rows: number;
  attention: AttentionShape;
  ropeTable: GPUBuffer;
  /** of activations and their gradients, and of what `weight` gives */
  storages: KernelStorages;
  /** the device has subgroups: rows are summed by them */
  subgroups: boolean;
  /** elements from one row of down_proj to the next, where `config`'s width is the first part of a wider model's */
  downPitch?: number;
  weight(name: string): Bound;
  gradient(name: string): Bound;
}

/** The name of a layer's tensor, as Hugging Face has it. */
export function layerWeight(layer: number, part: string): string {
  return `model.layers.${layer}.${part}.weight`;
}

/** y = norm(x) * weight; leaves 1 / rms of each row in `rstd`. */
export function addNormForward(scope: LayerScope, name: string, x: Bound, y: Bound, rstd: Bound): void {
  const { list, profile, rows, config, storages, subgroups, weight } = scope;
  list.call(normForward(profile, rows, config.hiddenSize, config.rmsNormEps, storages, subgroups), x, weight(name), y, rstd);
}

/** `d.normed` holds the gradient of the norm's output; that of its input goes to `d.stream`, or is added to it. */
export function addNormBackward(
  { list, profile, rows, config, storages, subgroups, weight, gradient }: LayerScope,
  d: GradientScratch,
  name: string,
  x: Bound,
  rstd: Bound,
  accumulate: boolean,
): void {
  const hidden = config.hiddenSize;
  list.call(normWeightGradient(rows, hidden, storages), d.normed, x, rstd, d.normPartials);
  list.call(normSumSlices(rows, hidden), d.normPartials, gradient(name));
  list.call(normBackward(profile, rows, hidden, accumulate, storages, subgroups), d.normed, x, weight(name), rstd, d.stream);
}

/** streamIn -> streamMiddle. `residual` false: leaves the attention's share alone there. */
export function addAttentionForward(scope: LayerScope, l: number, layer: LayerActivations, residual = true): void {
  const { list, profile, rows, config, weight, attention, ropeTable } = scope;
  const hidden = config.hiddenSize;
  const queryWidth = config.numHeads * config.headDim;
  const keyWidth = config.numKvHeads * config.headDim;
  const project = (part: string, width: number, y: Bound) =>
    list.matmul("forward", "overwrite", [rows, width, hidden], layer.attentionNormed, weight(layerWeight(l, part)), y);
  addNormForward(scope, layerWeight(l, "input_layernorm"), layer.streamIn, layer.attentionNormed, layer.attentionRstd);
  project("self_attn.q_proj", queryWidth, layer.q);
  project("self_attn.k_proj", keyWidth, layer.k);
  project("self_attn.v_proj", keyWidth, layer.v);
  list.call(attentionRope(attention, false, scope.storages), ropeTable, layer.q, layer.k);
  list.call(attentionForward(profile, attention, scope.storages), layer.q, layer.k, layer.v, layer.attended, layer.lse);
  const out = weight(layerWeight(l, "self_attn.o_proj"));
  const sizes = [rows, hidden, queryWidth] as const;
  if (residual) list.matmul("forward", "residual", sizes, layer.attended, out, layer.streamMiddle, layer.streamIn);
  else list.matmul("forward", "overwrite", sizes, layer.attended, out, layer.streamMiddle);
}

/** streamMiddle -> mixed: the MLP up to what its last product reads. */
export function addMlpHidden(scope: LayerScope, l: number, layer: LayerActivations): void {
  const { list, rows, config, weight } = scope;
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  addNormForward(scope, layerWeight(l, "post_attention_layernorm"), layer.streamMiddle, layer.mlpNormed, layer.mlpRstd);
  list.matmul("forward", "overwrite", [rows, intermediate, hidden], layer.mlpNormed, weight(layerWeight(l, "mlp.gate_proj")), layer.gate);
  list.matmul("forward", "overwrite", [rows, intermediate, hidden], layer.mlpNormed, weight(layerWeight(l, "mlp.up_proj")), layer.up);
  list.call(swigluForward(rows * intermediate, scope.storages), layer.gate, layer.up, layer.mixed);
}

/** streamMiddle -> `streamOut`. `residual` false: leaves the MLP's share alone there. */
export function addMlpForward(scope: LayerScope, l: number, layer: LayerActivations, streamOut: Bound, residual = true): void {
  const { list, rows, config, weight } = scope;
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  addMlpHidden(scope, l, layer);
  const down = weight(layerWeight(l, "mlp.down_proj"));
  const sizes = [rows, hidden, intermediate] as const;
  const pitches = { b: scope.downPitch };
  if (residual) list.matmul("forward", "residual", sizes, layer.mixed, down, streamOut, layer.streamMiddle, { pitches });
  else list.matmul("forward", "overwrite", sizes, layer.mixed, down, streamOut, null, { pitches });
}

/** From `d.stream` to `d.normed`, the gradient of what the MLP's norm gave; and its weights' gradients. */
export function addMlpBackward(scope: LayerScope, l: number, layer: LayerActivations, d: GradientScratch): void {
  const { list, rows, config } = scope;
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  const down = layerWeight(l, "mlp.down_proj");
  addLinearBackward(scope, down, hidden, intermediate, d.stream, layer.mixed, d.mixed, "overwrite", scope.downPitch);
  list.call(swigluBackward(rows * intermediate, scope.storages), d.mixed, layer.gate, layer.up, d.gate, d.up);
  addLinearBackward(scope, layerWeight(l, "mlp.gate_proj"), intermediate, hidden, d.gate, layer.mlpNormed, d.normed, "overwrite");
  addLinearBackward(scope, layerWeight(l, "mlp.up_proj"), intermediate, hidden, d.up, layer.mlpNormed, d.normed, "add");
}

/** From `d.stream` to `d.normed`, the gradient of what the attention's norm gave; and its weights' gradients. */
export function addAttentionBackward(scope: LayerScope, l: number, layer: LayerActivations, d: GradientScratch): void {
  const { list, profile, config, attention, ropeTable } = scope;
  const hidden = config.hiddenSize;
  const queryWidth = config.numHeads * config.headDim;
  const keyWidth = config.numKvHeads * config.headDim;
  const { q, k, v, attended, lse, attentionNormed } = layer;
  addLinearBackward(scope, layerWeight(l, "self_attn.o_proj"), hidden, queryWidth, d.stream, attended, d.attended, "overwrite");
  list.call(attentionBackwardQueries(profile, attention, scope.storages), q, k, v, attended, d.attended, lse, d.delta, d.q);
  list.call(attentionBackwardKeys(profile, attention, scope.storages), q, k, v, d.attended, lse, d.delta, d.k, d.v);
  list.call(attentionRope(attention, true, scope.storages), ropeTable, d.q, d.k);
  addLinearBackward(scope, layerWeight(l, "self_attn.q_proj"), queryWidth, hidden, d.q, attentionNormed, d.normed, "overwrite");
  addLinearBackward(scope, layerWeight(l, "self_attn.k_proj"), keyWidth, hidden, d.k, attentionNormed, d.normed, "add");
  addLinearBackward(scope, layerWeight(l, "self_attn.v_proj"), keyWidth, hidden, d.v, attentionNormed, d.normed, "add");
}

/** Backward of y = x W^T: dx and dW from dy, with W (n, k), whose rows are `pitch` apart. */
function addLinearBackward(
  { list, rows, weight, gradient }: LayerScope,
  name: string,
  n: number,
  k: number,
  dy: Bound,
  x: Bound,
  dx: Bound,
  store: "overwrite" | "add",
  pitch?: number,
): void {
  list.matmul("inputGradient", store, [rows, n, k], dy, weight(name), dx, null, { pitches: { b: pitch } });
  list.matmul("weightGradient", "add", [rows, n, k], dy, x, gradient(name), null, { pitches: { c: pitch } });
}
