// y[m, c] = table[tokens[m], c], or 0 where tokens[m] is below 0: another device has that row
// tokens (ROWS) i32, counted from the shard's first row; table (shard's rows, WIDTH), y (ROWS, WIDTH): overwritten.
// Grid: linear over ROWS*WIDTH.
override ROWS: u32;
override WIDTH: u32;
@group(0) @binding(0) var<storage, read> tokens: array<i32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * WIDTH) { return; }
  let token = tokens[at / WIDTH];
  y[at] = 0.0;
  if (token >= 0) { y[at] = table[u32(token) * WIDTH + at % WIDTH]; }
}
