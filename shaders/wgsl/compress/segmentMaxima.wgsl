// The largest |coefficient| of every run of 64 in a tile, the lowest position among equals, as (magnitude bits + 1, position).
// First half of the exact top-k. One thread a segment, 64 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
@group(0) @binding(2) var<storage, read> coefficients: array<u32>; // f32 bits: |x| orders as an integer without its sign
@group(0) @binding(3) var<storage, read_write> maxima: array<vec2<u32>>; // (tileCount, 64)

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = itemOf(id, groups);
  let local = item / 64u;
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let total = tile.height * tile.width;
  let first = (item % 64u) * 64u;
  if (first >= total) { return; }
  let dense = tile.dense - batch.denseBase;
  var best = 0u; var position = 0u;
  for (var n = first; n < min(first + 64u, total); n++) {
    let key = (coefficients[dense + n] & 0x7fffffffu) + 1u;
    if (key > best) { best = key; position = n; }
  }
  maxima[item] = vec2<u32>(best, position);
}
