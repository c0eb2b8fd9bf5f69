// Generated from shaders/wgsl/parallel by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  accumulate: `// y += x; x, y (COUNT). Grid: linear over COUNT.
override COUNT: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at < COUNT) { y[at] += x[at]; }
}
`,
  copyColumns: `// destination[r, destinationFirst + c] = or += source[r, sourceFirst + c]        r below rows, c below columns
// Cuts a slice out of a tensor, or puts it back: a range of columns of a matrix, or of rows (then it is one row of all their elements).
// source (rows, sourcePitch), destination (rows, destinationPitch). Grid: linear over rows * columns.
struct Sizes {
  rows: u32,
  columns: u32,
  sourcePitch: u32,
  sourceFirst: u32,
  destinationPitch: u32,
  destinationFirst: u32,
  add: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= sizes.rows * sizes.columns) { return; }
  let row = at / sizes.columns;
  let column = at % sizes.columns;
  let value = source[row * sizes.sourcePitch + sizes.sourceFirst + column];
  let to = row * sizes.destinationPitch + sizes.destinationFirst + column;
  if (sizes.add == 0u) { destination[to] = value; } else { destination[to] += value; }
}
`,
  gatherShard: `// y[m, c] = table[tokens[m], c], or 0 where tokens[m] is below 0: another device has that row
// tokens (ROWS) i32, counted from the shard's first row; table (shard's rows, WIDTH), y (ROWS, WIDTH): overwritten.
// Grid: linear over ROWS*WIDTH.
override ROWS: u32;
override WIDTH: u32;
@group(0) @binding(0) var<storage, read> tokens: array<i32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * WIDTH) { return; }
  let token = tokens[at / WIDTH];
  y[at] = 0.0;
  if (token >= 0) { y[at] = table[u32(token) * WIDTH + at % WIDTH]; }
}
`,
  logitGradient: `// logits[m, v] := scale * (exp(logits[m, v] - lse[m]) - [FIRST + v = target])        0 where the target is below 0
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

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * VOCABULARY) { return; }
  let row = at / VOCABULARY;
  let label = targets[row];
  let isHit = i32(at % VOCABULARY) + FIRST == label;
  logits[at] = select(0.0, scales.gradient * (exp(logits[at] - lse[row]) - select(0.0, 1.0, isHit)), label >= 0);
}
`,
  lossOfShards: `// The loss of each row from all devices' parts of its softmax (parallel/softmaxShardSoftware.wgsl), in the order of the shards:
//   lse[m] = log(sum over all v of exp(logits[m, v]))         losses[m] = lse[m] - logits[m, target], 0 where the target is below 0
// parts (SHARDS, 3, ROWS), targets (ROWS) i32, lse and losses (ROWS): overwritten. Grid: linear over ROWS.
override ROWS: u32;
override SHARDS: u32;
@group(0) @binding(0) var<storage, read> targets: array<i32>;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;
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
`,
  softmaxShardGpu: `// The contract of parallel/softmaxShardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
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
`,
  softmaxShardSoftware: `// What one device's columns of the logits say of each row's softmax:
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
`,
  sum: `// y = a + b; a, b, y (COUNT): overwritten. Grid: linear over COUNT.
override COUNT: u32;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at < COUNT) { y[at] = a[at] + b[at]; }
}
`,
} as const;
