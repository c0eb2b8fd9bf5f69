// master = canonical(master * factor), over a whole pool; factor = fround(1 - fround(lr * weightDecay)), from the host.
// One float operation a stored value and a dispatch of its own: fused with the step, a compiler may contract the two.
// #include "prelude/linear.wgsl"
// #include "prelude/canonical.wgsl"
struct Decay { factor: f32 }
@group(0) @binding(0) var<uniform> decay: Decay;
@group(0) @binding(1) var<storage, read_write> master: array<vec4<u32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&master)) { return; }
  master[i] = canonical(bitcast<vec4<u32>>(bitcast<vec4<f32>>(master[i]) * decay.factor));
}
