@group(0) @binding(1) var<storage, read> a: array<f32>; // storage: a
@group(0) @binding(2) var<storage, read> b: array<f32>; // storage: b
@group(0) @binding(3) var<storage, read> residual: array<f32>; // storage: residual
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // storage: c

// As in matmulWide.wgsl, for lines of any length that start anywhere.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  let first = line * pitch + at;
  let inside = vec4<bool>(true, at + 1u < length, at + 2u < length, at + 3u < length);
  return select(vec4<f32>(), vec4<f32>(get_a(first), get_a(first + 1u), get_a(first + 2u), get_a(first + 3u)), inside);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  let first = line * pitch + at;
  let inside = vec4<bool>(true, at + 1u < length, at + 2u < length, at + 3u < length);
  return select(vec4<f32>(), vec4<f32>(get_b(first), get_b(first + 1u), get_b(first + 2u), get_b(first + 3u)), inside);
}

fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows) { return; }
  for (var n = 0u; n < 4u && column + n < sizes.columns; n++) {
    let at = (part * sizes.rows + row) * sizes.cRow + column + n;
    var value = product[n];
    if (sizes.mode == ACCUMULATE) { value += get_c(at); }
    if (sizes.mode == RESIDUAL) { value += get_residual(at); }
    set_c(at, value);
  }
}
