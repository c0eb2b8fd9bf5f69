// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// Shapes and lay-out as in attention/forwardSoftware.wgsl; dq as q, delta as lse: both overwritten (backwardKeys reads delta).
// Grid: folded, batch * keyHeads * ceil(sequence * group / 16) * ceil(headDim / 16) workgroups of 4.
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
  let chunks = (headDim + 15u) / 16u;
  let tiles = (queries + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * 16u;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let lastKey = min(first + 15u, queries - 1u) / group;
  // 4 times: r
  let h$r = queryAt(first + lane * 4u + $ru);
  let q$r = h$r * headDim;
  let i$r = (first + lane * 4u + $ru) / group;
  var delta$r = 0.0;
  var w$r = vec4<f32>(); var x$r = vec4<f32>(); var y$r = vec4<f32>(); var z$r = vec4<f32>();
  // end r
  for (var d = 0u; d < headDim; d += 4u) {
    // 4 times: r
    delta$r += dot(load_out(q$r, d), load_dOut(q$r, d));
    // end r
  }
  let rows = vec4(i0, i1, i2, i3);
  let logs = vec4(lse[h0], lse[h1], lse[h2], lse[h3]);
  let deltas = vec4(delta0, delta1, delta2, delta3);
  // own here
  for (var j = 0u; j <= lastKey; j += 2u) {
    // 2 times: n
    let k$n = keyAt(j + $nu) * headDim;
    var s$n = vec4<f32>(); // of key $n with the thread's 4 queries
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += 16u) {
      // own
      // 4 times: r
      let a$r = load_q(q$r, d); let b$r = load_q(q$r, d + 4u); let c$r = load_q(q$r, d + 8u); let d$r = load_q(q$r, d + 12u);
      let e$r = load_dOut(q$r, d); let f$r = load_dOut(q$r, d + 4u); let g$r = load_dOut(q$r, d + 8u); let o$r = load_dOut(q$r, d + 12u);
      // end r
      // end own
      // 2 times: n
      let a_$n = load_k(k$n, d); let b_$n = load_k(k$n, d + 4u); let c_$n = load_k(k$n, d + 8u); let d_$n = load_k(k$n, d + 12u);
      let e_$n = load_v(k$n, d); let f_$n = load_v(k$n, d + 4u); let g_$n = load_v(k$n, d + 8u); let o_$n = load_v(k$n, d + 12u);
      // 4 times: r
      s$n.$rc += dot(a$r, a_$n) + dot(b$r, b_$n) + dot(c$r, c_$n) + dot(d$r, d_$n);
      t$n.$rc += dot(e$r, e_$n) + dot(f$r, f_$n) + dot(g$r, g_$n) + dot(o$r, o_$n);
      // end r
      // end n
    } // dimensions
    // 2 times: n
    let ds$n = select(vec4<f32>(), shape.scale * exp(s$n * shape.scale - logs) * (t$n - deltas), vec4(j + $nu) <= rows);
    // chunk
    let w_$n = load_k(k$n, chunk); let x_$n = load_k(k$n, chunk + 4u); let y_$n = load_k(k$n, chunk + 8u); let z_$n = load_k(k$n, chunk + 12u);
    // one chunk: let w_$n = a_$n; let x_$n = b_$n; let y_$n = c_$n; let z_$n = d_$n;
    // end n
    // 4 times: r
    w$r += ds0.$rc * w_0 + ds1.$rc * w_1;
    x$r += ds0.$rc * x_0 + ds1.$rc * x_1;
    y$r += ds0.$rc * y_0 + ds1.$rc * y_1;
    z$r += ds0.$rc * z_0 + ds1.$rc * z_1;
    // end r
  }
  // 4 times: r
  if (first + lane * 4u + $ru < queries) {
    store_dq(q$r, chunk, w$r); store_dq(q$r, chunk + 4u, x$r); store_dq(q$r, chunk + 8u, y$r); store_dq(q$r, chunk + 12u, z$r);
    if (chunk == 0u) { delta[h$r] = delta$r; }
  }
  // end r
}
