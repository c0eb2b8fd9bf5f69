// destination[r, destinationFirst + c] = or += source[r, sourceFirst + c]        r below rows, c below columns
// Cuts a slice out of a tensor, or puts it back: a range of columns of a matrix, or of rows (then it is one row of all their elements).
// source (rows, sourcePitch), destination (rows, destinationPitch). Grid: linear over rows * columns.
struct Sizes {
  rows: u32,
  columns: u32,
  sourcePitch: u32,
  sourceFirst: u32,
  destinationPitch: u32,
  destinationFirst: u32,
  add: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= sizes.rows * sizes.columns) { return; }
  let row = at / sizes.columns;
  let column = at % sizes.columns;
  let value = source[row * sizes.sourcePitch + sizes.sourceFirst + column];
  let to = row * sizes.destinationPitch + sizes.destinationFirst + column;
  if (sizes.add == 0u) { destination[to] = value; } else { destination[to] += value; }
}
