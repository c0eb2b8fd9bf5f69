// residual = decay * residual + lr * gradient, over a whole pool. One thread four elements.
// A gradient element that is not finite counts as 0: one bad micro-batch must not poison the residual until the epoch ends.
// #include "prelude/linear.wgsl"
struct Update { decay: f32, learningRate: f32 }
@group(0) @binding(0) var<uniform> update: Update;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> residual: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&residual)) { return; }
  let bits = gradient[i];
  let finite = select(bits, vec4<u32>(0u), (bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u));
  residual[i] = update.decay * residual[i] + update.learningRate * bitcast<vec4<f32>>(finite);
}
