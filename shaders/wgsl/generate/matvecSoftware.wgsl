// y[n] = sum over k of w[n, k] * x[k]  (+ residual[n] where sizes.residual is 1)
// w (N, K) row-major, x (K), residual and y (N): y is overwritten. A thread a row, no barriers. Grid: linear over N.
struct Sizes { n: u32, k: u32, residual: u32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= sizes.n) { return; }
  let base = row * sizes.k;
  let whole = sizes.k / 4u * 4u;
  var sums = vec4<f32>();
  for (var k = 0u; k < whole; k += 4u) {
    sums += vec4(w[base + k], w[base + k + 1u], w[base + k + 2u], w[base + k + 3u]) * vec4(x[k], x[k + 1u], x[k + 2u], x[k + 3u]);
  }
  var sum = dot(sums, vec4(1.0));
  for (var k = whole; k < sizes.k; k++) { sum += w[base + k] * x[k]; }
  if (sizes.residual == 1u) { sum += residual[row]; }
  y[row] = sum;
}
