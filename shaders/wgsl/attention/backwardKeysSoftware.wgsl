// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueriesSoftware.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// Shapes as in attention/forwardSoftware.wgsl; dk, dv as k: overwritten. delta comes from backwardQueries.
// A workgroup of 4 threads makes 16 keys and 16 dimensions and walks the queries of all heads of the group, so nothing is added
// atomically. Grid: folded, batch * keyHeads * ceil(sequence / 16) * ceil(headDim / 16) workgroups.
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

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let headDim = shape.headDim;
  group = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * group;
  let chunks = (headDim + 15u) / 16u;
  let tiles = (shape.sequence + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * 16u;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let j = first + lane * 4u;
  // 4 times: r
  let k$r = keyAt(j + $ru) * headDim;
  var w$r = vec4<f32>(); var x$r = vec4<f32>(); var y$r = vec4<f32>(); var z$r = vec4<f32>(); // of dk
  var u$r = vec4<f32>(); var v$r = vec4<f32>(); var g$r = vec4<f32>(); var h$r = vec4<f32>(); // of dv
  // end r
  // own here
  for (var i = first * group; i < queries; i += 2u) {
    // 2 times: n
    let row$n = queryAt(i + $nu);
    let q$n = row$n * headDim;
    var s$n = vec4<f32>(); // of query $n with the thread's 4 keys
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += 16u) {
      // own
      // 4 times: r
      let a$r = load_k(k$r, d); let b$r = load_k(k$r, d + 4u); let c$r = load_k(k$r, d + 8u); let d$r = load_k(k$r, d + 12u);
      let e$r = load_v(k$r, d); let f$r = load_v(k$r, d + 4u); let m$r = load_v(k$r, d + 8u); let o$r = load_v(k$r, d + 12u);
      // end r
      // end own
      // 2 times: n
      let a_$n = load_q(q$n, d); let b_$n = load_q(q$n, d + 4u); let c_$n = load_q(q$n, d + 8u); let d_$n = load_q(q$n, d + 12u);
      let e_$n = load_dOut(q$n, d); let f_$n = load_dOut(q$n, d + 4u); let m_$n = load_dOut(q$n, d + 8u); let o_$n = load_dOut(q$n, d + 12u);
      // 4 times: r
      s$n.$rc += dot(a$r, a_$n) + dot(b$r, b_$n) + dot(c$r, c_$n) + dot(d$r, d_$n);
      t$n.$rc += dot(e$r, e_$n) + dot(f$r, f_$n) + dot(m$r, m_$n) + dot(o$r, o_$n);
      // end r
      // end n
    } // dimensions
    // 2 times: n
    let seen$n = (vec4(j, j + 1u, j + 2u, j + 3u) <= vec4((i + $nu) / group)) & vec4(i + $nu < queries);
    let p$n = select(vec4<f32>(), exp(s$n * shape.scale - lse[row$n]), seen$n);
    let ds$n = shape.scale * p$n * (t$n - delta[row$n]);
    // chunk
    let w_$n = load_q(q$n, chunk); let x_$n = load_q(q$n, chunk + 4u); let y_$n = load_q(q$n, chunk + 8u); let z_$n = load_q(q$n, chunk + 12u);
    let u_$n = load_dOut(q$n, chunk); let v_$n = load_dOut(q$n, chunk + 4u); let g_$n = load_dOut(q$n, chunk + 8u); let h_$n = load_dOut(q$n, chunk + 12u);
    // one chunk: let w_$n = a_$n; let x_$n = b_$n; let y_$n = c_$n; let z_$n = d_$n; let u_$n = e_$n; let v_$n = f_$n; let g_$n = m_$n; let h_$n = o_$n;
    // end n
    // 4 times: r
    w$r += ds0.$rc * w_0 + ds1.$rc * w_1;
    x$r += ds0.$rc * x_0 + ds1.$rc * x_1;
    y$r += ds0.$rc * y_0 + ds1.$rc * y_1;
    z$r += ds0.$rc * z_0 + ds1.$rc * z_1;
    u$r += p0.$rc * u_0 + p1.$rc * u_1;
    v$r += p0.$rc * v_0 + p1.$rc * v_1;
    g$r += p0.$rc * g_0 + p1.$rc * g_1;
    h$r += p0.$rc * h_0 + p1.$rc * h_1;
    // end r
  }
  // 4 times: r
  if (j + $ru < shape.sequence) {
    store_dk(k$r, chunk, w$r); store_dk(k$r, chunk + 4u, x$r); store_dk(k$r, chunk + 8u, y$r); store_dk(k$r, chunk + 12u, z$r);
    store_dv(k$r, chunk, u$r); store_dv(k$r, chunk + 4u, v$r); store_dv(k$r, chunk + 8u, g$r); store_dv(k$r, chunk + 12u, h$r);
  }
  // end r
}
