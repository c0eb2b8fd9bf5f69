// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
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

// #include "prelude/linearIndex.wgsl"

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
