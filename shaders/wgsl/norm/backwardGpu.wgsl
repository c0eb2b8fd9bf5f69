// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
// The contract of norm/backwardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override WIDTH: u32;
override ACCUMULATE: bool;
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// #include "prelude/workgroupSum.wgsl"

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
  for (var c = thread; c < WIDTH; c += WORKGROUP_SIZE) { projection += dy[base + c] * x[base + c] * weight[c]; }
  let r = rstd[row];
  let slope = r * r * r * workgroupSum(projection, thread) / f32(WIDTH);
  for (var c = thread; c < WIDTH; c += WORKGROUP_SIZE) {
    let value = r * dy[base + c] * weight[c] - x[base + c] * slope;
    if (ACCUMULATE) { dx[base + c] += value; } else { dx[base + c] = value; }
  }
}
