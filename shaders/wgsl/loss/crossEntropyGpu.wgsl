// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
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

// #include "prelude/workgroupSum.wgsl"

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
