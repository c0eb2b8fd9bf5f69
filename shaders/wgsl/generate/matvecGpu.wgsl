// y[n] = sum over k of w[n, k] * x[k]  (+ residual[n] where sizes.residual is 1)
// The contract of generate/matvecSoftware.wgsl, a workgroup of 128 threads a row: neighbours read neighbouring weights, which
// is all that counts where each weight is used once. Grid: folded N workgroups.
struct Sizes { n: u32, k: u32, residual: u32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// #include "prelude/workgroupSum.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= sizes.n) { return; }
  let base = row * sizes.k;
  var part = 0.0;
  for (var k = thread; k < sizes.k; k += WORKGROUP_SIZE) { part += w[base + k] * x[k]; }
  let sum = workgroupSum(part, thread);
  if (thread == 0u) { y[row] = select(sum, sum + residual[row], sizes.residual == 1u); }
}
