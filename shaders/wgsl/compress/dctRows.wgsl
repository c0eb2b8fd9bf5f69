// out(k, r) = sum_j x(r, j) * C(j, k): the orthonormal DCT-II of each row of a tile, written transposed. Run twice it is
// the 2-D transform: PASS 0 takes rows of the residual, PASS 1 rows of PASS 0's output. A 1-D tile (height 1) has C = 1 in PASS 1.
// Even outputs see x(j) + x(mirror), odd ones x(j) - x(mirror): half the products.
// One thread 4 rows x 8 outputs, all in registers: no barriers, no workgroup memory. 128 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
@group(0) @binding(2) var<storage, read> basis: array<vec4<f32>>; // [side].x = start of (half, pad8(side) / 8, [even x 4, odd x 4])
@group(0) @binding(3) var<storage, read> input: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
override PASS: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = itemOf(id, groups);
  let local = item / 128u;
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let dense = tile.dense - batch.denseBase;
  var rows = tile.height; var length = tile.width; var start = tile.element; var stride = tile.stride;
  if (PASS == 1u) { rows = tile.width; length = tile.height; start = dense; stride = tile.height; }
  let row = ((item % 128u) / 8u) * 4u;
  let first = (item % 8u) * 8u;
  if (row >= rows || first >= length) { return; }

  // rows past the edge repeat the last one and are not stored
  let x0 = start + row * stride;
  let x1 = start + min(row + 1u, rows - 1u) * stride;
  let x2 = start + min(row + 2u, rows - 1u) * stride;
  let x3 = start + min(row + 3u, rows - 1u) * stride;
  let step = ((length + 7u) / 8u) * 2u;
  var at = u32(basis[length].x) + first / 4u;
  var e0 = vec4<f32>(0); var o0 = e0; var e1 = e0; var o1 = e0; var e2 = e0; var o2 = e0; var e3 = e0; var o3 = e0;
  for (var j = 0u; j < length / 2u; j++) {
    let even = basis[at]; let odd = basis[at + 1u];
    at += step;
    let mirror = length - 1u - j;
    let l = vec4(input[x0 + j], input[x1 + j], input[x2 + j], input[x3 + j]);
    let r = vec4(input[x0 + mirror], input[x1 + mirror], input[x2 + mirror], input[x3 + mirror]);
    let sum = l + r; let difference = l - r;
    e0 += even * sum.x; o0 += odd * difference.x;
    e1 += even * sum.y; o1 += odd * difference.y;
    e2 += even * sum.z; o2 += odd * difference.z;
    e3 += even * sum.w; o3 += odd * difference.w;
  }
  if (length % 2u == 1u) { // the middle is its own mirror; odd outputs have a zero there
    let even = basis[at];
    let j = length / 2u;
    e0 += even * input[x0 + j]; e1 += even * input[x1 + j]; e2 += even * input[x2 + j]; e3 += even * input[x3 + j];
  }
  let out = dense + first * rows + row;
  let count = min(8u, length - first);
  store(out, rows, count, e0, o0);
  if (row + 1u < rows) { store(out + 1u, rows, count, e1, o1); }
  if (row + 2u < rows) { store(out + 2u, rows, count, e2, o2); }
  if (row + 3u < rows) { store(out + 3u, rows, count, e3, o3); }
}

fn store(out: u32, rows: u32, count: u32, even: vec4<f32>, odd: vec4<f32>) {
  for (var k = 0u; k < count; k++) { output[out + k * rows] = select(even, odd, (k & 1u) == 1u)[k / 2u]; }
}
