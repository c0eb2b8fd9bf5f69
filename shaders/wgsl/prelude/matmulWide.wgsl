@group(0) @binding(1) var<storage, read> a: array<f32>; // storage: a vec4
@group(0) @binding(2) var<storage, read> b: array<f32>; // storage: b vec4
@group(0) @binding(3) var<storage, read> residual: array<f32>; // storage: residual vec4
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // storage: c vec4

// Elements `at` to `at` + 3 of a line, `pitch` from one line to the next; 0 beyond the last line and the lines' length.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_a(line * pitch + at);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_b(line * pitch + at);
}

// Four outputs of a row; nothing where they lie outside. `part`: of a sum that is split, which has a c of its own for each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}
