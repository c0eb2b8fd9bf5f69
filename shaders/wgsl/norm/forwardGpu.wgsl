// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// The contract of norm/forwardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(1) var<storage, read> weight: array<f32>; // storage: weight
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // storage: y
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

// with reduce/tree.wgsl or reduce/subgroups.wgsl

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= ROWS) { return; }
  let base = row * WIDTH;
  var squares = 0.0;
  for (var c = thread * 4u; c < WIDTH; c += WORKGROUP_SIZE * 4u) {
    let v = load_x(base, c);
    squares += dot(v, v);
  }
  let r = 1.0 / sqrt(workgroupSum(squares, thread) / f32(WIDTH) + EPSILON);
  if (thread == 0u) { rstd[row] = r; }
  for (var c = thread * 4u; c < WIDTH; c += WORKGROUP_SIZE * 4u) { store_y(base, c, load_x(base, c) * r * load_weight(0u, c)); }
}
