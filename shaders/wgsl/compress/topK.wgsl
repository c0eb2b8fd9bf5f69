// The exact topk coefficients of largest magnitude of a tile; the lower position wins among equals; stored by rising position.
// Takes the best segment topk times and rescans only that segment for its next best; the last one taken is the threshold of
// the collecting pass. topk * 128 steps a tile. One thread a tile.
// #include "prelude/linear.wgsl"
// #include "prelude/tiles.wgsl"
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
