const HALF_MAX = 65504.0;
fn saturated(v: vec4<f32>) -> vec4<f32> { return clamp(v, vec4<f32>(-HALF_MAX), vec4<f32>(HALF_MAX)); }

fn stageA(row0: u32, k0: u32, end: u32, thread: u32) {
  let lineQuads = (A_PITCH - 8u) / 4u;
  for (var n = thread; n < A_LINES * lineQuads; n += LANES * ROW_SUBGROUPS * COLUMN_SUBGROUPS) {
    let line = n / lineQuads;
    let at = n % lineQuads * 4u;
    var v: vec4<f32>;
    if (A_INNER_CONTIGUOUS) { v = quad_a(row0 + line, sizes.rows, sizes.aRow, k0 + at, end); }
    else { v = quad_a(k0 + line, end, sizes.aInner, row0 + at, sizes.rows); }
    if (!A_IS_GRADIENT) { v = saturated(v); }
    let h = toHalf(v);
    let first = line * A_PITCH + at;
    aTile[first] = h.x; aTile[first + 1u] = h.y; aTile[first + 2u] = h.z; aTile[first + 3u] = h.w;
  }
}

fn stageB(column0: u32, k0: u32, end: u32, thread: u32) {
  let lineQuads = (B_PITCH - 8u) / 4u;
  for (var n = thread; n < B_LINES * lineQuads; n += LANES * ROW_SUBGROUPS * COLUMN_SUBGROUPS) {
    let line = n / lineQuads;
    let at = n % lineQuads * 4u;
    var v: vec4<f32>;
    if (B_INNER_CONTIGUOUS) { v = quad_b(column0 + line, sizes.columns, sizes.bRow, k0 + at, end); }
    else { v = quad_b(k0 + line, end, sizes.bInner, column0 + at, sizes.columns); }
    let h = toHalf(saturated(v));
    let first = line * B_PITCH + at;
    bTile[first] = h.x; bTile[first + 1u] = h.y; bTile[first + 2u] = h.z; bTile[first + 3u] = h.w;
  }
}

// LANES threads along x are one subgroup, or several small ones that do the same.
@compute @workgroup_size(LANES, ROW_SUBGROUPS * COLUMN_SUBGROUPS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  setLane(local.x);
  let row0 = group.y * TILE_ROWS;
  let column0 = group.x * TILE_COLUMNS;
  let start = group.z * sizes.innerChunk;
  let end = min(start + sizes.innerChunk, sizes.inner);
  // this subgroup's part of the tile
  let row = local.y / COLUMN_SUBGROUPS * ROW_MATRICES * M;
  let column = local.y % COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
  var sums: array<Result, ROW_MATRICES * COLUMN_MATRICES>;
  for (var k0 = start; k0 < end; k0 += DEPTH) {
    stageA(row0, k0, end, thread);
    stageB(column0, k0, end, thread);
    workgroupBarrier();
    for (var d = 0u; d < DEPTH_MATRICES; d++) {
      var right: array<Right, COLUMN_MATRICES>;
      for (var n = 0u; n < COLUMN_MATRICES; n++) {
        let j = column + n * N;
        right[n] = loadRight(select(d * K * B_PITCH + j, j * B_PITCH + d * K, B_INNER_CONTIGUOUS));
      }
      for (var m = 0u; m < ROW_MATRICES; m++) {
        let i = row + m * M;
        let left = loadLeft(select(d * K * A_PITCH + i, i * A_PITCH + d * K, A_INNER_CONTIGUOUS));
        for (var n = 0u; n < COLUMN_MATRICES; n++) {
          sums[m * COLUMN_MATRICES + n] = multiplyAdd(left, right[n], sums[m * COLUMN_MATRICES + n]);
        }
      }
    }
    workgroupBarrier();
  }
  let strip = local.y * M * N;
  for (var m = 0u; m < ROW_MATRICES; m++) {
    for (var n = 0u; n < COLUMN_MATRICES; n++) {
      storeResult(strip, sums[m * COLUMN_MATRICES + n]);
      workgroupBarrier();
      for (var q = local.x * 4u; q < M * N; q += LANES * 4u) {
        let value = vec4<f32>(strips[strip + q], strips[strip + q + 1u], strips[strip + q + 2u], strips[strip + q + 3u]);
        store4(row0 + row + m * M + q / N, column0 + column + n * N + q % N, group.z, value);
      }
      workgroupBarrier();
    }
  }
}
