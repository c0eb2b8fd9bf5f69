// dWeight[c] += sum over s of partials[s, c]
// partials (SLICES, WIDTH), dWeight (WIDTH): accumulated. Grid: linear over WIDTH.
override SLICES: u32;
override WIDTH: u32;
@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> dWeight: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let column = linearIndex(id, groups);
  if (column >= WIDTH) { return; }
  var sum = 0.0;
  for (var s = 0u; s < SLICES; s++) { sum += partials[s * WIDTH + column]; }
  dWeight[column] += sum;
}
