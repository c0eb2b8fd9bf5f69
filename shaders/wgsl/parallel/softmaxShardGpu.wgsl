// The contract of parallel/softmaxShardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override VOCABULARY: u32;
override FIRST: i32;
override SHARD: u32;
@group(0) @binding(0) var<storage, read> targets: array<i32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<f32>;

// with reduce/tree.wgsl

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= ROWS) { return; }
  let base = row * VOCABULARY;
  var largest = logits[base];
  for (var v = thread; v < VOCABULARY; v += WORKGROUP_SIZE) { largest = max(largest, logits[base + v]); }
  largest = workgroupMax(largest, thread);
  var sum = 0.0;
  for (var v = thread; v < VOCABULARY; v += WORKGROUP_SIZE) { sum += exp(logits[base + v] - largest); }
  sum = workgroupSum(sum, thread);
  if (thread != 0u) { return; }
  let at = SHARD * 3u * ROWS + row;
  let column = targets[row] - FIRST;
  parts[at] = largest;
  parts[at + ROWS] = sum;
  parts[at + 2u * ROWS] = 0.0;
  if (column >= 0 && column < i32(VOCABULARY)) { parts[at + 2u * ROWS] = logits[base + u32(column)]; }
}
