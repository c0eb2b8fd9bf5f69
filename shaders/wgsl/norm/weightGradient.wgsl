// partials[s, c] = sum over the rows m of slice s of dy[m, c] * x[m, c] * rstd[m]
// dy, x (ROWS, WIDTH), rstd (ROWS), partials (ceil(ROWS / SLICE_ROWS), WIDTH): overwritten; norm/sumSlices adds it to the gradient.
// A thread a slice and 4 columns. Grid: linear over slices*ceil(WIDTH / 4).
override ROWS: u32;
override WIDTH: u32;
override SLICE_ROWS: u32;
@group(0) @binding(0) var<storage, read> dy: array<f32>; // storage: dy
@group(0) @binding(1) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>; // storage: partials

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let columns = (WIDTH + 3u) / 4u;
  let slice = at / columns;
  let first = slice * SLICE_ROWS;
  if (first >= ROWS) { return; }
  let column = at % columns * 4u;
  var sum = vec4<f32>();
  for (var m = first; m < min(first + SLICE_ROWS, ROWS); m++) {
    sum += load_dy(m * WIDTH, column) * load_x(m * WIDTH, column) * rstd[m];
  }
  store_partials(slice * WIDTH, column, sum);
}
