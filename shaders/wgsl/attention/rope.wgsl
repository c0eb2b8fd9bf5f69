// Rotates each head's pair (u, w) = (x[i], x[i + HEAD_DIM/2]) by the angle of its position, in place (half-split, as rotate_half):
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
@group(0) @binding(1) var<storage, read_write> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read_write> k: array<f32>; // storage: k

// #include "prelude/linearIndex.wgsl"

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
    let u = get_q(p);
    let w = get_q(p + half);
    set_q(p, u * cosine - w * sine);
    set_q(p + half, w * cosine + u * sine);
  } else {
    let p = (row * KEY_HEADS + head - QUERY_HEADS) * HEAD_DIM + i;
    let u = get_k(p);
    let w = get_k(p + half);
    set_k(p, u * cosine - w * sine);
    set_k(p + half, w * cosine + u * sine);
  }
}
