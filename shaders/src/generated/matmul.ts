// Generated from shaders/wgsl/matmul by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  gpu: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// The contract of matmul/software.wgsl, for GPUs: tiles of 64x64 by 16 deep in workgroup memory, 16x16 threads with 4x4 outputs.
// A_INNER_CONTIGUOUS and B_INNER_CONTIGUOUS say which of the two strides is 1, so that neighbouring threads load neighbouring
// words. Grid: [ceil(J / 64), ceil(I / 64), 1]. Needs 8.5 KiB of workgroup memory and 256 invocations.
struct Sizes {
  rows: u32, columns: u32, inner: u32, mode: u32,
  aRow: u32, aInner: u32, bRow: u32, bInner: u32, cRow: u32, innerChunk: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

override A_INNER_CONTIGUOUS: bool;
override B_INNER_CONTIGUOUS: bool;

const SIDE = 64u;
const DEPTH = 16u;
const PITCH = 68u; // four words of padding spread a column over the banks

var<workgroup> aTile: array<f32, 1088>; // (DEPTH, PITCH)
var<workgroup> bTile: array<f32, 1088>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row0 = group.y * SIDE;
  let column0 = group.x * SIDE;
  var sum: array<vec4<f32>, 4>;
  for (var k0 = 0u; k0 < sizes.inner; k0 += DEPTH) {
    for (var n = 0u; n < 4u; n++) {
      let e = thread + n * 256u;
      let ka = select(e / SIDE, e % DEPTH, A_INNER_CONTIGUOUS);
      let ia = select(e % SIDE, e / DEPTH, A_INNER_CONTIGUOUS);
      var value = 0.0;
      if (row0 + ia < sizes.rows && k0 + ka < sizes.inner) {
        value = a[(row0 + ia) * sizes.aRow + (k0 + ka) * sizes.aInner];
      }
      aTile[ka * PITCH + ia] = value;
      let kb = select(e / SIDE, e % DEPTH, B_INNER_CONTIGUOUS);
      let jb = select(e % SIDE, e / DEPTH, B_INNER_CONTIGUOUS);
      value = 0.0;
      if (column0 + jb < sizes.columns && k0 + kb < sizes.inner) {
        value = b[(column0 + jb) * sizes.bRow + (k0 + kb) * sizes.bInner];
      }
      bTile[kb * PITCH + jb] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * PITCH + local.x * 4u;
      let y = vec4(bTile[at], bTile[at + 1u], bTile[at + 2u], bTile[at + 3u]);
      let rowAt = k * PITCH + local.y * 4u;
      sum[0] += aTile[rowAt] * y;
      sum[1] += aTile[rowAt + 1u] * y;
      sum[2] += aTile[rowAt + 2u] * y;
      sum[3] += aTile[rowAt + 3u] * y;
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    let i = row0 + local.y * 4u + r;
    for (var q = 0u; q < 4u; q++) {
      let j = column0 + local.x * 4u + q;
      if (i >= sizes.rows || j >= sizes.columns) { continue; }
      let at = i * sizes.cRow + j;
      let value = sum[r][q];
      switch sizes.mode {
        case 1u: { c[at] += value; }
        case 2u: { c[at] = residual[at] + value; }
        default: { c[at] = value; }
      }
    }
  }
}
`,
  software: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// One kernel for the three products of a linear layer, told apart by strides: y = x W^T, dx = dy W, dW += dy^T x.
// C (I, J) row-major, cRow elements a row. mode 0 overwrites, 1 accumulates into C, 2 adds to R (residual). Any I, J, K >= 1.
// Sizes are in a uniform, not in override constants: on a software adapter the unrolled tile costs 0.3 s of compilation, and
// one pipeline for all shapes ran as fast as one for each.
// An 8x8 tile of C in registers a thread, no workgroup memory. A row of four threads shares its A values, so that a 4-wide
// software adapter loads them once. Grid: [ceil(J / 32), ceil(I / 8), 1].
// Rows, columns and inner length of the product; strides in elements: Row from one row (column, for b) of the product to the
// next, Inner along the sum. One of the two is 1. cRow: from a row of c to the next.
struct Sizes {
  rows: u32, columns: u32, inner: u32, mode: u32,
  aRow: u32, aInner: u32, bRow: u32, bInner: u32,
  cRow: u32, innerChunk: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
const ACCUMULATE = 1u;
const RESIDUAL = 2u;
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
`,
  softwareWide: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// The contract of matmul/software.wgsl where every row starts and ends at a multiple of four elements (the sum of a weight
// gradient may have any length), for adapters with subgroups of four lanes or more.
// A thread has 16 x 8 outputs as eight 4x4 matrices; column r of s0 is row r of C. Per four k one lane of four loads each row of
// A, the others get it by subgroupBroadcast: on a 4-wide software adapter a load costs four guarded scalar loads, and a loop
// variable a masked store each time round, so four k make one turn. LANES: 4, or 8 where subgroups have that many.
// Grid: [ceil(J / (8 * LANES)), ceil(I / 16), 1].
enable subgroups;
// Rows, columns and inner length of the product; strides in elements: Row from one row (column, for b) of the product to the
// next, Inner along the sum. One of the two is 1. cRow: from a row of c to the next.
struct Sizes {
  rows: u32, columns: u32, inner: u32, mode: u32,
  aRow: u32, aInner: u32, bRow: u32, bInner: u32,
  cRow: u32, innerChunk: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
const ACCUMULATE = 1u;
const RESIDUAL = 2u;
@group(0) @binding(1) var<storage, read> a: array<f32>; // storage: a vec4
@group(0) @binding(2) var<storage, read> b: array<f32>; // storage: b vec4
@group(0) @binding(3) var<storage, read> residual: array<f32>; // storage: residual vec4
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // storage: c vec4

// Four outputs of a row; nothing where they lie outside. \`part\`: of a sum that is split, which has its own c each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}

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
`,
} as const;
