// Causal attention with grouped heads, never T x T in memory (online softmax, as FlashAttention):
//   s[i, j] = scale * q[i] . k[j] for j <= i;  out[i] = softmax(s[i]) v;  lse[i] = log(sum over j of exp(s[i, j]))
// q, out (batch*sequence, queryHeads*headDim), k, v (batch*sequence, keyHeads*headDim), lse (batch*sequence, queryHeads).
// out and lse are overwritten. Query head h reads key head h / (queryHeads / keyHeads). Any headDim.
// The queries of a key head are one list, head by head within a row. A workgroup of 4 threads makes 16 of them and a chunk of
// dimensions: all, up to 32, else 16 (scores are recomputed for every further chunk); no workgroup memory. All 4 threads walk the
// same keys, to the last one's diagonal: a 4-wide software adapter then loads k and v once for all, and no lane sleeps.
// Grid: folded, batch * keyHeads * ceil(sequence * group / 16) * chunks workgroups.
// The shape is a uniform, not override constants: compiling is the larger cost on a software adapter, and one pipeline serves many.
// The text is expanded before it is compiled (expandRows in src/kernels/attention.ts): lines between `// 4 times: r` and `// end r`
// are written four times, with $r 0 to 3 and $rc the component x to w; V: vectors of a chunk, K: keys met at once. Where one chunk
// is all, the own rows are loaded once, at `// own here`, and what `// one chunk:` says takes the place of the lines since `// chunk`.
// Arrays indexed in a loop live in memory on a software adapter, and so does what a loop carries: named constants in registers.
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

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

fn largest(m: f32, s: vec4<f32>) -> f32 {
  return max(m, max(max(s.x, s.y), max(s.z, s.w)));
}

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
  let i$r = (first + lane * 4u + $ru) / group;
  var m$r = MASKED;
  var l$r = 0.0;
  // V times: c
  var out$r_$c = vec4<f32>();
  // end c
  // end r
  // own here
  for (var j = 0u; j <= lastKey; j += 4u) {
    // 4 times: r
    var s$r = vec4<f32>();
    let k$r = keyAt(j + $ru) * headDim;
    // end r
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let q$r_$c = load_q(q$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // 4 times: n
      // V times: c
      let k$n_$c = load_k(k$n, d + $cu * 4u);
      // 4 times: r
      s$r.$nc += dot(q$r_$c, k$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // 4 times: r
    s$r = select(vec4(MASKED), s$r * shape.scale, vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i$r));
    let n$r = largest(m$r, s$r);
    let p$r = exp(s$r - n$r);
    let e$r = exp(m$r - n$r);
    m$r = n$r;
    l$r = l$r * e$r + (p$r.x + p$r.y + p$r.z + p$r.w);
    // end r
    // V times: c
    // 4 times: n
    let v$n_$c = load_v(k$n, chunk + $cu * 4u);
    // end n
    // 4 times: r
    out$r_$c = out$r_$c * e$r + p$r.x * v0_$c + p$r.y * v1_$c + p$r.z * v2_$c + p$r.w * v3_$c;
    // end r
    // end c
  }
  // 4 times: r
  if (first + lane * 4u + $ru < queries) {
    // V times: c
    store_out(q$r, chunk + $cu * 4u, out$r_$c / l$r);
    // end c
    if (chunk == 0u) { lse[h$r] = m$r + log(l$r); }
  }
  // end r
}
