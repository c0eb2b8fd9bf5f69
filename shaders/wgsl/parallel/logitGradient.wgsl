// logits[m, v] := scale * (exp(logits[m, v] - lse[m]) - [FIRST + v = target])        0 where the target is below 0
// For a device's columns of the logits, once lossOfShards.wgsl has found lse over all of them. logits (ROWS, VOCABULARY), lse (ROWS),
// targets (ROWS) i32 of the whole vocabulary. Grid: linear over ROWS*VOCABULARY.
override ROWS: u32;
override VOCABULARY: u32;
override FIRST: i32;
struct Scales { gradient: f32 }
@group(0) @binding(0) var<uniform> scales: Scales;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * VOCABULARY) { return; }
  let row = at / VOCABULARY;
  let label = targets[row];
  let isHit = i32(at % VOCABULARY) + FIRST == label;
  logits[at] = select(0.0, scales.gradient * (exp(logits[at] - lse[row]) - select(0.0, 1.0, isHit)), label >= 0);
}
