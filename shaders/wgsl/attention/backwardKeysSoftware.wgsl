// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueriesSoftware.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// Shapes as in attention/forwardSoftware.wgsl; dk, dv as k: overwritten. delta comes from backwardQueries.
// A workgroup of 4 threads makes 16 keys and a chunk of dimensions and walks the queries of all heads of the group, so nothing is added
// atomically. Grid: folded, batch * keyHeads * ceil(sequence / 16) * chunks workgroups.
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
  let chunks = (headDim + CHUNK - 1u) / CHUNK;
  let tiles = (shape.sequence + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * CHUNK;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let j = first + lane * 4u;
  // 4 times: r
  let k$r = keyAt(j + $ru) * headDim;
  // V times: c
  var dk$r_$c = vec4<f32>();
  var dv$r_$c = vec4<f32>();
  // end c
  // end r
  // own here
  for (var i = first * group; i < queries; i += KEYS) {
    // K times: n
    let row$n = queryAt(i + $nu);
    let q$n = row$n * headDim;
    var s$n = vec4<f32>(); // of query $n with the thread's 4 keys
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let k$r_$c = load_k(k$r, d + $cu * 4u);
      let v$r_$c = load_v(k$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // K times: n
      // V times: c
      let q$n_$c = load_q(q$n, d + $cu * 4u);
      let o$n_$c = load_dOut(q$n, d + $cu * 4u);
      // 4 times: r
      s$n.$rc += dot(k$r_$c, q$n_$c);
      t$n.$rc += dot(v$r_$c, o$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // K times: n
    let seen$n = (vec4(j, j + 1u, j + 2u, j + 3u) <= vec4((i + $nu) / group)) & vec4(i + $nu < queries);
    let p$n = select(vec4<f32>(), exp(s$n * shape.scale - lse[row$n]), seen$n);
    let ds$n = shape.scale * p$n * (t$n - delta[row$n]);
    // V times: c
    // chunk
    let x$n_$c = load_q(q$n, chunk + $cu * 4u);
    let y$n_$c = load_dOut(q$n, chunk + $cu * 4u);
    // one chunk: let x$n_$c = q$n_$c; let y$n_$c = o$n_$c;
    // 4 times: r
    dk$r_$c += ds$n.$rc * x$n_$c;
    dv$r_$c += p$n.$rc * y$n_$c;
    // end r
    // end c
    // end n
  }
  // 4 times: r
  if (j + $ru < shape.sequence) {
    // V times: c
    store_dk(k$r, chunk + $cu * 4u, dk$r_$c);
    store_dv(k$r, chunk + $cu * 4u, dv$r_$c);
    // end c
  }
  // end r
}
