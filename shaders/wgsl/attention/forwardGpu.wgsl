// Causal attention with grouped heads, never T x T in memory (FlashAttention, arXiv 2205.14135 and 2307.08691):
//   s[i, j] = scale * q[i] . k[j] for j <= i;  out[i] = softmax(s[i]) v;  lse[i] = log(sum over j of exp(s[i, j]))
// The contract of attention/forwardSoftware.wgsl. A workgroup: 64 queries of one key head (prelude/attentionTiles.wgsl).
// Tiles above the diagonal are not visited.
// Grid: folded, batch * keyHeads * ceil(sequence * group / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read_write> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

// #include "prelude/attentionRows.wgsl"
// #include "prelude/attentionTiles.wgsl"

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

fn largest(staging: u32) -> vec4<f32> {
  var m = staged[staging];
  for (var n = 1u; n < 8u; n++) { m = max(m, staged[staging + n]); }
  return m;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let perKey = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * perKey;
  let tiles = (queries + OWN - 1u) / OWN;
  let heads = shape.batch * shape.keyHeads;
  let item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= heads * tiles) { return; }
  let first = (tiles - 1u - item / heads) * OWN; // the longest first: the last to start then end soon
  group = perKey;
  keyHead = item % heads % shape.keyHeads;
  firstRow = item % heads / shape.keyHeads * shape.sequence;
  let own = thread / 8u;
  let lane = thread % 8u;
  let mine = vec4(first + own * 4u) + vec4(0u, 1u, 2u, 3u);
  let rows = mine / perKey; // positions of the thread's 4 queries
  let lastKey = min(first + OWN - 1u, queries - 1u) / perKey;

  var m = vec4(MASKED);
  var sum = vec4<f32>(); // of the thread's own columns: added up over the 8 lanes at the end
  var tile: array<vec4<f32>, 4 * WIDTHS>;
  for (var j = 0u; j <= lastKey; j += OTHER) {
    var s = Products();
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, j, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
    }
    for (var c = 0u; c < 4u; c++) { s[c] = select(vec4(MASKED), s[c] * shape.scale, vec4(j + lane * 4u + c) <= rows); }
    workgroupBarrier();
    staged[thread] = max(max(s[0], s[1]), max(s[2], s[3]));
    workgroupBarrier();
    let next = max(m, largest(own * 8u));
    let decay = exp(m - next);
    m = next;
    for (var c = 0u; c < 4u; c++) { s[c] = exp(s[c] - m); }
    sum = sum * decay + (s[0] + s[1] + s[2] + s[3]);
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, j, w * WIDTH, true);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { tile[w * 4u + r] = tile[w * 4u + r] * decay[r] + more[r]; }
    }
  }
  workgroupBarrier();
  staged[thread] = sum;
  workgroupBarrier();
  sum = vec4<f32>();
  for (var n = 0u; n < 8u; n++) { sum += staged[own * 8u + n]; }
  let logs = m + log(sum);
  for (var r = 0u; r < 4u && mine[r] < queries; r++) {
    let at = queryAt(mine[r]);
    if (lane == 0u) { lse[at] = logs[r]; }
    for (var w = 0u; w < WIDTHS; w++) { store_out(at * shape.headDim, w * WIDTH + lane * 4u, tile[w * 4u + r] / sum[r]); }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> { return load_q(queryAt(row) * shape.headDim, d); }
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
