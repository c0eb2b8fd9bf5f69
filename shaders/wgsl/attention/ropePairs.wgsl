// rope.wgsl for a HEAD_DIM that four divides and q, k in any storage: a thread takes two neighbouring pairs of a head.
// Grid: linear over ROWS*(QUERY_HEADS+KEY_HEADS)*HEAD_DIM/4.
override ROWS: u32;
override SEQUENCE: u32;
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
override HEAD_DIM: u32;
override SIGN: f32;
@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read_write> k: array<f32>; // storage: k

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = HEAD_DIM / 2u;
  let steps = half / 2u;
  let heads = QUERY_HEADS + KEY_HEADS;
  if (at >= ROWS * heads * steps) { return; }
  let i = 2u * (at % steps);
  let head = at / steps % heads;
  let row = at / steps / heads;
  let angle = row % SEQUENCE * half + i;
  let cosine = vec2<f32>(table[angle], table[angle + 1u]);
  let sine = SIGN * vec2<f32>(table[SEQUENCE * half + angle], table[SEQUENCE * half + angle + 1u]);
  if (head < QUERY_HEADS) {
    let p = (row * QUERY_HEADS + head) * HEAD_DIM + i;
    let u = get2_q(p);
    let w = get2_q(p + half);
    set2_q(p, u * cosine - w * sine);
    set2_q(p + half, w * cosine + u * sine);
  } else {
    let p = (row * KEY_HEADS + head - QUERY_HEADS) * HEAD_DIM + i;
    let u = get2_k(p);
    let w = get2_k(p + half);
    set2_k(p, u * cosine - w * sine);
    set2_k(p + half, w * cosine + u * sine);
  }
}
