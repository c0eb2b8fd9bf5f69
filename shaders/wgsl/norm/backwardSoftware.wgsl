// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
// dy, x, dx (ROWS, WIDTH), weight (WIDTH), rstd (ROWS) from the forward pass. ACCUMULATE adds to dx, the residual stream's
// gradient; otherwise dx is overwritten. A thread a row. Grid: linear over ROWS.
override ROWS: u32;
override WIDTH: u32;
override ACCUMULATE: bool;
@group(0) @binding(0) var<storage, read> dy: array<f32>; // storage: dy
@group(0) @binding(1) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(2) var<storage, read> weight: array<f32>; // storage: weight
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>; // storage: dx

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * WIDTH;
  var projection = 0.0;
  for (var c = 0u; c < WIDTH; c += 4u) { projection += dot(load_dy(base, c) * load_x(base, c), load_weight(0u, c)); }
  let r = rstd[row];
  let slope = r * r * r * projection / f32(WIDTH);
  for (var c = 0u; c < WIDTH; c += 4u) {
    var value = r * load_dy(base, c) * load_weight(0u, c) - load_x(base, c) * slope;
    if (ACCUMULATE) { value += load_dx(base, c); }
    store_dx(base, c, value);
  }
}
