// Rotates the queries and keys of ROWS new tokens, which stand at positions step.position, step.position + 1, ..., and puts keys and
// values behind those that are cached:   q' = rope(q),  keys[position + r] = rope(k[r]),  values[position + r] = v[r]
// rope as in attention/rope.wgsl, half-split. table (2, positions, headDim/2): cos, then sin. q (rows, queryHeads*headDim): in place;
// k, v (rows, keyHeads*headDim); keys, values (positions, keyHeads*headDim), position + rows <= positions.
// Grid: linear over rows*(queryHeads + keyHeads)*headDim/2.
struct Shape { rows: u32, queryHeads: u32, keyHeads: u32, headDim: u32, positions: u32 }
struct Step { position: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;
@group(0) @binding(4) var<storage, read> k: array<f32>;
@group(0) @binding(5) var<storage, read> v: array<f32>;
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;
@group(0) @binding(7) var<storage, read_write> values: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = shape.headDim / 2u;
  let heads = shape.queryHeads + shape.keyHeads;
  if (at >= shape.rows * heads * half) { return; }
  let i = at % half;
  let head = at / half % heads;
  let row = at / half / heads;
  let position = step.position + row;
  let angle = position * half + i;
  let cosine = table[angle];
  let sine = table[shape.positions * half + angle];
  if (head < shape.queryHeads) {
    let p = (row * shape.queryHeads + head) * shape.headDim + i;
    let u = q[p];
    let w = q[p + half];
    q[p] = u * cosine - w * sine;
    q[p + half] = w * cosine + u * sine;
  } else {
    let source = (row * shape.keyHeads + head - shape.queryHeads) * shape.headDim + i;
    let to = (position * shape.keyHeads + head - shape.queryHeads) * shape.headDim + i;
    let u = k[source];
    let w = k[source + half];
    keys[to] = u * cosine - w * sine;
    keys[to + half] = w * cosine + u * sine;
    values[to] = v[source];
    values[to + half] = v[source + half];
  }
}
