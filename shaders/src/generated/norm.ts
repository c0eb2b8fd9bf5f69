// Generated from shaders/wgsl/norm by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  backwardGpu: `// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
// The contract of norm/backwardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override WIDTH: u32;
override ACCUMULATE: bool;
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

const WORKGROUP_SIZE = 128u;
var<workgroup> partials: array<f32, 128>;
// The workgroup's sum in a fixed order, to every thread. Call in uniform control flow.
fn workgroupSum(value: f32, thread: u32) -> f32 {
  workgroupBarrier(); // a previous result may still be being read
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] += partials[thread + half]; }
  }
  return workgroupUniformLoad(&partials[0]);
}

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
`,
  backwardSoftware: `// dx[m, c] (+)= rstd * (dy * weight - x * rstd^2 * mean over c of (dy * weight * x))
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

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
  forwardGpu: `// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// The contract of norm/forwardSoftware.wgsl, a workgroup of 128 threads a row. Grid: folded ROWS workgroups.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

const WORKGROUP_SIZE = 128u;
var<workgroup> partials: array<f32, 128>;
// The workgroup's sum in a fixed order, to every thread. Call in uniform control flow.
fn workgroupSum(value: f32, thread: u32) -> f32 {
  workgroupBarrier(); // a previous result may still be being read
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] += partials[thread + half]; }
  }
  return workgroupUniformLoad(&partials[0]);
}

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
  for (var c = thread; c < WIDTH; c += WORKGROUP_SIZE) { squares += x[base + c] * x[base + c]; }
  let r = 1.0 / sqrt(workgroupSum(squares, thread) / f32(WIDTH) + EPSILON);
  if (thread == 0u) { rstd[row] = r; }
  for (var c = thread; c < WIDTH; c += WORKGROUP_SIZE) { y[base + c] = x[base + c] * r * weight[c]; }
}
`,
  forwardSoftware: `// rstd[m] = 1 / sqrt(mean over c of x[m, c]^2 + EPSILON);  y[m, c] = x[m, c] * rstd[m] * weight[c]      (RMSNorm)
// x, y (ROWS, WIDTH), weight (WIDTH), rstd (ROWS); y and rstd are overwritten. A thread a row. Grid: linear over ROWS.
override ROWS: u32;
override WIDTH: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
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
// A thread a (slice, column). Grid: linear over slices*WIDTH.
override ROWS: u32;
override WIDTH: u32;
override SLICE_ROWS: u32;
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let first = at / WIDTH * SLICE_ROWS;
  if (first >= ROWS) { return; }
  let column = at % WIDTH;
  var sum = 0.0;
  for (var m = first; m < min(first + SLICE_ROWS, ROWS); m++) {
    sum += dy[m * WIDTH + column] * x[m * WIDTH + column] * rstd[m];
  }
  partials[at] = sum;
}
`,
} as const;
