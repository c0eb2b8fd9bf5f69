// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
// dy, x, dx (ROWS, WIDTH), weight (WIDTH), rstd (ROWS) from the forward pass. ACCUMULATE adds to dx, the residual stream's
// gradient; otherwise dx is overwritten. A thread a row. Grid: linear over ROWS.
override ROWS: u32;
override WIDTH: u32;
override ACCUMULATE: bool;
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// #include "prelude/linearIndex.wgsl"

fn element(at: u32, c: u32, r: f32, slope: f32) {
  let value = r * dy[at] * weight[c] - x[at] * slope;
  if (ACCUMULATE) { dx[at] += value; } else { dx[at] = value; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = linearIndex(id, groups);
  if (row >= ROWS) { return; }
  let base = row * WIDTH;
  let whole = WIDTH / 4u * 4u;
  var projection = 0.0;
  for (var c = 0u; c < whole; c += 4u) {
    let at = base + c;
    projection += dot(
      vec4(dy[at], dy[at + 1u], dy[at + 2u], dy[at + 3u]) * vec4(x[at], x[at + 1u], x[at + 2u], x[at + 3u]),
      vec4(weight[c], weight[c + 1u], weight[c + 2u], weight[c + 3u]),
    );
  }
  for (var c = whole; c < WIDTH; c++) { projection += dy[base + c] * x[base + c] * weight[c]; }
  let r = rstd[row];
  let slope = r * r * r * projection / f32(WIDTH);
  for (var c = 0u; c < whole; c += 4u) {
    element(base + c, c, r, slope);
    element(base + c + 1u, c + 1u, r, slope);
    element(base + c + 2u, c + 2u, r, slope);
    element(base + c + 3u, c + 3u, r, slope);
  }
  for (var c = whole; c < WIDTH; c++) { element(base + c, c, r, slope); }
}
