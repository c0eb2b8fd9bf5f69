// y[m, c] = table[tokens[m], c]
// tokens (ROWS) i32 in 0..vocabulary-1, table (vocabulary, WIDTH) in any storage, y (ROWS, WIDTH): overwritten.
// The table may be TOKENS rows of a larger one, from FIRST_TOKEN on: rows of y with other tokens stay.
// Grid: linear over ROWS*WIDTH.
override ROWS: u32;
override WIDTH: u32;
override FIRST_TOKEN: u32 = 0u;
override TOKENS: u32 = 0xffffffffu;
@group(0) @binding(0) var<storage, read> tokens: array<i32>;
@group(0) @binding(1) var<storage, read> table: array<f32>; // storage: table
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * WIDTH) { return; }
  let row = u32(tokens[at / WIDTH]) - FIRST_TOKEN; // one before the first becomes a large one
  if (row >= TOKENS) { return; }
  y[at] = get_table(row * WIDTH + at % WIDTH);
}
