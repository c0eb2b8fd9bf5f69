// C[i, j] = (0 | C[i, j]) + sum over p of P[p, i, j]
//
// The parts of a product whose sum was split: P (PARTS, ROWS, COLUMNS), C (ROWS, COLUMNS) with PITCH elements a row. In order, so
// that the same parts give the same bits. ADD: accumulates. Grid: linearGrid(ROWS * COLUMNS).
override ROWS: u32;
override COLUMNS: u32;
override PITCH: u32;
override PARTS: u32;
override ADD: bool;
@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let n = linearIndex(id, groups);
  if (n >= ROWS * COLUMNS) { return; }
  var sum = 0.0;
  for (var p = 0u; p < PARTS; p++) { sum += parts[p * ROWS * COLUMNS + n]; }
  let at = n / COLUMNS * PITCH + n % COLUMNS;
  if (ADD) { c[at] += sum; } else { c[at] = sum; }
}
