// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// x, y (ROWS, WIDTH), weight (WIDTH), rstd (ROWS); y and rstd are overwritten. A thread a row. Grid: linear over ROWS.
// 4 columns at a time through load_ and store_ (src/kernels/rowAccess.ts): what lies beyond the row reads as 0 and is not written.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(1) var<storage, read> weight: array<f32>; // storage: weight
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // storage: y
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * WIDTH;
  var squares = 0.0;
  for (var c = 0u; c < WIDTH; c += 4u) {
    let v = load_x(base, c);
    squares += dot(v, v);
  }
  let r = 1.0 / sqrt(squares / f32(WIDTH) + EPSILON);
  rstd[row] = r;
  for (var c = 0u; c < WIDTH; c += 4u) { store_y(base, c, load_x(base, c) * r * load_weight(0u, c)); }
}
