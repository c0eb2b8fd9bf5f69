// Generated from shaders/wgsl/attention by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  backwardKeys: `// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueries.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// Shapes as in attention/forward.wgsl; dk, dv as k: overwritten. delta comes from backwardQueries.
// A thread makes 4 key rows and 16 dimensions and walks the query heads of its group, so nothing is added atomically.
// Grid: linear over batch*keyHeads*ceil(sequence/4)*ceil(headDim/16).
// The shape is a uniform, not override constants: compiling is the larger cost on a software adapter, and one pipeline serves all.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> dOut: array<f32>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

fn loadQ(at: u32) -> vec4<f32> {
  return vec4(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
}
fn loadK(at: u32) -> vec4<f32> {
  return vec4(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
}
fn loadV(at: u32) -> vec4<f32> {
  return vec4(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);
}
fn loadDOut(at: u32) -> vec4<f32> {
  return vec4(dOut[at], dOut[at + 1u], dOut[at + 2u], dOut[at + 3u]);
}

fn weights(s: vec4<f32>, logSum: f32, i: u32, j: u32) -> vec4<f32> {
  let seen = vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i);
  return select(vec4<f32>(), exp(s * shape.scale - logSum), seen & vec4(i < shape.sequence));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let headDim = shape.headDim;
  let whole = headDim / 4u * 4u; // dimensions in vectors; the others go one by one, so that no load needs a branch
  let chunks = (headDim + 15u) / 16u;
  let tiles = (shape.sequence + 3u) / 4u;
  var item = linearIndex(id, groups);
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * 16u;
  item /= chunks;
  let j = item % tiles * 4u;
  item /= tiles;
  let keyHead = item % shape.keyHeads;
  let first = item / shape.keyHeads * shape.sequence;
  let last = shape.sequence - 1u; // rows past the end read the last one and weigh nothing
  let group = shape.queryHeads / shape.keyHeads;
  let k0 = ((first + min(j, last)) * shape.keyHeads + keyHead) * headDim;
  let k1 = ((first + min(j + 1u, last)) * shape.keyHeads + keyHead) * headDim;
  let k2 = ((first + min(j + 2u, last)) * shape.keyHeads + keyHead) * headDim;
  let k3 = ((first + min(j + 3u, last)) * shape.keyHeads + keyHead) * headDim;
  var keys: array<vec4<f32>, 16>; // (row, chunk of 4 dimensions)
  var values: array<vec4<f32>, 16>;
  for (var head = keyHead * group; head < (keyHead + 1u) * group; head++) {
    for (var i = j; i < shape.sequence; i += 4u) {
      let h0 = (first + min(i, last)) * shape.queryHeads + head; let q0 = h0 * headDim;
      let h1 = (first + min(i + 1u, last)) * shape.queryHeads + head; let q1 = h1 * headDim;
      let h2 = (first + min(i + 2u, last)) * shape.queryHeads + head; let q2 = h2 * headDim;
      let h3 = (first + min(i + 3u, last)) * shape.queryHeads + head; let q3 = h3 * headDim;
      var s0 = vec4<f32>(); var t0 = vec4<f32>();
      var s1 = vec4<f32>(); var t1 = vec4<f32>();
      var s2 = vec4<f32>(); var t2 = vec4<f32>();
      var s3 = vec4<f32>(); var t3 = vec4<f32>();
      for (var d = 0u; d < whole; d += 4u) {
        let y0 = loadK(k0 + d); let z0 = loadV(k0 + d);
        let y1 = loadK(k1 + d); let z1 = loadV(k1 + d);
        let y2 = loadK(k2 + d); let z2 = loadV(k2 + d);
        let y3 = loadK(k3 + d); let z3 = loadV(k3 + d);
        let x0 = loadQ(q0 + d); s0 += vec4(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3));
        let x1 = loadQ(q1 + d); s1 += vec4(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3));
        let x2 = loadQ(q2 + d); s2 += vec4(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3));
        let x3 = loadQ(q3 + d); s3 += vec4(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3));
        let w0 = loadDOut(q0 + d); t0 += vec4(dot(w0, z0), dot(w0, z1), dot(w0, z2), dot(w0, z3));
        let w1 = loadDOut(q1 + d); t1 += vec4(dot(w1, z0), dot(w1, z1), dot(w1, z2), dot(w1, z3));
        let w2 = loadDOut(q2 + d); t2 += vec4(dot(w2, z0), dot(w2, z1), dot(w2, z2), dot(w2, z3));
        let w3 = loadDOut(q3 + d); t3 += vec4(dot(w3, z0), dot(w3, z1), dot(w3, z2), dot(w3, z3));
      }
      for (var d = whole; d < headDim; d++) {
        let y = vec4(k[k0 + d], k[k1 + d], k[k2 + d], k[k3 + d]);
        let z = vec4(v[k0 + d], v[k1 + d], v[k2 + d], v[k3 + d]);
        s0 += q[q0 + d] * y; t0 += dOut[q0 + d] * z;
        s1 += q[q1 + d] * y; t1 += dOut[q1 + d] * z;
        s2 += q[q2 + d] * y; t2 += dOut[q2 + d] * z;
        s3 += q[q3 + d] * y; t3 += dOut[q3 + d] * z;
      }
      let p0 = weights(s0, lse[h0], i, j); let ds0 = shape.scale * p0 * (t0 - delta[h0]);
      let p1 = weights(s1, lse[h1], i + 1u, j); let ds1 = shape.scale * p1 * (t1 - delta[h1]);
      let p2 = weights(s2, lse[h2], i + 2u, j); let ds2 = shape.scale * p2 * (t2 - delta[h2]);
      let p3 = weights(s3, lse[h3], i + 3u, j); let ds3 = shape.scale * p3 * (t3 - delta[h3]);
      for (var c = 0u; c < 4u; c++) {
        let x0 = loadQ(q0 + chunk + 4u * c); let w0 = loadDOut(q0 + chunk + 4u * c);
        let x1 = loadQ(q1 + chunk + 4u * c); let w1 = loadDOut(q1 + chunk + 4u * c);
        let x2 = loadQ(q2 + chunk + 4u * c); let w2 = loadDOut(q2 + chunk + 4u * c);
        let x3 = loadQ(q3 + chunk + 4u * c); let w3 = loadDOut(q3 + chunk + 4u * c);
        keys[c] += ds0.x * x0 + ds1.x * x1 + ds2.x * x2 + ds3.x * x3;
        values[c] += p0.x * w0 + p1.x * w1 + p2.x * w2 + p3.x * w3;
        keys[4u + c] += ds0.y * x0 + ds1.y * x1 + ds2.y * x2 + ds3.y * x3;
        values[4u + c] += p0.y * w0 + p1.y * w1 + p2.y * w2 + p3.y * w3;
        keys[8u + c] += ds0.z * x0 + ds1.z * x1 + ds2.z * x2 + ds3.z * x3;
        values[8u + c] += p0.z * w0 + p1.z * w1 + p2.z * w2 + p3.z * w3;
        keys[12u + c] += ds0.w * x0 + ds1.w * x1 + ds2.w * x2 + ds3.w * x3;
        values[12u + c] += p0.w * w0 + p1.w * w1 + p2.w * w2 + p3.w * w3;
      }
    }
  }
  for (var r = 0u; r < 4u && j + r <= last; r++) {
    let at = ((first + j + r) * shape.keyHeads + keyHead) * headDim + chunk;
    for (var d = 0u; d < min(16u, headDim - chunk); d++) {
      dk[at + d] = keys[r * 4u + d / 4u][d % 4u];
      dv[at + d] = values[r * 4u + d / 4u][d % 4u];
    }
  }
}
`,
  backwardQueries: `// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// Shapes as in attention/forward.wgsl; dq as q, delta as lse: both overwritten (backwardKeys reads delta).
// A thread makes 4 query rows and 16 dimensions. Grid: linear over batch*queryHeads*ceil(sequence/4)*ceil(headDim/16).
// The shape is a uniform, not override constants: compiling is the larger cost on a software adapter, and one pipeline serves all.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> out: array<f32>;
@group(0) @binding(5) var<storage, read> dOut: array<f32>;
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dq: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

fn loadQ(at: u32) -> vec4<f32> {
  return vec4(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
}
fn loadK(at: u32) -> vec4<f32> {
  return vec4(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
}
fn loadV(at: u32) -> vec4<f32> {
  return vec4(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);
}
fn loadOut(at: u32) -> vec4<f32> {
  return vec4(out[at], out[at + 1u], out[at + 2u], out[at + 3u]);
}
fn loadDOut(at: u32) -> vec4<f32> {
  return vec4(dOut[at], dOut[at + 1u], dOut[at + 2u], dOut[at + 3u]);
}

fn weights(s: vec4<f32>, logSum: f32, i: u32, j: u32) -> vec4<f32> {
  return select(vec4<f32>(), exp(s * shape.scale - logSum), vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i));
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
  let h0 = (first + min(i, last)) * shape.queryHeads + head; let q0 = h0 * headDim; let lse0 = lse[h0];
  let h1 = (first + min(i + 1u, last)) * shape.queryHeads + head; let q1 = h1 * headDim; let lse1 = lse[h1];
  let h2 = (first + min(i + 2u, last)) * shape.queryHeads + head; let q2 = h2 * headDim; let lse2 = lse[h2];
  let h3 = (first + min(i + 3u, last)) * shape.queryHeads + head; let q3 = h3 * headDim; let lse3 = lse[h3];
  var delta0 = 0.0;
  var delta1 = 0.0;
  var delta2 = 0.0;
  var delta3 = 0.0;
  for (var d = 0u; d < whole; d += 4u) {
    delta0 += dot(loadOut(q0 + d), loadDOut(q0 + d));
    delta1 += dot(loadOut(q1 + d), loadDOut(q1 + d));
    delta2 += dot(loadOut(q2 + d), loadDOut(q2 + d));
    delta3 += dot(loadOut(q3 + d), loadDOut(q3 + d));
  }
  for (var d = whole; d < headDim; d++) {
    delta0 += out[q0 + d] * dOut[q0 + d];
    delta1 += out[q1 + d] * dOut[q1 + d];
    delta2 += out[q2 + d] * dOut[q2 + d];
    delta3 += out[q3 + d] * dOut[q3 + d];
  }
  var tile: array<vec4<f32>, 16>; // (row, chunk of 4 dimensions)
  for (var j = 0u; j <= min(i + 3u, last); j += 4u) {
    let k0 = (first + min(j, last)) * shape.keyHeads * headDim + keyHead;
    let k1 = (first + min(j + 1u, last)) * shape.keyHeads * headDim + keyHead;
    let k2 = (first + min(j + 2u, last)) * shape.keyHeads * headDim + keyHead;
    let k3 = (first + min(j + 3u, last)) * shape.keyHeads * headDim + keyHead;
    var s0 = vec4<f32>(); var t0 = vec4<f32>();
    var s1 = vec4<f32>(); var t1 = vec4<f32>();
    var s2 = vec4<f32>(); var t2 = vec4<f32>();
    var s3 = vec4<f32>(); var t3 = vec4<f32>();
    for (var d = 0u; d < whole; d += 4u) {
      let y0 = loadK(k0 + d); let z0 = loadV(k0 + d);
      let y1 = loadK(k1 + d); let z1 = loadV(k1 + d);
      let y2 = loadK(k2 + d); let z2 = loadV(k2 + d);
      let y3 = loadK(k3 + d); let z3 = loadV(k3 + d);
      let x0 = loadQ(q0 + d); s0 += vec4(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3));
      let x1 = loadQ(q1 + d); s1 += vec4(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3));
      let x2 = loadQ(q2 + d); s2 += vec4(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3));
      let x3 = loadQ(q3 + d); s3 += vec4(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3));
      let w0 = loadDOut(q0 + d); t0 += vec4(dot(w0, z0), dot(w0, z1), dot(w0, z2), dot(w0, z3));
      let w1 = loadDOut(q1 + d); t1 += vec4(dot(w1, z0), dot(w1, z1), dot(w1, z2), dot(w1, z3));
      let w2 = loadDOut(q2 + d); t2 += vec4(dot(w2, z0), dot(w2, z1), dot(w2, z2), dot(w2, z3));
      let w3 = loadDOut(q3 + d); t3 += vec4(dot(w3, z0), dot(w3, z1), dot(w3, z2), dot(w3, z3));
    }
    for (var d = whole; d < headDim; d++) {
      let y = vec4(k[k0 + d], k[k1 + d], k[k2 + d], k[k3 + d]);
      let z = vec4(v[k0 + d], v[k1 + d], v[k2 + d], v[k3 + d]);
      s0 += q[q0 + d] * y; t0 += dOut[q0 + d] * z;
      s1 += q[q1 + d] * y; t1 += dOut[q1 + d] * z;
      s2 += q[q2 + d] * y; t2 += dOut[q2 + d] * z;
      s3 += q[q3 + d] * y; t3 += dOut[q3 + d] * z;
    }
    let ds0 = shape.scale * weights(s0, lse0, i, j) * (t0 - delta0);
    let ds1 = shape.scale * weights(s1, lse1, i + 1u, j) * (t1 - delta1);
    let ds2 = shape.scale * weights(s2, lse2, i + 2u, j) * (t2 - delta2);
    let ds3 = shape.scale * weights(s3, lse3, i + 3u, j) * (t3 - delta3);
    for (var c = 0u; c < 4u; c++) {
      let y0 = loadK(k0 + chunk + 4u * c);
      let y1 = loadK(k1 + chunk + 4u * c);
      let y2 = loadK(k2 + chunk + 4u * c);
      let y3 = loadK(k3 + chunk + 4u * c);
      tile[c] += ds0.x * y0 + ds0.y * y1 + ds0.z * y2 + ds0.w * y3;
      tile[4u + c] += ds1.x * y0 + ds1.y * y1 + ds1.z * y2 + ds1.w * y3;
      tile[8u + c] += ds2.x * y0 + ds2.y * y1 + ds2.z * y2 + ds2.w * y3;
      tile[12u + c] += ds3.x * y0 + ds3.y * y1 + ds3.z * y2 + ds3.w * y3;
    }
  }
  let deltas = vec4(delta0, delta1, delta2, delta3);
  for (var r = 0u; r < 4u && i + r <= last; r++) {
    let at = (first + i + r) * shape.queryHeads + head;
    for (var d = 0u; d < min(16u, headDim - chunk); d++) { dq[at * headDim + chunk + d] = tile[r * 4u + d / 4u][d % 4u]; }
    if (chunk == 0u) { delta[at] = deltas[r]; }
  }
}
`,
  forward: `// Causal attention with grouped heads, never T x T in memory (online softmax, as FlashAttention):
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

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
  rope: `// Rotates each head's pair (u, w) = (x[i], x[i + HEAD_DIM/2]) by the angle of its position, in place (half-split, as rotate_half):
//   u' = u * cos - SIGN * w * sin,  w' = w * cos + SIGN * u * sin
// SIGN is 1 forward and -1 for gradients. table (2, SEQUENCE, HEAD_DIM/2): cos, then sin, from the CPU in f64.
// q (ROWS, QUERY_HEADS*HEAD_DIM), k (ROWS, KEY_HEADS*HEAD_DIM). Grid: linear over ROWS*(QUERY_HEADS+KEY_HEADS)*HEAD_DIM/2.
override ROWS: u32;
override SEQUENCE: u32;
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
override HEAD_DIM: u32;
override SIGN: f32;
@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>;
@group(0) @binding(2) var<storage, read_write> k: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = HEAD_DIM / 2u;
  let heads = QUERY_HEADS + KEY_HEADS;
  if (at >= ROWS * heads * half) { return; }
  let i = at % half;
  let head = at / half % heads;
  let row = at / half / heads;
  let angle = row % SEQUENCE * half + i;
  let cosine = table[angle];
  let sine = SIGN * table[SEQUENCE * half + angle];
  if (head < QUERY_HEADS) {
    let p = (row * QUERY_HEADS + head) * HEAD_DIM + i;
    let u = q[p];
    let w = q[p + half];
    q[p] = u * cosine - w * sine;
    q[p + half] = w * cosine + u * sine;
  } else {
    let p = (row * KEY_HEADS + head - QUERY_HEADS) * HEAD_DIM + i;
    let u = k[p];
    let w = k[p + half];
    k[p] = u * cosine - w * sine;
    k[p + half] = w * cosine + u * sine;
  }
}
`,
} as const;
