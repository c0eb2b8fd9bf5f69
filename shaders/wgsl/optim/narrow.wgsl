// compute = master, stored narrower, over a whole pool. One thread four elements.
// #include "prelude/linear.wgsl"
@group(0) @binding(0) var<storage, read> master: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> compute: array<f32>; // storage: compute vec4

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&compute)) { return; }
  set4_compute(4u * i, master[i]);
}
