// Generated from shaders/wgsl/compress by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  columnStep: `// Integer decode, 3 of 3, with the step: A(i, j) = sum_r b18(r, i) * Y(r, j), exact in 45 bits; master -= lr * sign(A), where
// sign is 0 inside the dead zone |A| <= Z. The step subtracts lr, 0 or -lr: one float operation a stored value.
// lo = sum b18 * Y mod 2^32 and H = sum b13 * ((Y + 128) >> 8) give A = H * 2^13 + wrap(lo - (H << 13)).
// Even and odd rows r apart give i and its mirror. One thread a (tile, 8 rows and their mirrors, column), 256 threads a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
// What one decode needs beside the tile table. coef starts: whichever bound on the merged list is smaller over the batch.
struct Decode { peers: u32, oneBit: u32, coefBySent: u32, learningRate: f32, sum: u32 }
fn coefStart(decode: Decode, tile: Tile) -> u32 {
  return select(tile.dense - batch.denseBase, decode.peers * (tile.sent - batch.sentBase), decode.coefBySent == 1u);
}
// A value below 2^-125 becomes +0: adapters differ in flushing denormals, before rounding or after (DESIGN.md section 4).
fn canonical(bits: vec4<u32>) -> vec4<u32> { return select(bits, vec4<u32>(0u), (bits & vec4<u32>(0x7f000000u)) == vec4<u32>(0u)); }
fn canonicalOne(bits: u32) -> u32 { return select(bits, 0u, (bits & 0x7f000000u) == 0u); }
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
`,
  dctRows: `// out(k, r) = sum_j x(r, j) * C(j, k): the orthonormal DCT-II of each row of a tile, written transposed. Run twice it is
// the 2-D transform: PASS 0 takes rows of the residual, PASS 1 rows of PASS 0's output. A 1-D tile (height 1) has C = 1 in PASS 1.
// Even outputs see x(j) + x(mirror), odd ones x(j) - x(mirror): half the products.
// One thread 4 rows x 8 outputs, all in registers: no barriers, no workgroup memory. 128 threads a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
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
`,
  decay: `// master = canonical(master * factor), over a whole pool; factor = fround(1 - fround(lr * weightDecay)), from the host.
// One float operation a stored value and a dispatch of its own: fused with the step, a compiler may contract the two.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// A value below 2^-125 becomes +0: adapters differ in flushing denormals, before rounding or after (DESIGN.md section 4).
fn canonical(bits: vec4<u32>) -> vec4<u32> { return select(bits, vec4<u32>(0u), (bits & vec4<u32>(0x7f000000u)) == vec4<u32>(0u)); }
fn canonicalOne(bits: u32) -> u32 { return select(bits, 0u, (bits & 0x7f000000u) == 0u); }
struct Decay { factor: f32 }
@group(0) @binding(0) var<uniform> decay: Decay;
@group(0) @binding(1) var<storage, read_write> master: array<vec4<u32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&master)) { return; }
  master[i] = canonical(bitcast<vec4<u32>>(bitcast<vec4<f32>>(master[i]) * decay.factor));
}
`,
  lookahead: `// compute = master - lr * sign(residual), over a whole pool: the point at which the overlapped pipeline takes its gradient.
// Only the compute copy is written, in whatever storage it has: nothing here need be equal between adapters. One thread four elements.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
struct Lookahead { learningRate: f32 }
@group(0) @binding(0) var<uniform> lookahead: Lookahead;
@group(0) @binding(1) var<storage, read> master: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> compute: array<f32>; // storage: compute vec4

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&compute)) { return; }
  set4_compute(4u * i, master[i] - lookahead.learningRate * sign(residual[i]));
}
`,
  mergeSent: `// Integer decode, 1 of 3: the peers' rising lists of a tile become one list of normalised fixed-point means, its rows, and
// the dead zone Z; with decode.sum, of sums. Formats and proofs: reference/compress/integerDecode.ts, which this must equal to the bit.
// One thread a tile, O(nonzero * peers) steps.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
// What one decode needs beside the tile table. coef starts: whichever bound on the merged list is smaller over the batch.
struct Decode { peers: u32, oneBit: u32, coefBySent: u32, learningRate: f32, sum: u32 }
fn coefStart(decode: Decode, tile: Tile) -> u32 {
  return select(tile.dense - batch.denseBase, decode.peers * (tile.sent - batch.sentBase), decode.coefBySent == 1u);
}
@group(0) @binding(2) var<uniform> decode: Decode;
@group(0) @binding(3) var<storage, read> sentIndex: array<u32>; // (peers, batch.sentCount); 0xffffffff: not sent by this peer
@group(0) @binding(4) var<storage, read> sentValue: array<u32>; // f32 bits; 1-bit: only the sign counts
@group(0) @binding(5) var<storage, read_write> cursor: array<u32>; // (tileCount, peers): entries of the list consumed
@group(0) @binding(6) var<storage, read_write> coef: array<vec4<u32>>; // position, q, mean low, mean high | sign << 31
@group(0) @binding(7) var<storage, read_write> slot: array<u32>; // (tileCount, 64): row | first << 6 | count << 18, even rows first
@group(0) @binding(8) var<storage, read_write> head: array<vec4<u32>>; // (tileCount): nonzero means, even slots, slots, Z

// logical shift right of a 64-bit number by any amount
fn shiftRight(low: u32, high: u32, by: u32) -> vec2<u32> {
  if (by == 0u) { return vec2(low, high); }
  if (by >= 64u) { return vec2(0u); }
  if (by >= 32u) { return vec2(high >> (by - 32u), 0u); }
  return vec2((low >> by) | (high << (32u - by)), high >> by);
}
// low word of the number shifted right by g, or left by -g
fn scaled(low: u32, high: u32, g: i32) -> u32 {
  if (g >= 0) { return shiftRight(low, high, u32(g)).x; }
  return low << u32(-g);
}
fn negate(a: vec2<u32>) -> vec2<u32> {
  let low = ~a.x + 1u;
  return vec2(low, ~a.y + select(0u, 1u, low == 0u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let local = itemOf(id, groups);
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let sent = tile.sent - batch.sentBase;
  let cursors = local * decode.peers;
  var exponent = 0u; // largest biased exponent of any value sent for this tile
  for (var p = 0u; p < decode.peers; p++) {
    cursor[cursors + p] = 0u;
    if (decode.oneBit == 0u) {
      for (var n = 0u; n < tile.topk; n++) {
        exponent = max(exponent, (sentValue[p * batch.sentCount + sent + n] >> 23u) & 255u);
      }
    }
  }

  let base = coefStart(decode, tile);
  var nonzero = 0u; var largest = vec2<u32>(0u);
  loop {
    var position = 0xffffffffu;
    for (var p = 0u; p < decode.peers; p++) {
      let at = cursor[cursors + p];
      if (at < tile.topk) { position = min(position, sentIndex[p * batch.sentCount + sent + at]); }
    }
    if (position == 0xffffffffu) { break; }
    var sum = vec2<u32>(0u); var count = 0u;
    for (var p = 0u; p < decode.peers; p++) {
      let at = cursor[cursors + p];
      if (at >= tile.topk) { continue; }
      let entry = p * batch.sentCount + sent + at;
      if (sentIndex[entry] != position) { continue; }
      let bits = sentValue[entry];
      var magnitude = vec2(0u, 16384u); // 2^46
      if (decode.oneBit == 0u) {
        let x = (bits >> 23u) & 255u;
        magnitude = vec2(0u);
        if (x != 0u) { // mantissa << 31, aligned to the largest exponent
          let mantissa = (bits & 0x7fffffu) | 0x800000u;
          magnitude = shiftRight(mantissa << 31u, mantissa >> 1u, exponent - x);
        }
      }
      if ((bits >> 31u) == 1u) { magnitude = negate(magnitude); }
      let low = sum.x + magnitude.x;
      sum = vec2(low, sum.y + magnitude.y + select(0u, 1u, low < magnitude.x));
      count++;
      cursor[cursors + p] = at + 1u;
    }
    if (decode.sum == 1u) { count = 1u; }
    let negative = sum.y >> 31u;
    if (negative == 1u) { sum = negate(sum); }
    // |sum| / count, 16 bits at a time
    let high = sum.y / count;
    var rest = sum.y % count;
    let a1 = (rest << 16u) | (sum.x >> 16u);
    let q1 = a1 / count;
    rest = a1 % count;
    let q0 = ((rest << 16u) | (sum.x & 0xffffu)) / count;
    let low = (q1 << 16u) | q0;
    if ((high | low) == 0u) { continue; }
    coef[base + nonzero] = vec4(position, 0u, low, high | (negative << 31u));
    nonzero++;
    if (high > largest.y || (high == largest.y && low > largest.x)) { largest = vec2(low, high); }
  }
  if (nonzero == 0u) { head[local] = vec4(0u); return; }

  var bitLength = 32 - i32(countLeadingZeros(largest.x));
  if (largest.y != 0u) { bitLength = 64 - i32(countLeadingZeros(largest.y)); }
  var upper = 0u; // bound on the sum of means, in units of 2^12 of a 31-bit largest mean
  for (var n = 0u; n < nonzero; n++) {
    let c = coef[base + n];
    upper += (scaled(c.z, c.w & 0x7fffffffu, bitLength - 31) >> 12u) + 1u;
  }
  var headroom = 0u;
  while (upper > (0x7c000u << headroom)) { headroom++; }
  let shift = bitLength - 31 + i32(headroom);
  var norm = 0u; // S, the L1 norm of q
  for (var n = 0u; n < nonzero; n++) {
    let c = coef[base + n];
    var low = c.z; var high = c.w & 0x7fffffffu;
    if (shift > 0) { // round to nearest
      let bit = u32(shift - 1);
      var addLow = 0u; var addHigh = 0u;
      if (bit < 32u) { addLow = 1u << bit; } else { addHigh = 1u << (bit - 32u); }
      low += addLow;
      high += addHigh + select(0u, 1u, low < addLow);
    }
    let q = scaled(low, high, shift);
    norm += q;
    coef[base + n].y = select(q, ~q + 1u, (c.w >> 31u) == 1u);
  }

  var even = 0u; var slots = 0u;
  for (var parity = 0u; parity < 2u; parity++) {
    var last = 64u;
    for (var n = 0u; n < nonzero; n++) {
      let row = coef[base + n].x / tile.width;
      if ((row & 1u) != parity) { continue; }
      if (row != last) {
        slot[local * 64u + slots] = row | (n << 6u);
        slots++;
        last = row;
      }
      slot[local * 64u + slots - 1u] += 1u << 18u;
    }
    if (parity == 0u) { even = slots; }
  }
  head[local] = vec4(nonzero, even, slots, (norm >> 6u) + (slots << 17u) + (nonzero << 12u) + (1u << 18u));
}
`,
  residualUpdate: `// residual = decay * residual + lr * gradient, over a whole pool. One thread four elements.
// A gradient element that is not finite counts as 0: one bad micro-batch must not poison the residual until the epoch ends.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
struct Update { decay: f32, learningRate: f32 }
@group(0) @binding(0) var<uniform> update: Update;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> residual: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&residual)) { return; }
  let bits = gradient[i];
  let finite = select(bits, vec4<u32>(0u), (bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u));
  residual[i] = update.decay * residual[i] + update.learningRate * bitcast<vec4<f32>>(finite);
}
`,
  rowPass: `// Integer decode, 2 of 3: Y(slot, j) = floor(sum_d q(slot, d) * b30(d, j) / 2^35 + 1/2), the sum exact in 64 bits.
// Even and odd columns d apart give j and its mirror. One thread a (tile, slot, j < 32), 2048 threads a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
// What one decode needs beside the tile table. coef starts: whichever bound on the merged list is smaller over the batch.
struct Decode { peers: u32, oneBit: u32, coefBySent: u32, learningRate: f32, sum: u32 }
fn coefStart(decode: Decode, tile: Tile) -> u32 {
  return select(tile.dense - batch.denseBase, decode.peers * (tile.sent - batch.sentBase), decode.coefBySent == 1u);
}
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
`,
  segmentMaxima: `// The largest |coefficient| of every run of 64 in a tile, the lowest position among equals, as (magnitude bits + 1, position).
// First half of the exact top-k. One thread a segment, 64 threads a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
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
`,
  subtractSent: `// residual -= IDCT(what this client itself sent, unquantised): element (i, j) loses sum_n value_n * C(b_n, i) * C(d_n, j).
// Sparse: topk outer products a tile instead of a dense inverse. One thread 4 x 4 elements, 256 threads a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
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
`,
  topK: `// The exact topk coefficients of largest magnitude of a tile; the lower position wins among equals; stored by rising position.
// Takes the best segment topk times and rescans only that segment for its next best; the last one taken is the threshold of
// the collecting pass. topk * 128 steps a tile. One thread a tile.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
@group(0) @binding(2) var<storage, read> coefficients: array<u32>;
@group(0) @binding(3) var<storage, read_write> maxima: array<vec2<u32>>; // of segmentMaxima; consumed
@group(0) @binding(4) var<storage, read_write> sentIndex: array<u32>;
@group(0) @binding(5) var<storage, read_write> sentValue: array<u32>; // f32 bits

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let local = itemOf(id, groups);
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let total = tile.height * tile.width;
  let segments = (total + 63u) / 64u;
  let dense = tile.dense - batch.denseBase;
  var touched = vec2<u32>(0u); // one bit a segment
  var last = vec2<u32>(0u);
  for (var n = 0u; n < tile.topk; n++) {
    last = vec2<u32>(0u); var segment = 0u;
    for (var s = 0u; s < segments; s++) {
      let candidate = maxima[local * 64u + s];
      if (candidate.x > last.x) { last = candidate; segment = s; }
    }
    touched[segment / 32u] |= 1u << (segment % 32u);
    var next = vec2<u32>(0u); // key 0: this segment is exhausted
    for (var p = segment * 64u; p < min(segment * 64u + 64u, total); p++) {
      let key = (coefficients[dense + p] & 0x7fffffffu) + 1u;
      if (key > next.x && (key < last.x || (key == last.x && p > last.y))) { next = vec2<u32>(key, p); }
    }
    maxima[local * 64u + segment] = next;
  }
  var out = tile.sent;
  for (var s = 0u; s < segments; s++) {
    if (((touched[s / 32u] >> (s % 32u)) & 1u) == 0u) { continue; }
    for (var p = s * 64u; p < min(s * 64u + 64u, total); p++) {
      let bits = coefficients[dense + p];
      let key = (bits & 0x7fffffffu) + 1u;
      if (key > last.x || (key == last.x && p <= last.y)) { sentIndex[out] = p; sentValue[out] = bits; out++; }
    }
  }
}
`,
} as const;
