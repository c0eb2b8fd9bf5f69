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
  aRow: u32, aInner: u32, bRow: u32, bInner: u32, cRow: u32,
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
struct Sizes {
  rows: u32, columns: u32, inner: u32, mode: u32,
  aRow: u32, aInner: u32, bRow: u32, bInner: u32, cRow: u32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

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
    let low = vec4(b[b0 + kb], b[b1 + kb], b[b2 + kb], b[b3 + kb]);
    let high = vec4(b[b4 + kb], b[b5 + kb], b[b6 + kb], b[b7 + kb]);
    let x0 = a[a0 + ka]; s0 += x0 * low; t0 += x0 * high;
    let x1 = a[a1 + ka]; s1 += x1 * low; t1 += x1 * high;
    let x2 = a[a2 + ka]; s2 += x2 * low; t2 += x2 * high;
    let x3 = a[a3 + ka]; s3 += x3 * low; t3 += x3 * high;
    let x4 = a[a4 + ka]; s4 += x4 * low; t4 += x4 * high;
    let x5 = a[a5 + ka]; s5 += x5 * low; t5 += x5 * high;
    let x6 = a[a6 + ka]; s6 += x6 * low; t6 += x6 * high;
    let x7 = a[a7 + ka]; s7 += x7 * low; t7 += x7 * high;
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
      case 1u: { c[at] += value; }
      case 2u: { c[at] = residual[at] + value; }
      default: { c[at] = value; }
    }
  }
}
`,
} as const;
