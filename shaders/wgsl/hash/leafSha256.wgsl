// digest(tile) = sha256(0x00, tensor u32 LE, tile u32 LE, elements f32 LE row-major): a leaf of the parameter or residual tree.
// FIPS 180-4 in u32 arithmetic. The prefix byte shifts every word by one byte: message word n is the last byte of source
// word n-1 and the first three of source word n. One thread a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
@group(0) @binding(2) var<uniform> roundConstants: array<vec4<u32>, 16>;
@group(0) @binding(3) var<storage, read> values: array<u32>; // a pool, f32 bits
@group(0) @binding(4) var<storage, read_write> digests: array<u32>; // (tiles of the pool, 8), bytes in order

// the four bytes of a little-endian word in the order in which sha256 reads them
fn swapBytes(x: u32) -> u32 { return ((x & 0xffu) << 24u) | ((x & 0xff00u) << 8u) | ((x >> 8u) & 0xff00u) | (x >> 24u); }
fn rotr(x: u32, n: u32) -> u32 { return (x >> n) | (x << (32u - n)); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let local = itemOf(id, groups);
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let sourceWords = 2u + tile.height * tile.width; // tensor, tile, elements
  let bytes = 1u + 4u * sourceWords;
  let blocks = (bytes + 9u + 63u) / 64u; // 0x80 and the 64-bit length follow
  var column = 0u; var at = tile.element;
  var previous = 0u; // byte-swapped source word n-1; its low byte opens message word n

  var h0 = 0x6a09e667u; var h1 = 0xbb67ae85u; var h2 = 0x3c6ef372u; var h3 = 0xa54ff53au;
  var h4 = 0x510e527fu; var h5 = 0x9b05688cu; var h6 = 0x1f83d9abu; var h7 = 0x5be0cd19u;
  var w: array<u32, 16>;
  for (var block = 0u; block < blocks; block++) {
    for (var i = 0u; i < 16u; i++) {
      let n = block * 16u + i;
      var word = 0u;
      if (n < sourceWords) {
        var source = tile.tensor;
        if (n == 1u) { source = tile.index; }
        if (n >= 2u) {
          source = values[at + column];
          column++;
          if (column == tile.width) { column = 0u; at += tile.stride; }
        }
        source = swapBytes(source);
        word = (previous << 24u) | (source >> 8u);
        previous = source;
      } else if (n == sourceWords) {
        word = (previous << 24u) | 0x800000u;
      } else if (n == blocks * 16u - 1u) {
        word = bytes * 8u;
      }
      w[i] = word;
    }
    var a = h0; var b = h1; var c = h2; var d = h3; var e = h4; var f = h5; var g = h6; var h = h7;
    for (var round = 0u; round < 64u; round++) {
      let i = round & 15u;
      if (round >= 16u) {
        let w15 = w[(i + 1u) & 15u]; let w2 = w[(i + 14u) & 15u];
        let s0 = rotr(w15, 7u) ^ rotr(w15, 18u) ^ (w15 >> 3u);
        let s1 = rotr(w2, 17u) ^ rotr(w2, 19u) ^ (w2 >> 10u);
        w[i] = w[i] + s0 + w[(i + 9u) & 15u] + s1;
      }
      let big1 = rotr(e, 6u) ^ rotr(e, 11u) ^ rotr(e, 25u);
      let choice = (e & f) ^ (~e & g);
      let t1 = h + big1 + choice + roundConstants[round / 4u][round % 4u] + w[i];
      let big0 = rotr(a, 2u) ^ rotr(a, 13u) ^ rotr(a, 22u);
      let majority = (a & b) ^ (a & c) ^ (b & c);
      h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + big0 + majority;
    }
    h0 += a; h1 += b; h2 += c; h3 += d; h4 += e; h5 += f; h6 += g; h7 += h;
  }
  let out = (batch.firstTile + local) * 8u;
  digests[out] = swapBytes(h0); digests[out + 1u] = swapBytes(h1); digests[out + 2u] = swapBytes(h2); digests[out + 3u] = swapBytes(h3);
  digests[out + 4u] = swapBytes(h4); digests[out + 5u] = swapBytes(h5); digests[out + 6u] = swapBytes(h6); digests[out + 7u] = swapBytes(h7);
}
