// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
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

// #include "prelude/linearIndex.wgsl"

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
