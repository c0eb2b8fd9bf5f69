// Generated from shaders/wgsl/hash by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  leafSha256: `// digest(tile) = sha256(0x00, tensor u32 LE, tile u32 LE, elements f32 LE row-major): a leaf of the parameter or residual tree.
// FIPS 180-4 in u32 arithmetic. The prefix byte shifts every word by one byte: message word n is the last byte of source
// word n-1 and the first three of source word n. Rounds and schedule are written out in 16 named words, which stay in
// registers; an indexed array would not. One thread a tile.
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
@group(0) @binding(2) var<uniform> roundConstants: array<vec4<u32>, 16>;
@group(0) @binding(3) var<storage, read> values: array<u32>; // a pool, f32 bits
@group(0) @binding(4) var<storage, read_write> digests: array<u32>; // (tiles of the pool, 8), bytes in order

// the four bytes of a little-endian word in the order in which sha256 reads them
fn swapBytes(x: u32) -> u32 { return ((x & 0xffu) << 24u) | ((x & 0xff00u) << 8u) | ((x >> 8u) & 0xff00u) | (x >> 24u); }
fn rotr(x: u32, n: u32) -> u32 { return (x >> n) | (x << (32u - n)); }
fn mixE(e: u32, f: u32, g: u32) -> u32 { return (rotr(e, 6u) ^ rotr(e, 11u) ^ rotr(e, 25u)) + (g ^ (e & (f ^ g))); }
fn mixA(a: u32, b: u32, c: u32) -> u32 { return (rotr(a, 2u) ^ rotr(a, 13u) ^ rotr(a, 22u)) + ((a & b) | (c & (a | b))); }
fn small0(x: u32) -> u32 { return rotr(x, 7u) ^ rotr(x, 18u) ^ (x >> 3u); }
fn small1(x: u32) -> u32 { return rotr(x, 17u) ^ rotr(x, 19u) ^ (x >> 10u); }

struct Source {
  n: u32,        // of the next message word
  words: u32,    // source words: tensor, tile, elements
  last: u32,     // the last message word, which holds the length
  previous: u32, // byte-swapped source word n - 1
  row: u32,      // first element of the current row
  column: u32,
}
fn nextWord(source: ptr<function, Source>, tile: Tile) -> u32 {
  let n = (*source).n;
  (*source).n = n + 1u;
  if (n > (*source).words) { return select(0u, (1u + 4u * (*source).words) * 8u, n == (*source).last); }
  let high = (*source).previous << 24u;
  if (n == (*source).words) { return high | 0x800000u; }
  var word = select(tile.tensor, tile.index, n == 1u);
  if (n >= 2u) {
    word = values[(*source).row + (*source).column];
    (*source).column += 1u;
    if ((*source).column == tile.width) { (*source).column = 0u; (*source).row += tile.stride; }
  }
  word = swapBytes(word);
  (*source).previous = word;
  return high | (word >> 8u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let local = itemOf(id, groups);
  if (local >= batch.tileCount) { return; }
  let tile = tiles[batch.firstTile + local];
  let words = 2u + tile.height * tile.width;
  let blocks = (1u + 4u * words + 9u + 63u) / 64u; // 0x80 and the 64-bit length follow the message
  var source = Source(0u, words, blocks * 16u - 1u, 0u, tile.element, 0u);
  var h0 = 0x6a09e667u; var h1 = 0xbb67ae85u; var h2 = 0x3c6ef372u; var h3 = 0xa54ff53au;
  var h4 = 0x510e527fu; var h5 = 0x9b05688cu; var h6 = 0x1f83d9abu; var h7 = 0x5be0cd19u;
  for (var block = 0u; block < blocks; block++) {
    var w0 = nextWord(&source, tile); var w1 = nextWord(&source, tile); var w2 = nextWord(&source, tile); var w3 = nextWord(&source, tile);
    var w4 = nextWord(&source, tile); var w5 = nextWord(&source, tile); var w6 = nextWord(&source, tile); var w7 = nextWord(&source, tile);
    var w8 = nextWord(&source, tile); var w9 = nextWord(&source, tile); var w10 = nextWord(&source, tile); var w11 = nextWord(&source, tile);
    var w12 = nextWord(&source, tile); var w13 = nextWord(&source, tile); var w14 = nextWord(&source, tile); var w15 = nextWord(&source, tile);
    var a = h0; var b = h1; var c = h2; var d = h3; var e = h4; var f = h5; var g = h6; var h = h7;
    for (var quarter = 0u; quarter < 4u; quarter++) {
      let k0 = roundConstants[quarter * 4u]; let k1 = roundConstants[quarter * 4u + 1u];
      let k2 = roundConstants[quarter * 4u + 2u]; let k3 = roundConstants[quarter * 4u + 3u];
      h += mixE(e, f, g) + k0.x + w0; d += h; h += mixA(a, b, c);
      g += mixE(d, e, f) + k0.y + w1; c += g; g += mixA(h, a, b);
      f += mixE(c, d, e) + k0.z + w2; b += f; f += mixA(g, h, a);
      e += mixE(b, c, d) + k0.w + w3; a += e; e += mixA(f, g, h);
      d += mixE(a, b, c) + k1.x + w4; h += d; d += mixA(e, f, g);
      c += mixE(h, a, b) + k1.y + w5; g += c; c += mixA(d, e, f);
      b += mixE(g, h, a) + k1.z + w6; f += b; b += mixA(c, d, e);
      a += mixE(f, g, h) + k1.w + w7; e += a; a += mixA(b, c, d);
      h += mixE(e, f, g) + k2.x + w8; d += h; h += mixA(a, b, c);
      g += mixE(d, e, f) + k2.y + w9; c += g; g += mixA(h, a, b);
      f += mixE(c, d, e) + k2.z + w10; b += f; f += mixA(g, h, a);
      e += mixE(b, c, d) + k2.w + w11; a += e; e += mixA(f, g, h);
      d += mixE(a, b, c) + k3.x + w12; h += d; d += mixA(e, f, g);
      c += mixE(h, a, b) + k3.y + w13; g += c; c += mixA(d, e, f);
      b += mixE(g, h, a) + k3.z + w14; f += b; b += mixA(c, d, e);
      a += mixE(f, g, h) + k3.w + w15; e += a; a += mixA(b, c, d);
      // the next 16 words; those after the last quarter go unused
      w0 += small0(w1) + w9 + small1(w14);
      w1 += small0(w2) + w10 + small1(w15);
      w2 += small0(w3) + w11 + small1(w0);
      w3 += small0(w4) + w12 + small1(w1);
      w4 += small0(w5) + w13 + small1(w2);
      w5 += small0(w6) + w14 + small1(w3);
      w6 += small0(w7) + w15 + small1(w4);
      w7 += small0(w8) + w0 + small1(w5);
      w8 += small0(w9) + w1 + small1(w6);
      w9 += small0(w10) + w2 + small1(w7);
      w10 += small0(w11) + w3 + small1(w8);
      w11 += small0(w12) + w4 + small1(w9);
      w12 += small0(w13) + w5 + small1(w10);
      w13 += small0(w14) + w6 + small1(w11);
      w14 += small0(w15) + w7 + small1(w12);
      w15 += small0(w0) + w8 + small1(w13);
    }
    h0 += a; h1 += b; h2 += c; h3 += d; h4 += e; h5 += f; h6 += g; h7 += h;
  }
  let out = (batch.firstTile + local) * 8u;
  digests[out] = swapBytes(h0); digests[out + 1u] = swapBytes(h1); digests[out + 2u] = swapBytes(h2); digests[out + 3u] = swapBytes(h3);
  digests[out + 4u] = swapBytes(h4); digests[out + 5u] = swapBytes(h5); digests[out + 6u] = swapBytes(h6); digests[out + 7u] = swapBytes(h7);
}
`,
} as const;
