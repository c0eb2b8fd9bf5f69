// out[r, h] = sum over j <= position + r of p[j] * values[j, g],  p = softmax of q[r, h] . keys[j, g] * scale,  g = h / (queryHeads/keyHeads)
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
