override A_INNER_CONTIGUOUS: bool;
override B_INNER_CONTIGUOUS: bool;

// 4x4 of an operand: column n holds four rows (columns, of b) from `i` on at k + n. `end`: of this part's sum.
fn block_a(i: u32, k: u32, end: u32) -> mat4x4<f32> {
  if (A_INNER_CONTIGUOUS) {
    let last = sizes.rows;
    let pitch = sizes.aRow;
    return transpose(mat4x4<f32>(
      quad_a(i, last, pitch, k, end), quad_a(i + 1u, last, pitch, k, end), quad_a(i + 2u, last, pitch, k, end), quad_a(i + 3u, last, pitch, k, end)));
  }
  let length = sizes.rows;
  let pitch = sizes.aInner;
  return mat4x4<f32>(
    quad_a(k, end, pitch, i, length), quad_a(k + 1u, end, pitch, i, length), quad_a(k + 2u, end, pitch, i, length), quad_a(k + 3u, end, pitch, i, length));
}
fn block_b(j: u32, k: u32, end: u32) -> mat4x4<f32> {
  if (B_INNER_CONTIGUOUS) {
    let last = sizes.columns;
    let pitch = sizes.bRow;
    return transpose(mat4x4<f32>(
      quad_b(j, last, pitch, k, end), quad_b(j + 1u, last, pitch, k, end), quad_b(j + 2u, last, pitch, k, end), quad_b(j + 3u, last, pitch, k, end)));
  }
  let length = sizes.columns;
  let pitch = sizes.bInner;
  return mat4x4<f32>(
    quad_b(k, end, pitch, j, length), quad_b(k + 1u, end, pitch, j, length), quad_b(k + 2u, end, pitch, j, length), quad_b(k + 3u, end, pitch, j, length));
}
