@group(0) @binding(1) var<storage, read> a: array<f32>; // storage: a vec4
@group(0) @binding(2) var<storage, read> b: array<f32>; // storage: b vec4
@group(0) @binding(3) var<storage, read> residual: array<f32>; // storage: residual vec4
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // storage: c vec4

// Four outputs of a row; nothing where they lie outside. `part`: of a sum that is split, which has its own c each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}
