// out(k, r) = sum_j x(r, j) * C(j, k): the orthonormal DCT-II of each row of a tile, written transposed. Run twice it is
// the 2-D transform: PASS 0 takes rows of the residual, PASS 1 rows of PASS 0's output. A 1-D tile (height 1) has C = 1 in PASS 1.
// One thread 4 rows x 8 outputs, all in registers: no barriers, no workgroup memory. 128 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
@group(0) @binding(2) var<storage, read> basis: array<vec4<f32>>; // [side].x = start of that side's (side, pad8(side)) table
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
  var a0 = vec4<f32>(0); var b0 = a0; var a1 = a0; var b1 = a0; var a2 = a0; var b2 = a0; var a3 = a0; var b3 = a0;
  for (var j = 0u; j < length; j++) {
    let a = basis[at]; let b = basis[at + 1u];
    let v0 = input[x0 + j]; let v1 = input[x1 + j]; let v2 = input[x2 + j]; let v3 = input[x3 + j];
    a0 += a * v0; b0 += b * v0;
    a1 += a * v1; b1 += b * v1;
    a2 += a * v2; b2 += b * v2;
    a3 += a * v3; b3 += b * v3;
    at += step;
  }
  let out = dense + first * rows + row;
  let count = min(8u, length - first);
  store(out, rows, count, a0, b0);
  if (row + 1u < rows) { store(out + 1u, rows, count, a1, b1); }
  if (row + 2u < rows) { store(out + 2u, rows, count, a2, b2); }
  if (row + 3u < rows) { store(out + 3u, rows, count, a3, b3); }
}

fn store(out: u32, rows: u32, count: u32, a: vec4<f32>, b: vec4<f32>) {
  for (var k = 0u; k < min(4u, count); k++) { output[out + k * rows] = a[k]; }
  for (var k = 4u; k < count; k++) { output[out + k * rows] = b[k - 4u]; }
}
