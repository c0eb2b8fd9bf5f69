// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// x, y (ROWS, WIDTH), weight (WIDTH), rstd (ROWS); y and rstd are overwritten. A thread a row. Grid: linear over ROWS.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * WIDTH;
  let whole = WIDTH / 4u * 4u;
  var squares = 0.0;
  for (var c = 0u; c < whole; c += 4u) {
    let v = vec4(x[base + c], x[base + c + 1u], x[base + c + 2u], x[base + c + 3u]);
    squares += dot(v, v);
  }
  for (var c = whole; c < WIDTH; c++) { squares += x[base + c] * x[base + c]; }
  let r = 1.0 / sqrt(squares / f32(WIDTH) + EPSILON);
  rstd[row] = r;
  for (var c = 0u; c < whole; c += 4u) {
    y[base + c] = x[base + c] * r * weight[c];
    y[base + c + 1u] = x[base + c + 1u] * r * weight[c + 1u];
    y[base + c + 2u] = x[base + c + 2u] * r * weight[c + 2u];
    y[base + c + 3u] = x[base + c + 3u] * r * weight[c + 3u];
  }
  for (var c = whole; c < WIDTH; c++) { y[base + c] = x[base + c] * r * weight[c]; }
}
