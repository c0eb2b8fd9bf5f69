// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
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

// #include "prelude/linearIndex.wgsl"

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
