// Generated from shaders/wgsl/norm by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  backwardGpu: `// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
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
`,
  backwardSoftware: `// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
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

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
  forwardGpu: `// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
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
`,
  forwardSoftware: `// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// x, y (ROWS, WIDTH), weight (WIDTH), rstd (ROWS); y and rstd are overwritten. A thread a row. Grid: linear over ROWS.
// 4 columns at a time through load_ and store_ (src/kernels/rowAccess.ts): what lies beyond the row reads as 0 and is not written.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(1) var<storage, read> weight: array<f32>; // storage: weight
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // storage: y
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
  sumSlices: `// dWeight[c] += sum over s of partials[s, c]
// partials (SLICES, WIDTH), dWeight (WIDTH): accumulated. Grid: linear over WIDTH.
override SLICES: u32;
override WIDTH: u32;
@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> dWeight: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let column = linearIndex(id, groups);
  if (column >= WIDTH) { return; }
  var sum = 0.0;
  for (var s = 0u; s < SLICES; s++) { sum += partials[s * WIDTH + column]; }
  dWeight[column] += sum;
}
`,
  weightGradient: `// partials[s, c] = sum over the rows m of slice s of dy[m, c] * x[m, c] * rstd[m]
// dy, x (ROWS, WIDTH), rstd (ROWS), partials (ceil(ROWS / SLICE_ROWS), WIDTH): overwritten; norm/sumSlices adds it to the gradient.
// A thread a slice and 4 columns. Grid: linear over slices*ceil(WIDTH / 4).
override ROWS: u32;
override WIDTH: u32;
override SLICE_ROWS: u32;
@group(0) @binding(0) var<storage, read> dy: array<f32>; // storage: dy
@group(0) @binding(1) var<storage, read> x: array<f32>; // storage: x
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>; // storage: partials

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
} as const;
