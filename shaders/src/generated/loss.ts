// Generated from shaders/wgsl/loss by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  crossEntropyGpu: `// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
// logits[m, v] := scale * (softmax(logits[m])[v] - [v = label])        (only when BACKWARD)
// The contract of loss/crossEntropySoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override VOCABULARY: u32;
override BACKWARD: bool;
struct Scales { gradient: f32 }
@group(0) @binding(0) var<uniform> scales: Scales;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>; // storage: logits
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

// with reduce/tree.wgsl or reduce/subgroups.wgsl

const LOWEST = -3.4e38; // finite: the difference of two infinities would be NaN

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= ROWS) { return; }
  let base = row * VOCABULARY;
  let label = targets[row];
  let counted = label >= 0;
  // barriers want uniform control flow, so a row that does not count goes through the motions
  var largest = LOWEST;
  var sum = vec4<f32>();
  let hit = load_logits(base, u32(max(label, 0)) / 4u * 4u)[u32(max(label, 0)) % 4u];
  for (var v = thread * 4u; v < VOCABULARY; v += WORKGROUP_SIZE * 4u) {
    let columns = vec4(v, v + 1u, v + 2u, v + 3u);
    let x = select(vec4(LOWEST), load_logits(base, v), columns < vec4(VOCABULARY));
    let next = max(largest, max(max(x.x, x.y), max(x.z, x.w)));
    sum = sum * exp(largest - next) + exp(x - next);
    largest = next;
  }
  let overall = workgroupMax(largest, thread);
  let total = workgroupSum(((sum.x + sum.y) + (sum.z + sum.w)) * exp(largest - overall), thread);
  if (thread == 0u) { losses[row] = select(0.0, log(total) + (overall - hit), counted); }
  if (BACKWARD) {
    storageBarrier(); // all have read the label's logit
    let factor = scales.gradient / total;
    for (var v = thread * 4u; v < VOCABULARY; v += WORKGROUP_SIZE * 4u) {
      let own = vec4<i32>(vec4(v, v + 1u, v + 2u, v + 3u)) == vec4(label);
      let slope = factor * exp(load_logits(base, v) - overall) - select(vec4<f32>(), vec4(scales.gradient), own);
      store_logits(base, v, select(vec4<f32>(), slope, counted));
    }
  }
}
`,
  crossEntropySoftware: `// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
// logits[m, v] := scale * (softmax(logits[m])[v] - [v = label])        (only when BACKWARD)
// A label below 0 counts for nothing: loss 0 and, when BACKWARD, a row of zeros. The gradient replaces the logits, so that
// rows x vocabulary exists once. logits (ROWS, VOCABULARY), targets (ROWS) i32, losses (ROWS): overwritten.
// A thread a row: a pass for the maximum, one for the sum, one for the gradient. Grid: linear over ROWS.
override ROWS: u32;
override VOCABULARY: u32;
override BACKWARD: bool;
struct Scales { gradient: f32 }
@group(0) @binding(0) var<uniform> scales: Scales;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>; // storage: logits
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

const LOWEST = -3.4e38; // finite: the difference of two infinities would be NaN
override WHOLE = VOCABULARY / 4u * 4u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * VOCABULARY;
  let label = targets[row];
  if (label < 0) {
    losses[row] = 0.0;
    if (BACKWARD) {
      for (var v = 0u; v < VOCABULARY; v += 4u) { store_logits(base, v, vec4<f32>()); }
    }
    return;
  }
  var most = vec4(LOWEST);
  for (var v = 0u; v < WHOLE; v += 4u) { most = max(most, load_logits(base, v)); }
  for (var v = WHOLE; v < VOCABULARY; v++) { most.x = max(most.x, one(base, v)); }
  let largest = max(max(most.x, most.y), max(most.z, most.w));
  var sums = vec4<f32>();
  for (var v = 0u; v < WHOLE; v += 4u) { sums += exp(load_logits(base, v) - largest); }
  for (var v = WHOLE; v < VOCABULARY; v++) { sums.x += exp(one(base, v) - largest); }
  let sum = (sums.x + sums.y) + (sums.z + sums.w);
  let hit = u32(label);
  losses[row] = log(sum) + (largest - one(base, hit));
  if (BACKWARD) {
    let factor = scales.gradient / sum;
    for (var v = 0u; v < VOCABULARY; v += 4u) { store_logits(base, v, factor * exp(load_logits(base, v) - largest)); }
    let at = hit / 4u * 4u;
    store_logits(base, at, load_logits(base, at) - select(vec4<f32>(), vec4(scales.gradient), vec4(at, at + 1u, at + 2u, at + 3u) == vec4(hit)));
  }
}

fn one(base: u32, v: u32) -> f32 { return load_logits(base, v / 4u * 4u)[v % 4u]; }
`,
  sum: `// sums[slot] = sum over m of losses[m], in a fixed order; slot comes from the uniform, one for each micro-batch of a step.
// losses (ROWS). One thread: ROWS additions are nothing beside the step, and the order is plain. Grid: [1, 1, 1].
override ROWS: u32;
struct Slot { index: u32 }
@group(0) @binding(0) var<uniform> slot: Slot;
@group(0) @binding(1) var<storage, read> losses: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(1)
fn main() {
  // four running sums: less rounding than one, and no chain of dependent additions
  var sum = vec4<f32>();
  let whole = ROWS / 4u * 4u;
  for (var m = 0u; m < whole; m += 4u) { sum += vec4(losses[m], losses[m + 1u], losses[m + 2u], losses[m + 3u]); }
  for (var m = whole; m < ROWS; m++) { sum.x += losses[m]; }
  sums[slot.index] = (sum.x + sum.y) + (sum.z + sum.w);
}
`,
} as const;
