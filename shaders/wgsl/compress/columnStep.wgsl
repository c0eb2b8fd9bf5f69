// Integer decode, 3 of 3, with the step: A(i, j) = sum_r b18(r, i) * Y(r, j), exact in 45 bits; master -= lr * sign(A), where
// sign is 0 inside the dead zone |A| <= Z. The step subtracts lr, 0 or -lr: one float operation a stored value.
// lo = sum b18 * Y mod 2^32 and H = sum b13 * ((Y + 128) >> 8) give A = H * 2^13 + wrap(lo - (H << 13)).
// Even and odd rows r apart give i and its mirror. One thread a (tile, 8 rows and their mirrors, column), 256 threads a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
// #include "prelude/decode.wgsl"
// #include "prelude/canonical.wgsl"
@group(0) @binding(2) var<uniform> decode: Decode;
@group(0) @binding(3) var<storage, read> rowSums: array<i32>;
@group(0) @binding(4) var<storage, read> slot: array<u32>;
@group(0) @binding(5) var<storage, read> head: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> basis18: array<vec4<i32>>; // [side].x = start of (side, pad8(half) / 8, [b18 x 8, b13 x 8])
@group(0) @binding(7) var<storage, read_write> master: array<u32>; // f32 bits

// sign of (h * 2^13 + d) + mirror * (h2 * 2^13 + d2), 0 where its magnitude is at most z
fn signs(h: vec4<i32>, d: vec4<i32>, h2: vec4<i32>, d2: vec4<i32>, mirror: i32, z: u32) -> vec4<i32> {
  let carry = (d >> vec4(13u)) + mirror * (d2 >> vec4(13u));
  let rest = (d & vec4(8191)) + mirror * (d2 & vec4(8191));
  let top = h + mirror * h2 + carry + (rest >> vec4(13u));
  let low = rest & vec4(8191); // the value is top * 2^13 + low
  let negative = top < vec4(0);
  let borrow = select(vec4(0), vec4(1), low > vec4(0));
  let magnitudeTop = select(top, -(top + borrow), negative);
  let magnitudeLow = select(low, (vec4(8192) - low) & vec4(8191), negative);
  let zTop = vec4(i32(z >> 13u)); let zLow = vec4(i32(z & 8191u));
  let zero = (magnitudeTop < zTop) | ((magnitudeTop == zTop) & (magnitudeLow <= zLow));
  return select(select(vec4(1), vec4(-1), negative), vec4(0), zero);
}

fn stepElement(at: u32, direction: i32) {
  let delta = select(select(decode.learningRate, -decode.learningRate, direction < 0), 0.0, direction == 0);
  master[at] = canonicalOne(bitcast<u32>(bitcast<f32>(master[at]) - delta));
}

fn stepRows(i: u32, tile: Tile, j: u32, forward: vec4<i32>, mirrored: vec4<i32>) {
  let half = (tile.height + 1u) / 2u;
  for (var u = 0u; u < 4u; u++) {
    if (i + u >= half) { return; }
    stepElement(tile.element + (i + u) * tile.stride + j, forward[u]);
    let other = tile.height - 1u - i - u;
    if (other != i + u) { stepElement(tile.element + other * tile.stride + j, mirrored[u]); } // the middle row is its own mirror
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = itemOf(id, groups);
  let local = item / 256u;
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let j = item % 64u;
  let block = (item % 256u) / 64u;
  let blocks = ((tile.height + 1u) / 2u + 7u) / 8u;
  if (j >= tile.width || block >= blocks) { return; }
  let info = head[local];
  let column = tile.dense - batch.denseBase + j;
  let table = u32(basis18[tile.height].x) + block * 4u;

  var el = vec4<i32>(0); var eL = el; var eh = el; var eH = el; // even rows: lo and H of 4 + 4 outputs
  var ol = el; var oL = el; var oh = el; var oH = el;
  for (var s = 0u; s < info.y; s++) {
    let y = rowSums[column + s * tile.width];
    let estimate = (y + 128) >> 8u;
    let b = table + (slot[local * 64u + s] & 63u) * blocks * 4u;
    el += basis18[b] * y; eL += basis18[b + 1u] * y;
    eh += basis18[b + 2u] * estimate; eH += basis18[b + 3u] * estimate;
  }
  for (var s = info.y; s < info.z; s++) {
    let y = rowSums[column + s * tile.width];
    let estimate = (y + 128) >> 8u;
    let b = table + (slot[local * 64u + s] & 63u) * blocks * 4u;
    ol += basis18[b] * y; oL += basis18[b + 1u] * y;
    oh += basis18[b + 2u] * estimate; oH += basis18[b + 3u] * estimate;
  }
  el -= eh << vec4(13u); eL -= eH << vec4(13u); ol -= oh << vec4(13u); oL -= oH << vec4(13u);
  stepRows(block * 8u, tile, j, signs(eh, el, oh, ol, 1, info.w), signs(eh, el, oh, ol, -1, info.w));
  stepRows(block * 8u + 4u, tile, j, signs(eH, eL, oH, oL, 1, info.w), signs(eH, eL, oH, oL, -1, info.w));
}
