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
  // four times: r
  let h$r = queryAt(first + lane * 4u + $ru);
  let q$r = h$r * headDim;
  let i$r = (first + lane * 4u + $ru) / group;
  let lse$r = lse[h$r];
  var delta$r = 0.0;
  var w$r = vec4<f32>(); var x$r = vec4<f32>(); var y$r = vec4<f32>(); var z$r = vec4<f32>();
  // end r
  for (var d = 0u; d < headDim; d += 4u) {
    // four times: r
    delta$r += dot(load_out(q$r, d), load_dOut(q$r, d));
    // end r
  }
  // own here
  for (var j = 0u; j <= lastKey; j += 4u) {
    // four times: r
    var s$r = vec4<f32>();
    var t$r = vec4<f32>();
    let k$r = keyAt(j + $ru) * headDim;
    // end r
    for (var d = 0u; d < headDim; d += 16u) {
      // own
      // four times: r
      let a$r = load_q(q$r, d); let b$r = load_q(q$r, d + 4u); let c$r = load_q(q$r, d + 8u); let d$r = load_q(q$r, d + 12u);
      let e$r = load_dOut(q$r, d); let f$r = load_dOut(q$r, d + 4u); let g$r = load_dOut(q$r, d + 8u); let o$r = load_dOut(q$r, d + 12u);
      // end r
      // end own
      // four times: n
      let a_$n = load_k(k$n, d); let b_$n = load_k(k$n, d + 4u); let c_$n = load_k(k$n, d + 8u); let d_$n = load_k(k$n, d + 12u);
      let e_$n = load_v(k$n, d); let f_$n = load_v(k$n, d + 4u); let g_$n = load_v(k$n, d + 8u); let o_$n = load_v(k$n, d + 12u);
      // four times: r
      s$r.$nc += dot(a$r, a_$n) + dot(b$r, b_$n) + dot(c$r, c_$n) + dot(d$r, d_$n);
      t$r.$nc += dot(e$r, e_$n) + dot(f$r, f_$n) + dot(g$r, g_$n) + dot(o$r, o_$n);
      // end r
      // end n
    }
    // four times: r
    let p$r = select(vec4<f32>(), exp(s$r * shape.scale - lse$r), vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i$r));
    let ds$r = shape.scale * p$r * (t$r - delta$r);
    // end r
    // four times: n
    let w_$n = load_k(k$n, chunk); let x_$n = load_k(k$n, chunk + 4u); let y_$n = load_k(k$n, chunk + 8u); let z_$n = load_k(k$n, chunk + 12u);
    // end n
    // four times: r
    w$r += ds$r.x * w_0 + ds$r.y * w_1 + ds$r.z * w_2 + ds$r.w * w_3;
    x$r += ds$r.x * x_0 + ds$r.y * x_1 + ds$r.z * x_2 + ds$r.w * x_3;
    y$r += ds$r.x * y_0 + ds$r.y * y_1 + ds$r.z * y_2 + ds$r.w * y_3;
    z$r += ds$r.x * z_0 + ds$r.y * z_1 + ds$r.z * z_2 + ds$r.w * z_3;
    // end r
  }
  // four times: r
  if (first + lane * 4u + $ru < queries) {
    store_dq(q$r, chunk, w$r); store_dq(q$r, chunk + 4u, x$r); store_dq(q$r, chunk + 8u, y$r); store_dq(q$r, chunk + 12u, z$r);
    if (chunk == 0u) { delta[h$r] = delta$r; }
  }
  // end r
}
