// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueriesGpu.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// The contract of attention/backwardKeysSoftware.wgsl. A workgroup: 64 keys of one key head, which meet the queries of all heads of
// the group, 32 at a time (prelude/attentionTiles.wgsl): nothing is added atomically.
// Grid: folded, batch * keyHeads * ceil(sequence / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // storage: dk
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // storage: dv

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
  let tiles = (shape.sequence + OWN - 1u) / OWN;
  let heads = shape.batch * shape.keyHeads;
  let item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= heads * tiles) { return; }
  let first = item / heads * OWN; // the longest first: the last to start then end soon
  group = perKey;
  keyHead = item % heads % shape.keyHeads;
  firstRow = item % heads / shape.keyHeads * shape.sequence;
  let own = thread / 8u;
  let lane = thread % 8u;
  let mine = vec4(first + own * 4u) + vec4(0u, 1u, 2u, 3u);

  var keys: array<vec4<f32>, 4 * WIDTHS>;
  var values: array<vec4<f32>, 4 * WIDTHS>;
  for (var i = first * perKey; i < queries; i += OTHER) {
    var s = Products(); // k . q
    var t = Products(); // v . dOut
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, i, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
      workgroupBarrier();
      stageProducts(thread, first, i, d, true);
      workgroupBarrier();
      addProducts(&t, own, lane);
    }
    for (var c = 0u; c < 4u; c++) {
      let query = i + lane * 4u + c;
      let at = queryAt(query);
      let seen = (mine <= vec4(query / perKey)) & vec4(query < queries);
      s[c] = select(vec4<f32>(), exp(s[c] * shape.scale - lse[at]), seen);
      t[c] = shape.scale * s[c] * (t[c] - delta[at]);
    }
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, i, w * WIDTH, true);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { values[w * 4u + r] += more[r]; }
    }
    workgroupBarrier();
    putWeights(t, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, i, w * WIDTH, false);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { keys[w * 4u + r] += more[r]; }
    }
  }
  for (var r = 0u; r < 4u && mine[r] < shape.sequence; r++) {
    let at = keyAt(mine[r]) * shape.headDim;
    for (var w = 0u; w < WIDTHS; w++) {
      store_dk(at, w * WIDTH + lane * 4u, keys[w * 4u + r]);
      store_dv(at, w * WIDTH + lane * 4u, values[w * 4u + r]);
    }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = queryAt(row) * shape.headDim;
  if (second) { return load_dOut(at, d); }
  return load_q(at, d);
}
