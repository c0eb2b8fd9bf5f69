// dTable[v, c] += sum over m with tokens[m] = v of dy[m, c]
//
// Without float atomics and in a fixed order: the host sorts positions by token. occurrences is [positions (ROWS), starts
// (ROWS + 1)]: segment s holds positions[starts[s] .. starts[s+1]), all of one token; unused segments are empty.
// dy (ROWS, WIDTH), dTable (vocabulary, WIDTH): accumulated; it may be TOKENS rows of a larger one, from FIRST_TOKEN on.
// Grid: linear over ROWS*WIDTH, a thread for (segment, c).
override ROWS: u32;
override WIDTH: u32;
override FIRST_TOKEN: u32 = 0u;
override TOKENS: u32 = 0xffffffffu;
@group(0) @binding(0) var<storage, read> tokens: array<i32>;
@group(0) @binding(1) var<storage, read> occurrences: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dTable: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= ROWS * WIDTH) { return; }
  let segment = at / WIDTH;
  let column = at % WIDTH;
  let start = occurrences[ROWS + segment];
  let end = occurrences[ROWS + segment + 1u];
  if (start >= end) { return; }
  let row = u32(tokens[occurrences[start]]) - FIRST_TOKEN; // one before the first becomes a large one
  if (row >= TOKENS) { return; }
  var sum = 0.0;
  for (var n = start; n < end; n++) {
    sum += dy[occurrences[n] * WIDTH + column];
  }
  dTable[row * WIDTH + column] += sum;
}
