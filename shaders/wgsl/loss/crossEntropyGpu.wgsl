// loss[m] = log(sum over v of exp(logits[m, v])) - logits[m, label]
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
