// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// Shapes and lay-out as in attention/forwardSoftware.wgsl; dq as q, delta as lse: both overwritten (backwardKeys reads delta).
// Grid: folded, batch * keyHeads * ceil(sequence * group / 16) * chunks workgroups of 4.
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

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let headDim = shape.headDim;
  group = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * group;
  let chunks = (headDim + CHUNK - 1u) / CHUNK;
  let tiles = (queries + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * CHUNK;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let lastKey = min(first + 15u, queries - 1u) / group;
  // 4 times: r
  let h$r = queryAt(first + lane * 4u + $ru);
  let q$r = h$r * headDim;
  var delta$r = 0.0;
  // V times: c
  var dq$r_$c = vec4<f32>();
  // end c
  // end r
  for (var d = 0u; d < headDim; d += 4u) {
    // 4 times: r
    delta$r += dot(load_out(q$r, d), load_dOut(q$r, d));
    // end r
  }
  let i = first + lane * 4u;
  let rows = vec4(i, i + 1u, i + 2u, i + 3u) / group;
  let logs = vec4(lse[h0], lse[h1], lse[h2], lse[h3]);
  let deltas = vec4(delta0, delta1, delta2, delta3);
  // own here
  for (var j = 0u; j <= lastKey; j += KEYS) {
    // K times: n
    let k$n = keyAt(j + $nu) * headDim;
    var s$n = vec4<f32>(); // of key $n with the thread's 4 queries
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let q$r_$c = load_q(q$r, d + $cu * 4u);
      let o$r_$c = load_dOut(q$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // K times: n
      // V times: c
      let k$n_$c = load_k(k$n, d + $cu * 4u);
      let v$n_$c = load_v(k$n, d + $cu * 4u);
      // 4 times: r
      s$n.$rc += dot(q$r_$c, k$n_$c);
      t$n.$rc += dot(o$r_$c, v$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // K times: n
    let ds$n = select(vec4<f32>(), shape.scale * exp(s$n * shape.scale - logs) * (t$n - deltas), vec4(j + $nu) <= rows);
    // V times: c
    // chunk
    let x$n_$c = load_k(k$n, chunk + $cu * 4u);
    // one chunk: let x$n_$c = k$n_$c;
    // 4 times: r
    dq$r_$c += ds$n.$rc * x$n_$c;
    // end r
    // end c
    // end n
  }
  // 4 times: r
  if (i + $ru < queries) {
    // V times: c
    store_dq(q$r, chunk + $cu * 4u, dq$r_$c);
    // end c
    if (chunk == 0u) { delta[h$r] = delta$r; }
  }
  // end r
}
