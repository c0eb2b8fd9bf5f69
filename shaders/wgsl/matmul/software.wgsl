// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// One kernel for the three products of a linear layer, told apart by strides: y = x W^T, dx = dy W, dW += dy^T x.
// C (I, J) row-major, cRow elements a row. mode 0 overwrites, 1 accumulates into C, 2 adds to R (residual). Any I, J, K >= 1.
// Sizes are in a uniform, not in override constants: on a software adapter the unrolled tile costs 0.3 s of compilation, and
// one pipeline for all shapes ran as fast as one for each.
// An 8x8 tile of C in registers a thread, no workgroup memory. A row of four threads shares its A values, so that a 4-wide
// software adapter loads them once. Grid: [ceil(J / 32), ceil(I / 8), 1].
// #include "prelude/matmulSizes.wgsl"
@group(0) @binding(1) var<storage, read> a: array<f32>; // storage: a
@group(0) @binding(2) var<storage, read> b: array<f32>; // storage: b
@group(0) @binding(3) var<storage, read> residual: array<f32>; // storage: residual
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // storage: c

const TILE = 8u;
const LANES = 4u;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let i = group.y * TILE;
  let j = group.x * TILE * LANES + lane.x;
  // rows and columns past the edge read the last one and are not stored
  let lastRow = sizes.rows - 1u;
  let lastColumn = sizes.columns - 1u;
  let inner = sizes.inner;
  let aInner = sizes.aInner;
  let bInner = sizes.bInner;
  let a0 = min(i, lastRow) * sizes.aRow;
  let a1 = min(i + 1u, lastRow) * sizes.aRow;
  let a2 = min(i + 2u, lastRow) * sizes.aRow;
  let a3 = min(i + 3u, lastRow) * sizes.aRow;
  let a4 = min(i + 4u, lastRow) * sizes.aRow;
  let a5 = min(i + 5u, lastRow) * sizes.aRow;
  let a6 = min(i + 6u, lastRow) * sizes.aRow;
  let a7 = min(i + 7u, lastRow) * sizes.aRow;
  let b0 = min(j, lastColumn) * sizes.bRow;
  let b1 = min(j + LANES, lastColumn) * sizes.bRow;
  let b2 = min(j + 2u * LANES, lastColumn) * sizes.bRow;
  let b3 = min(j + 3u * LANES, lastColumn) * sizes.bRow;
  let b4 = min(j + 4u * LANES, lastColumn) * sizes.bRow;
  let b5 = min(j + 5u * LANES, lastColumn) * sizes.bRow;
  let b6 = min(j + 6u * LANES, lastColumn) * sizes.bRow;
  let b7 = min(j + 7u * LANES, lastColumn) * sizes.bRow;
  // the tile is written out: arrays indexed in a loop live in memory, named vectors in registers (1.6x measured)
  var s0 = vec4<f32>(); var t0 = vec4<f32>();
  var s1 = vec4<f32>(); var t1 = vec4<f32>();
  var s2 = vec4<f32>(); var t2 = vec4<f32>();
  var s3 = vec4<f32>(); var t3 = vec4<f32>();
  var s4 = vec4<f32>(); var t4 = vec4<f32>();
  var s5 = vec4<f32>(); var t5 = vec4<f32>();
  var s6 = vec4<f32>(); var t6 = vec4<f32>();
  var s7 = vec4<f32>(); var t7 = vec4<f32>();
  var ka = 0u;
  var kb = 0u;
  for (var k = 0u; k < inner; k++) {
    let low = vec4(get_b(b0 + kb), get_b(b1 + kb), get_b(b2 + kb), get_b(b3 + kb));
    let high = vec4(get_b(b4 + kb), get_b(b5 + kb), get_b(b6 + kb), get_b(b7 + kb));
    let x0 = get_a(a0 + ka); s0 += x0 * low; t0 += x0 * high;
    let x1 = get_a(a1 + ka); s1 += x1 * low; t1 += x1 * high;
    let x2 = get_a(a2 + ka); s2 += x2 * low; t2 += x2 * high;
    let x3 = get_a(a3 + ka); s3 += x3 * low; t3 += x3 * high;
    let x4 = get_a(a4 + ka); s4 += x4 * low; t4 += x4 * high;
    let x5 = get_a(a5 + ka); s5 += x5 * low; t5 += x5 * high;
    let x6 = get_a(a6 + ka); s6 += x6 * low; t6 += x6 * high;
    let x7 = get_a(a7 + ka); s7 += x7 * low; t7 += x7 * high;
    ka += aInner;
    kb += bInner;
  }
  // a loop over a copy: written out, the guarded stores take longer to compile than all the rest
  var tile = array<vec4<f32>, 16>(s0, t0, s1, t1, s2, t2, s3, t3, s4, t4, s5, t5, s6, t6, s7, t7);
  for (var n = 0u; n < TILE * TILE; n++) {
    let row = i + n / TILE;
    let column = j + n % TILE * LANES;
    if (row >= sizes.rows || column >= sizes.columns) { continue; }
    let at = row * sizes.cRow + column;
    let value = tile[n / 4u][n % 4u];
    switch sizes.mode {
      case ACCUMULATE: { set_c(at, get_c(at) + value); }
      case RESIDUAL: { set_c(at, get_residual(at) + value); }
      default: { set_c(at, value); }
    }
  }
}
