// partials[FIRST + n] = sum of g[e]^2 over the elements e of chunk n (CHUNK elements)
// g (COUNT). A thread a chunk, four running sums, fixed order. Grid: linear over ceil(COUNT / CHUNK).
override COUNT: u32;
override CHUNK: u32;
override FIRST: u32;
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let chunk = linearIndex(id, groups);
  if (chunk >= (COUNT + CHUNK - 1u) / CHUNK) { return; }
  let start = chunk * CHUNK;
  let end = min(start + CHUNK, COUNT);
  let whole = start + (end - start) / 4u * 4u;
  var sum = vec4<f32>();
  for (var e = start; e < whole; e += 4u) {
    let v = vec4(g[e], g[e + 1u], g[e + 2u], g[e + 3u]);
    sum += v * v;
  }
  for (var e = whole; e < end; e++) { sum.x += g[e] * g[e]; }
  partials[FIRST + chunk] = (sum.x + sum.y) + (sum.z + sum.w);
}
