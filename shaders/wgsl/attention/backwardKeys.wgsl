// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueries.wgsl:
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
