// Causal attention with grouped heads, never T x T in memory (online softmax, as FlashAttention):
//   s[i, j] = scale * q[i] . k[j] for j <= i;  out[i] = softmax(s[i]) v;  lse[i] = log(sum over j of exp(s[i, j]))
// q, out (batch*sequence, queryHeads*headDim), k, v (batch*sequence, keyHeads*headDim), lse (batch*sequence, queryHeads).
// out and lse are overwritten. Query head h reads key head h / (queryHeads / keyHeads). Any headDim.
// A thread makes 4 query rows of one head and 16 of its dimensions (scores are recomputed for every further 16), key blocks of 4.
// Grid: linear over batch*queryHeads*ceil(sequence/4)*ceil(headDim/16). No workgroup memory.
// The shape is a uniform, not override constants: compiling is the larger cost on a software adapter, and one pipeline serves all.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

// #include "prelude/linearIndex.wgsl"

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

fn loadQ(at: u32) -> vec4<f32> {
  return vec4(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
}
fn loadK(at: u32) -> vec4<f32> {
  return vec4(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
}
fn loadV(at: u32) -> vec4<f32> {
  return vec4(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);
}

fn mask(s: vec4<f32>, i: u32, j: u32) -> vec4<f32> {
  return select(vec4(MASKED), s * shape.scale, vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i));
}

fn largest(m: f32, s: vec4<f32>) -> f32 {
  return max(m, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let headDim = shape.headDim;
  let whole = headDim / 4u * 4u; // dimensions in vectors; the others go one by one, so that no load needs a branch
  let chunks = (headDim + 15u) / 16u;
  let tiles = (shape.sequence + 3u) / 4u;
  var item = linearIndex(id, groups);
  if (item >= shape.batch * shape.queryHeads * tiles * chunks) { return; }
  let chunk = item % chunks * 16u;
  item /= chunks;
  let i = item % tiles * 4u;
  item /= tiles;
  let head = item % shape.queryHeads;
  let first = item / shape.queryHeads * shape.sequence;
  let last = shape.sequence - 1u; // rows past the end read the last one and are not stored
  let keyHead = head / (shape.queryHeads / shape.keyHeads) * headDim;
  let q0 = ((first + min(i, last)) * shape.queryHeads + head) * headDim;
  let q1 = ((first + min(i + 1u, last)) * shape.queryHeads + head) * headDim;
  let q2 = ((first + min(i + 2u, last)) * shape.queryHeads + head) * headDim;
  let q3 = ((first + min(i + 3u, last)) * shape.queryHeads + head) * headDim;
  var m0 = MASKED; var l0 = 0.0;
  var m1 = MASKED; var l1 = 0.0;
  var m2 = MASKED; var l2 = 0.0;
  var m3 = MASKED; var l3 = 0.0;
  var tile: array<vec4<f32>, 16>; // (row, chunk of 4 dimensions)
  for (var j = 0u; j <= min(i + 3u, last); j += 4u) {
    let k0 = (first + min(j, last)) * shape.keyHeads * headDim + keyHead;
    let k1 = (first + min(j + 1u, last)) * shape.keyHeads * headDim + keyHead;
    let k2 = (first + min(j + 2u, last)) * shape.keyHeads * headDim + keyHead;
    let k3 = (first + min(j + 3u, last)) * shape.keyHeads * headDim + keyHead;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var d = 0u; d < whole; d += 4u) {
      let y0 = loadK(k0 + d);
      let y1 = loadK(k1 + d);
      let y2 = loadK(k2 + d);
      let y3 = loadK(k3 + d);
      let x0 = loadQ(q0 + d); s0 += vec4(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3));
      let x1 = loadQ(q1 + d); s1 += vec4(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3));
      let x2 = loadQ(q2 + d); s2 += vec4(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3));
      let x3 = loadQ(q3 + d); s3 += vec4(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3));
    }
    for (var d = whole; d < headDim; d++) {
      let y = vec4(k[k0 + d], k[k1 + d], k[k2 + d], k[k3 + d]);
      s0 += q[q0 + d] * y;
      s1 += q[q1 + d] * y;
      s2 += q[q2 + d] * y;
      s3 += q[q3 + d] * y;
    }
    s0 = mask(s0, i, j);
    let n0 = largest(m0, s0);
    let p0 = exp(s0 - n0);
    let e0 = exp(m0 - n0);
    m0 = n0;
    l0 = l0 * e0 + dot(p0, vec4(1.0));
    s1 = mask(s1, i + 1u, j);
    let n1 = largest(m1, s1);
    let p1 = exp(s1 - n1);
    let e1 = exp(m1 - n1);
    m1 = n1;
    l1 = l1 * e1 + dot(p1, vec4(1.0));
    s2 = mask(s2, i + 2u, j);
    let n2 = largest(m2, s2);
    let p2 = exp(s2 - n2);
    let e2 = exp(m2 - n2);
    m2 = n2;
    l2 = l2 * e2 + dot(p2, vec4(1.0));
    s3 = mask(s3, i + 3u, j);
    let n3 = largest(m3, s3);
    let p3 = exp(s3 - n3);
    let e3 = exp(m3 - n3);
    m3 = n3;
    l3 = l3 * e3 + dot(p3, vec4(1.0));
    for (var c = 0u; c < 4u; c++) {
      let z0 = loadV(k0 + chunk + 4u * c);
      let z1 = loadV(k1 + chunk + 4u * c);
      let z2 = loadV(k2 + chunk + 4u * c);
      let z3 = loadV(k3 + chunk + 4u * c);
      tile[c] = tile[c] * e0 + p0.x * z0 + p0.y * z1 + p0.z * z2 + p0.w * z3;
      tile[4u + c] = tile[4u + c] * e1 + p1.x * z0 + p1.y * z1 + p1.z * z2 + p1.w * z3;
      tile[8u + c] = tile[8u + c] * e2 + p2.x * z0 + p2.y * z1 + p2.z * z2 + p2.w * z3;
      tile[12u + c] = tile[12u + c] * e3 + p3.x * z0 + p3.y * z1 + p3.z * z2 + p3.w * z3;
    }
  }
  let sums = vec4(l0, l1, l2, l3);
  let logs = vec4(m0, m1, m2, m3) + log(sums);
  for (var r = 0u; r < 4u && i + r <= last; r++) {
    let at = (first + i + r) * shape.queryHeads + head;
    for (var d = 0u; d < min(16u, headDim - chunk); d++) { out[at * headDim + chunk + d] = tile[r * 4u + d / 4u][d % 4u] / sums[r]; }
    if (chunk == 0u) { lse[at] = logs[r]; }
  }
}
