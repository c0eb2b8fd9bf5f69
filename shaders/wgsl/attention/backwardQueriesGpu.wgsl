// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// The contract of attention/backwardQueriesSoftware.wgsl. A workgroup: 64 queries of one key head (prelude/attentionTiles.wgsl).
// Grid: folded, batch * keyHeads * ceil(sequence * group / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dq: array<f32>; // storage: dq

// #include "prelude/attentionRows.wgsl"
// #include "prelude/attentionTiles.wgsl"

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

  let at = vec4(queryAt(mine.x), queryAt(mine.y), queryAt(mine.z), queryAt(mine.w));
  let logs = vec4(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
  var part = vec4<f32>(); // of delta, over the thread's share of the dimensions
  for (var d = lane * 4u; d < shape.headDim; d += WIDTH) {
    for (var r = 0u; r < 4u; r++) { part[r] += dot(load_out(at[r] * shape.headDim, d), load_dOut(at[r] * shape.headDim, d)); }
  }
  staged[thread] = part;
  workgroupBarrier();
  var deltas = vec4<f32>();
  for (var n = 0u; n < 8u; n++) { deltas += staged[own * 8u + n]; }

  var tile: array<vec4<f32>, 4 * WIDTHS>;
  for (var j = 0u; j <= lastKey; j += OTHER) {
    var s = Products(); // q . k
    var t = Products(); // dOut . v
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, j, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
      workgroupBarrier();
      stageProducts(thread, first, j, d, true);
      workgroupBarrier();
      addProducts(&t, own, lane);
    }
    for (var c = 0u; c < 4u; c++) {
      let p = select(vec4<f32>(), exp(s[c] * shape.scale - logs), vec4(j + lane * 4u + c) <= rows);
      s[c] = shape.scale * p * (t[c] - deltas);
    }
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, j, w * WIDTH, false);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { tile[w * 4u + r] += more[r]; }
    }
  }
  for (var r = 0u; r < 4u && mine[r] < queries; r++) {
    if (lane == 0u) { delta[at[r]] = deltas[r]; }
    for (var w = 0u; w < WIDTHS; w++) { store_dq(at[r] * shape.headDim, w * WIDTH + lane * 4u, tile[w * 4u + r]); }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = queryAt(row) * shape.headDim;
  if (second) { return load_dOut(at, d); }
  return load_q(at, d);
}
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
