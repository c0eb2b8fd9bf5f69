// Integer decode, 2 of 3: Y(slot, j) = floor(sum_d q(slot, d) * b30(d, j) / 2^35 + 1/2), the sum exact in 64 bits.
// Even and odd columns d apart give j and its mirror. One thread a (tile, slot, j < 32), 2048 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
// #include "prelude/decode.wgsl"
@group(0) @binding(2) var<uniform> decode: Decode;
@group(0) @binding(3) var<storage, read> coef: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> slot: array<u32>;
@group(0) @binding(5) var<storage, read> head: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> basis30: array<i32>; // [side] = start of that side's (side, pad8(half)) table
@group(0) @binding(7) var<storage, read_write> rowSums: array<i32>; // Y: (slot, width) of each tile

// signed 32 x 32 -> 64 bits, from 16-bit limbs
fn multiply(q: u32, b: i32) -> vec2<u32> {
  let negative = (q >> 31u) ^ (u32(b) >> 31u);
  let x = u32(abs(i32(q))); let y = u32(abs(b));
  let x0 = x & 0xffffu; let x1 = x >> 16u; let y0 = y & 0xffffu; let y1 = y >> 16u;
  let p = x0 * y0; let r = x0 * y1; let s = x1 * y0;
  let middle = (p >> 16u) + (r & 0xffffu) + (s & 0xffffu);
  var low = (p & 0xffffu) | (middle << 16u);
  var high = x1 * y1 + (r >> 16u) + (s >> 16u) + (middle >> 16u);
  if (negative == 1u) { low = ~low + 1u; high = ~high + select(0u, 1u, low == 0u); }
  return vec2(low, high);
}
fn add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2(low, a.y + b.y + select(0u, 1u, low < b.x));
}
// (a + 2^34) >> 35
fn rounded(a: vec2<u32>) -> i32 { return i32(a.y + 4u) >> 3u; }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = itemOf(id, groups);
  let local = item / 2048u;
  if (local >= batch.tileCount) { return; }
  let s = (item % 2048u) / 32u;
  if (s >= head[local].z) { return; }
  let tile = tiles[batch.firstTile + local];
  let half = (tile.width + 1u) / 2u;
  let j = item % 32u;
  if (j >= half) { return; }
  let pad = ((half + 7u) / 8u) * 8u;
  let table = u32(basis30[tile.width]) + j;
  let entry = slot[local * 64u + s];
  let first = coefStart(decode, tile) + ((entry >> 6u) & 4095u);
  let end = first + (entry >> 18u);
  var even = vec2<u32>(0u); var odd = vec2<u32>(0u);
  for (var n = first; n < end; n++) {
    let c = coef[n].xy;
    let column = c.x % tile.width;
    let product = multiply(c.y, basis30[table + column * pad]);
    if ((column & 1u) == 0u) { even = add(even, product); } else { odd = add(odd, product); }
  }
  let at = tile.dense - batch.denseBase + s * tile.width;
  rowSums[at + j] = rounded(add(even, odd));
  rowSums[at + tile.width - 1u - j] = rounded(add(add(even, ~odd), vec2(1u, 0u)));
}
