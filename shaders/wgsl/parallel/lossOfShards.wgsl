// The loss of each row from all devices' parts of its softmax (parallel/softmaxShardSoftware.wgsl), in the order of the shards:
//   lse[m] = log(sum over all v of exp(logits[m, v]))         losses[m] = lse[m] - logits[m, target], 0 where the target is below 0
// parts (SHARDS, 3, ROWS), targets (ROWS) i32, lse and losses (ROWS): overwritten. Grid: linear over ROWS.
override ROWS: u32;
override SHARDS: u32;
@group(0) @binding(0) var<storage, read> targets: array<i32>;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  var largest = parts[row];
  for (var s = 1u; s < SHARDS; s++) { largest = max(largest, parts[s * 3u * ROWS + row]); }
  var sum = 0.0;
  var hit = 0.0;
  for (var s = 0u; s < SHARDS; s++) {
    let at = s * 3u * ROWS + row;
    sum += parts[at + ROWS] * exp(parts[at] - largest);
    hit += parts[at + 2u * ROWS];
  }
  lse[row] = log(sum) + largest;
  losses[row] = 0.0;
  if (targets[row] >= 0) { losses[row] = log(sum) + (largest - hit); }
}
