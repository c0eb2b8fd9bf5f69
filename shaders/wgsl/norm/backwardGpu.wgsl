// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
// The contract of norm/backwardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override WIDTH: u32;
override ACCUMULATE: bool;
@group(0) @binding(0) var<storage, read> dy: array<f32>; // storage: dy
@group(0) @binding(1) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(2) var<storage, read> weight: array<f32>; // storage: weight
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>; // storage: dx

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
  var projection = 0.0;
  for (var c = thread * 4u; c < WIDTH; c += WORKGROUP_SIZE * 4u) { projection += dot(load_dy(base, c) * load_x(base, c), load_weight(0u, c)); }
  let r = rstd[row];
  let slope = r * r * r * workgroupSum(projection, thread) / f32(WIDTH);
  for (var c = thread * 4u; c < WIDTH; c += WORKGROUP_SIZE * 4u) {
    var value = r * load_dy(base, c) * load_weight(0u, c) - load_x(base, c) * slope;
    if (ACCUMULATE) { value += load_dx(base, c); }
    store_dx(base, c, value);
  }
}
