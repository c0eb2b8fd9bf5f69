// residual -= IDCT(what this client itself sent, unquantised): element (i, j) loses sum_n value_n * C(b_n, i) * C(d_n, j).
// Sparse: topk outer products a tile instead of a dense inverse. One thread 4 x 4 elements, 256 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
@group(0) @binding(2) var<storage, read> inverseBasis: array<vec4<f32>>; // [side].x = start of that side's (k, pad8(i)) table
@group(0) @binding(3) var<storage, read> sentIndex: array<u32>;
@group(0) @binding(4) var<storage, read> sentValue: array<f32>;
@group(0) @binding(5) var<storage, read_write> residual: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = itemOf(id, groups);
  let local = item / 256u;
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let i = ((item % 256u) / 16u) * 4u;
  let j = (item % 16u) * 4u;
  if (i >= tile.height || j >= tile.width) { return; }

  let rowTable = u32(inverseBasis[tile.height].x) + i / 4u;
  let columnTable = u32(inverseBasis[tile.width].x) + j / 4u;
  let rowStep = ((tile.height + 7u) / 8u) * 2u;
  let columnStep = ((tile.width + 7u) / 8u) * 2u;
  var r0 = vec4<f32>(0); var r1 = r0; var r2 = r0; var r3 = r0;
  for (var n = tile.sent; n < tile.sent + tile.topk; n++) {
    let index = sentIndex[n];
    let down = inverseBasis[rowTable + (index / tile.width) * rowStep] * sentValue[n];
    let across = inverseBasis[columnTable + (index % tile.width) * columnStep];
    r0 += across * down.x; r1 += across * down.y; r2 += across * down.z; r3 += across * down.w;
  }
  let at = tile.element + i * tile.stride + j;
  let count = min(4u, tile.width - j);
  subtract(at, count, r0);
  if (i + 1u < tile.height) { subtract(at + tile.stride, count, r1); }
  if (i + 2u < tile.height) { subtract(at + 2u * tile.stride, count, r2); }
  if (i + 3u < tile.height) { subtract(at + 3u * tile.stride, count, r3); }
}

fn subtract(at: u32, count: u32, values: vec4<f32>) {
  for (var c = 0u; c < count; c++) { residual[at + c] -= values[c]; }
}
