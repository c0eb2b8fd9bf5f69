// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// The contract of matmul/software.wgsl where every row starts and ends at a multiple of four elements (the sum of a weight
// gradient may have any length), for adapters with subgroups of four lanes or more.
// A thread has 16 x 8 outputs as eight 4x4 matrices; column r of s0 is row r of C. Per four k one lane of four loads each row of
// A, the others get it by subgroupBroadcast: on a 4-wide software adapter a load costs four guarded scalar loads, and a loop
// variable a masked store each time round, so four k make one turn. LANES: 4, or 8 where subgroups have that many.
// Grid: [ceil(J / (8 * LANES)), ceil(I / 16), 1].
enable subgroups;
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulWide.wgsl"

override LANES: u32;
override A_INNER_CONTIGUOUS: bool;
override B_INNER_CONTIGUOUS: bool;

// Column r: row r of four, at four k. Lane l holds its row at four k, or its k at four rows.
fn rowsOf(q: vec4<f32>) -> mat4x4<f32> {
  let m = mat4x4<f32>(subgroupBroadcast(q, 0u), subgroupBroadcast(q, 1u), subgroupBroadcast(q, 2u), subgroupBroadcast(q, 3u));
  if (A_INNER_CONTIGUOUS) { return m; }
  return transpose(m);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(subgroup_invocation_id) subgroupLane: u32,
) {
  let lane = subgroupLane & 3u;
  let i = group.y * 16u;
  let j = (group.x * LANES + local.x) * 8u;
  // rows and columns past the edge read the last one and are not stored
  let lastRow = sizes.rows - 1u;
  let lastColumn = sizes.columns - 1u;
  let own = select(0u, lane, A_INNER_CONTIGUOUS);
  let a0 = min(i + own, lastRow) * sizes.aRow;
  let a1 = min(i + 4u + own, lastRow) * sizes.aRow;
  let a2 = min(i + 8u + own, lastRow) * sizes.aRow;
  let a3 = min(i + 12u + own, lastRow) * sizes.aRow;
  let b0 = min(j, lastColumn) * sizes.bRow;
  let b1 = min(j + 1u, lastColumn) * sizes.bRow;
  let b2 = min(j + 2u, lastColumn) * sizes.bRow;
  let b3 = min(j + 3u, lastColumn) * sizes.bRow;
  let b4 = min(j + 4u, lastColumn) * sizes.bRow;
  let b5 = min(j + 5u, lastColumn) * sizes.bRow;
  let b6 = min(j + 6u, lastColumn) * sizes.bRow;
  let b7 = min(j + 7u, lastColumn) * sizes.bRow;
  var s0 = mat4x4<f32>(); var t0 = mat4x4<f32>();
  var s1 = mat4x4<f32>(); var t1 = mat4x4<f32>();
  var s2 = mat4x4<f32>(); var t2 = mat4x4<f32>();
  var s3 = mat4x4<f32>(); var t3 = mat4x4<f32>();
  for (var k = 0u; k < sizes.inner; k += 4u) {
    var q0: vec4<f32>; var q1: vec4<f32>; var q2: vec4<f32>; var q3: vec4<f32>;
    // column n: columns j to j + 3 of B (low), or j + 4 to j + 7 (high), at k + n
    var low: mat4x4<f32>; var high: mat4x4<f32>;
    if (A_INNER_CONTIGUOUS) {
      q0 = get4_a(a0 + k); q1 = get4_a(a1 + k); q2 = get4_a(a2 + k); q3 = get4_a(a3 + k);
    } else {
      let at = min(k + lane, sizes.inner - 1u) * sizes.aInner;
      let inside = select(0.0, 1.0, k + lane < sizes.inner);
      q0 = get4_a(a0 + at) * inside; q1 = get4_a(a1 + at) * inside; q2 = get4_a(a2 + at) * inside; q3 = get4_a(a3 + at) * inside;
    }
    if (B_INNER_CONTIGUOUS) {
      low = transpose(mat4x4<f32>(get4_b(b0 + k), get4_b(b1 + k), get4_b(b2 + k), get4_b(b3 + k)));
      high = transpose(mat4x4<f32>(get4_b(b4 + k), get4_b(b5 + k), get4_b(b6 + k), get4_b(b7 + k)));
    } else {
      let last = sizes.inner - 1u;
      let k0 = k * sizes.bInner;
      let k1 = min(k + 1u, last) * sizes.bInner;
      let k2 = min(k + 2u, last) * sizes.bInner;
      let k3 = min(k + 3u, last) * sizes.bInner;
      low = mat4x4<f32>(get4_b(b0 + k0), get4_b(b0 + k1), get4_b(b0 + k2), get4_b(b0 + k3));
      high = mat4x4<f32>(get4_b(b4 + k0), get4_b(b4 + k1), get4_b(b4 + k2), get4_b(b4 + k3));
    }
    let x0 = rowsOf(q0); s0 += low * x0; t0 += high * x0;
    let x1 = rowsOf(q1); s1 += low * x1; t1 += high * x1;
    let x2 = rowsOf(q2); s2 += low * x2; t2 += high * x2;
    let x3 = rowsOf(q3); s3 += low * x3; t3 += high * x3;
  }
  // a loop over a copy: written out, the guarded stores take longer to compile than all the rest
  var tile = array<mat4x4<f32>, 8>(s0, t0, s1, t1, s2, t2, s3, t3);
  for (var n = 0u; n < 32u; n++) {
    store4(i + n / 8u * 4u + n % 4u, j + n / 4u % 2u * 4u, 0u, tile[n / 4u][n % 4u]);
  }
}
