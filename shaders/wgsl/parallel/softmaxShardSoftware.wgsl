// What one device's columns of the logits say of each row's softmax:
//   parts[SHARD, 0, m] = max over v of logits[m, v]
//   parts[SHARD, 1, m] = sum over v of exp(logits[m, v] - that maximum)
//   parts[SHARD, 2, m] = logits[m, target - FIRST] where the target is one of these columns, else 0
// logits (ROWS, VOCABULARY): columns FIRST to FIRST + VOCABULARY - 1 of the whole; targets (ROWS) i32 of the whole vocabulary;
// parts (shards, 3, ROWS): this device's third overwritten. A thread a row. Grid: linear over ROWS.
override ROWS: u32;
override VOCABULARY: u32;
override FIRST: i32;
override SHARD: u32;
@group(0) @binding(0) var<storage, read> targets: array<i32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * VOCABULARY;
  var largest = logits[base];
  var sum = 0.0;
  for (var v = 0u; v < VOCABULARY; v++) {
    let next = max(largest, logits[base + v]);
    sum = sum * exp(largest - next) + exp(logits[base + v] - next);
    largest = next;
  }
  let at = SHARD * 3u * ROWS + row;
  let column = targets[row] - FIRST;
  parts[at] = largest;
  parts[at + ROWS] = sum;
  parts[at + 2u * ROWS] = 0.0;
  if (column >= 0 && column < i32(VOCABULARY)) { parts[at + 2u * ROWS] = logits[base + u32(column)]; }
}
