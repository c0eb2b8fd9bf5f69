// Generated from shaders/wgsl/generate by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  appendCache: `// Rotates the queries and keys of ROWS new tokens, which stand at positions step.position, step.position + 1, ..., and puts keys and
// values behind those that are cached:   q' = rope(q),  keys[position + r] = rope(k[r]),  values[position + r] = v[r]
// rope as in attention/rope.wgsl, half-split. table (2, positions, headDim/2): cos, then sin. q (rows, queryHeads*headDim): in place;
// k, v (rows, keyHeads*headDim); keys, values (positions, keyHeads*headDim), position + rows <= positions.
// Grid: linear over rows*(queryHeads + keyHeads)*headDim/2.
struct Shape { rows: u32, queryHeads: u32, keyHeads: u32, headDim: u32, positions: u32 }
struct Step { position: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;
@group(0) @binding(4) var<storage, read> k: array<f32>;
@group(0) @binding(5) var<storage, read> v: array<f32>;
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;
@group(0) @binding(7) var<storage, read_write> values: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = shape.headDim / 2u;
  let heads = shape.queryHeads + shape.keyHeads;
  if (at >= shape.rows * heads * half) { return; }
  let i = at % half;
  let head = at / half % heads;
  let row = at / half / heads;
  let position = step.position + row;
  let angle = position * half + i;
  let cosine = table[angle];
  let sine = table[shape.positions * half + angle];
  if (head < shape.queryHeads) {
    let p = (row * shape.queryHeads + head) * shape.headDim + i;
    let u = q[p];
    let w = q[p + half];
    q[p] = u * cosine - w * sine;
    q[p + half] = w * cosine + u * sine;
  } else {
    let source = (row * shape.keyHeads + head - shape.queryHeads) * shape.headDim + i;
    let to = (position * shape.keyHeads + head - shape.queryHeads) * shape.headDim + i;
    let u = k[source];
    let w = k[source + half];
    keys[to] = u * cosine - w * sine;
    keys[to + half] = w * cosine + u * sine;
    values[to] = v[source];
    values[to + half] = v[source + half];
  }
}
`,
  attendGpu: `// out[r, h] = sum over j <= position + r of p[j] * values[j, g],  p = softmax of q[r, h] . keys[j, g] * scale,  g = h / (queryHeads/keyHeads)
// The contract of generate/attendSoftware.wgsl, a workgroup of 64 threads a row, head and 64 dimensions: each thread scores one key of a
// block of 64, then adds up one dimension over the block. Grid: folded rows*queryHeads*ceil(headDim/64) workgroups.
struct Shape { rows: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32 }
struct Step { position: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> keys: array<f32>;
@group(0) @binding(4) var<storage, read> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

const THREADS = 64u;
const MASKED = -1e30; // finite: the difference of two infinities would be NaN
var<workgroup> scores: array<f32, 64>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let headDim = shape.headDim;
  let chunks = (headDim + THREADS - 1u) / THREADS;
  let item = group.x + group.y * groups.x;
  if (item >= shape.rows * shape.queryHeads * chunks) { return; }
  let dim = item % chunks * THREADS + thread;
  let head = item / chunks % shape.queryHeads;
  let row = item / chunks / shape.queryHeads;
  let last = step.position + row;
  let width = shape.keyHeads * headDim;
  let own = head / (shape.queryHeads / shape.keyHeads) * headDim;
  let query = (row * shape.queryHeads + head) * headDim;
  var largest = MASKED;
  var sum = 0.0;
  var value = 0.0;
  for (var block = 0u; block <= last; block += THREADS) {
    let j = block + thread;
    var score = MASKED;
    if (j <= last) {
      score = 0.0;
      for (var d = 0u; d < headDim; d++) { score += q[query + d] * keys[j * width + own + d]; }
      score *= shape.scale;
    }
    workgroupBarrier(); // the block before may still be being read
    scores[thread] = score;
    workgroupBarrier();
    // every thread adds up the same block in the same order: cheaper than a reduction, and exact between dimensions
    let count = min(THREADS, last + 1u - block);
    var next = largest;
    for (var i = 0u; i < count; i++) { next = max(next, scores[i]); }
    let earlier = exp(largest - next);
    largest = next;
    sum *= earlier;
    value *= earlier;
    for (var i = 0u; i < count; i++) {
      let p = exp(scores[i] - next);
      sum += p;
      if (dim < headDim) { value += p * values[(block + i) * width + own + dim]; }
    }
  }
  if (dim < headDim) { out[query + dim] = value / sum; }
}
`,
  attendSoftware: `// out[r, h] = sum over j <= position + r of p[j] * values[j, g],  p = softmax of q[r, h] . keys[j, g] * scale,  g = h / (queryHeads/keyHeads)
// q, out (rows, queryHeads*headDim), rotated; out is overwritten. keys, values (positions, keyHeads*headDim) as generate/appendCache.wgsl
// leaves them. Any headDim. A thread makes 16 dimensions of one head (scores are computed again for every further 16), keys four at a
// time; no barriers. Grid: linear over rows*queryHeads*ceil(headDim/16).
struct Shape { rows: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32 }
struct Step { position: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> keys: array<f32>;
@group(0) @binding(4) var<storage, read> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let headDim = shape.headDim;
  let chunks = (headDim + 15u) / 16u;
  let item = linearIndex(id, groups);
  if (item >= shape.rows * shape.queryHeads * chunks) { return; }
  let first = item % chunks * 16u;
  let dims = min(16u, headDim - first);
  let head = item / chunks % shape.queryHeads;
  let row = item / chunks / shape.queryHeads;
  let last = step.position + row;
  let width = shape.keyHeads * headDim;
  let own = head / (shape.queryHeads / shape.keyHeads) * headDim;
  let query = (row * shape.queryHeads + head) * headDim;
  var largest = MASKED;
  var sum = 0.0;
  var tile: array<f32, 16>;
  for (var j = 0u; j <= last; j += 4u) {
    let at = vec4(min(vec4(j, j + 1u, j + 2u, j + 3u), vec4(last))) * width + own;
    var scores = vec4<f32>();
    for (var d = 0u; d < headDim; d++) {
      scores += q[query + d] * vec4(keys[at.x + d], keys[at.y + d], keys[at.z + d], keys[at.w + d]);
    }
    scores = select(vec4(MASKED), scores * shape.scale, vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(last));
    let next = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let p = exp(scores - next);
    let earlier = exp(largest - next);
    largest = next;
    sum = sum * earlier + dot(p, vec4(1.0));
    for (var d = 0u; d < dims; d++) {
      let v = vec4(values[at.x + first + d], values[at.y + first + d], values[at.z + first + d], values[at.w + first + d]);
      tile[d] = tile[d] * earlier + dot(p, v);
    }
  }
  for (var d = 0u; d < dims; d++) { out[query + first + d] = tile[d] / sum; }
}
`,
  matvecGpu: `// y[n] = sum over k of w[n, k] * x[k]  (+ residual[n] where sizes.residual is 1)
// The contract of generate/matvecSoftware.wgsl, a workgroup of 128 threads a row: neighbours read neighbouring weights, which
// is all that counts where each weight is used once. Grid: folded N workgroups.
struct Sizes { n: u32, k: u32, residual: u32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

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

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= sizes.n) { return; }
  let base = row * sizes.k;
  var part = 0.0;
  for (var k = thread; k < sizes.k; k += WORKGROUP_SIZE) { part += w[base + k] * x[k]; }
  let sum = workgroupSum(part, thread);
  if (thread == 0u) { y[row] = select(sum, sum + residual[row], sizes.residual == 1u); }
}
`,
  matvecSoftware: `// y[n] = sum over k of w[n, k] * x[k]  (+ residual[n] where sizes.residual is 1)
// w (N, K) row-major, x (K), residual and y (N): y is overwritten. A thread a row, no barriers. Grid: linear over N.
struct Sizes { n: u32, k: u32, residual: u32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= sizes.n) { return; }
  let base = row * sizes.k;
  let whole = sizes.k / 4u * 4u;
  var sums = vec4<f32>();
  for (var k = 0u; k < whole; k += 4u) {
    sums += vec4(w[base + k], w[base + k + 1u], w[base + k + 2u], w[base + k + 3u]) * vec4(x[k], x[k + 1u], x[k + 2u], x[k + 3u]);
  }
  var sum = dot(sums, vec4(1.0));
  for (var k = whole; k < sizes.k; k++) { sum += w[base + k] * x[k]; }
  if (sizes.residual == 1u) { sum += residual[row]; }
  y[row] = sum;
}
`,
} as const;
