// g[e] *= factor, where clip = [norm, factor]; nothing is written when the factor is 1.
// g (COUNT), clip (2) from optim/clipFactor. Grid: linear over COUNT.
override COUNT: u32;
@group(0) @binding(0) var<storage, read> clip: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT || clip[1] == 1.0) { return; }
  g[at] *= clip[1];
}
