// out[r, h] = sum over j <= position + r of p[j] * values[j, g],  p = softmax of q[r, h] . keys[j, g] * scale,  g = h / (queryHeads/keyHeads)
// q, out (rows, queryHeads*headDim), rotated; out is overwritten. keys, values (positions, keyHeads*headDim) as generate/appendCache.wgsl
// leaves them. Any headDim. A thread makes 16 dimensions of one head (scores are computed again for every further 16), keys four at a
// time; no barriers. Grid: linear over rows*queryHeads*ceil(headDim/16).
struct Shape { rows: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32 }
struct Step { position: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> keys: array<f32>;
@group(0) @binding(4) var<storage, read> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

// #include "prelude/linearIndex.wgsl"

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let headDim = shape.headDim;
  let chunks = (headDim + 15u) / 16u;
  let item = linearIndex(id, groups);
  if (item >= shape.rows * shape.queryHeads * chunks) { return; }
  let first = item % chunks * 16u;
  let dims = min(16u, headDim - first);
  let head = item / chunks % shape.queryHeads;
  let row = item / chunks / shape.queryHeads;
  let last = step.position + row;
  let width = shape.keyHeads * headDim;
  let own = head / (shape.queryHeads / shape.keyHeads) * headDim;
  let query = (row * shape.queryHeads + head) * headDim;
  var largest = MASKED;
  var sum = 0.0;
  var tile: array<f32, 16>;
  for (var j = 0u; j <= last; j += 4u) {
    let at = vec4(min(vec4(j, j + 1u, j + 2u, j + 3u), vec4(last))) * width + own;
    var scores = vec4<f32>();
    for (var d = 0u; d < headDim; d++) {
      scores += q[query + d] * vec4(keys[at.x + d], keys[at.y + d], keys[at.z + d], keys[at.w + d]);
    }
    scores = select(vec4(MASKED), scores * shape.scale, vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(last));
    let next = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let p = exp(scores - next);
    let earlier = exp(largest - next);
    largest = next;
    sum = sum * earlier + dot(p, vec4(1.0));
    for (var d = 0u; d < dims; d++) {
      let v = vec4(values[at.x + first + d], values[at.y + first + d], values[at.z + first + d], values[at.w + first + d]);
      tile[d] = tile[d] * earlier + dot(p, v);
    }
  }
  for (var d = 0u; d < dims; d++) { out[query + first + d] = tile[d] / sum; }
}
