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
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

const WORKGROUP_SIZE = 128u;
var<workgroup> partials: array<f32, 128>;
// The workgroup's sum in a fixed order, to every thread. Call in uniform control flow.
fn workgroupSum(value: f32, thread: u32) -> f32 {
  workgroupBarrier(); // a previous result may still be being read
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] += partials[thread + half]; }
  }
  return workgroupUniformLoad(&partials[0]);
}

fn workgroupMax(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] = max(partials[thread], partials[thread + half]); }
  }
  return workgroupUniformLoad(&partials[0]);
}

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
  let hit = base + u32(max(label, 0));
  // barriers want uniform control flow, so a row that does not count goes through the motions
  var largest = logits[base];
  for (var v = thread; v < VOCABULARY; v += WORKGROUP_SIZE) { largest = max(largest, logits[base + v]); }
  largest = workgroupMax(largest, thread);
  var sum = 0.0;
  for (var v = thread; v < VOCABULARY; v += WORKGROUP_SIZE) { sum += exp(logits[base + v] - largest); }
  sum = workgroupSum(sum, thread);
  if (thread == 0u) { losses[row] = select(0.0, log(sum) + (largest - logits[hit]), counted); }
  if (BACKWARD) {
    storageBarrier(); // the loss has read its logit
    let factor = select(0.0, scales.gradient / sum, counted);
    for (var v = thread; v < VOCABULARY; v += WORKGROUP_SIZE) {
      let at = base + v;
      let p = factor * exp(logits[at] - largest);
      logits[at] = select(0.0, p - select(0.0, scales.gradient, at == hit), counted);
    }
  }
}
`,
  crossEntropySoftware: `// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
// logits[m, v] := scale * (softmax(logits[m])[v] - [v = label])        (only when BACKWARD)
// A label below 0 counts for nothing: loss 0 and, when BACKWARD, a row of zeros. The gradient replaces the logits, so that
// rows x vocabulary exists once. logits (ROWS, VOCABULARY), targets (ROWS) i32, losses (ROWS): overwritten.
// A thread a row, one pass for the maximum and the sum together, one for the gradient. Grid: linear over ROWS.
override ROWS: u32;
override VOCABULARY: u32;
override BACKWARD: bool;
struct Scales { gradient: f32 }
@group(0) @binding(0) var<uniform> scales: Scales;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * VOCABULARY;
  let label = targets[row];
  if (label < 0) {
    losses[row] = 0.0;
    if (BACKWARD) {
      for (var v = 0u; v < VOCABULARY; v++) { logits[base + v] = 0.0; }
    }
    return;
  }
  let whole = VOCABULARY / 4u * 4u;
  var largest = logits[base];
  var sum = 0.0;
  for (var v = 0u; v < whole; v += 4u) {
    let at = base + v;
    let x = vec4(logits[at], logits[at + 1u], logits[at + 2u], logits[at + 3u]);
    let next = max(largest, max(max(x.x, x.y), max(x.z, x.w)));
    sum = sum * exp(largest - next) + dot(exp(x - next), vec4(1.0));
    largest = next;
  }
  for (var v = whole; v < VOCABULARY; v++) {
    let next = max(largest, logits[base + v]);
    sum = sum * exp(largest - next) + exp(logits[base + v] - next);
    largest = next;
  }
  let hit = base + u32(label);
  losses[row] = log(sum) + (largest - logits[hit]);
  if (BACKWARD) {
    let factor = scales.gradient / sum;
    for (var v = 0u; v < whole; v += 4u) {
      let at = base + v;
      let p = factor * exp(vec4(logits[at], logits[at + 1u], logits[at + 2u], logits[at + 3u]) - largest);
      logits[at] = p.x;
      logits[at + 1u] = p.y;
      logits[at + 2u] = p.z;
      logits[at + 3u] = p.w;
    }
    for (var v = whole; v < VOCABULARY; v++) { logits[base + v] = factor * exp(logits[base + v] - largest); }
    logits[hit] -= scales.gradient;
  }
}
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
