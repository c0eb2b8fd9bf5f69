// compute = master - lr * sign(residual), over a whole pool: the point at which the overlapped pipeline takes its gradient.
// Only the compute copy is written, in whatever storage it has: nothing here need be equal between adapters. One thread four elements.
// #include "prelude/linear.wgsl"
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
