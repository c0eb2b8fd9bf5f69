// Integer decode, 1 of 3: the peers' rising lists of a tile become one list of normalised fixed-point means, its rows, and
// the dead zone Z; with decode.sum, of sums. Formats and proofs: reference/compress/integerDecode.ts, which this must equal to the bit.
// One thread a tile, O(nonzero * peers) steps.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
// #include "prelude/decode.wgsl"
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
