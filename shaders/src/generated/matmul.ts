// Generated from shaders/wgsl/matmul by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  gpu: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// The contract of matmul/software.wgsl, for GPUs: tiles of A and B in workgroup memory, a thread has one to four 4x4 blocks of C.
// A_INNER_CONTIGUOUS and B_INNER_CONTIGUOUS say which of an operand's two strides is 1. With innerChunk below the inner length the
// sum is split over the grid's z, and each part overwrites a C of its own, one after the other (matmul/sumParts.wgsl adds them up).
// Any sizes. Grid: [ceil(J / tile's columns), ceil(I / tile's rows), parts]. Needs 16 bytes of workgroup memory for each of
// DEPTH * (ROW_QUADS + COLUMN_QUADS + 2).
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

override A_INNER_CONTIGUOUS: bool;
override B_INNER_CONTIGUOUS: bool;

// 4x4 of an operand: column n holds four rows (columns, of b) from \`i\` on at k + n. \`end\`: of this part's sum.
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

// threads of a workgroup along columns and rows, 4x4 blocks of a thread along them (1 or 2), depth of a tile (a multiple of 4)
override COLUMN_THREADS: u32;
override ROW_THREADS: u32;
override COLUMN_BLOCKS: u32;
override ROW_BLOCKS: u32;
override DEPTH: u32;

// quads of four rows (columns) in a tile, and from one k to the next: one of padding spreads a column over the banks
override ROW_QUADS: u32 = ROW_THREADS * ROW_BLOCKS;
override COLUMN_QUADS: u32 = COLUMN_THREADS * COLUMN_BLOCKS;
override ROW_PITCH: u32 = ROW_QUADS + 1u;
override COLUMN_PITCH: u32 = COLUMN_QUADS + 1u;
var<workgroup> aTile: array<vec4<f32>, DEPTH * ROW_PITCH>;
var<workgroup> bTile: array<vec4<f32>, DEPTH * COLUMN_PITCH>;

// row r of a block of C: x[r] * y
fn outer(x: vec4<f32>, y: vec4<f32>) -> mat4x4<f32> { return mat4x4<f32>(x.x * y, x.y * y, x.z * y, x.w * y); }

fn storeBlock(row: u32, column: u32, part: u32, block: mat4x4<f32>) {
  for (var r = 0u; r < 4u; r++) { store4(row + r, column, part, block[r]); }
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row0 = group.y * ROW_QUADS * 4u;
  let column0 = group.x * COLUMN_QUADS * 4u;
  let start = group.z * sizes.innerChunk;
  let end = min(start + sizes.innerChunk, sizes.inner);
  let depthQuads = DEPTH / 4u;
  // C[rows of block 0 or 1][columns of block 0 or 1]
  var s00 = mat4x4<f32>(); var s01 = mat4x4<f32>();
  var s10 = mat4x4<f32>(); var s11 = mat4x4<f32>();
  for (var k0 = start; k0 < end; k0 += DEPTH) {
    for (var n = thread; n < (ROW_QUADS + COLUMN_QUADS) * depthQuads; n += ROW_THREADS * COLUMN_THREADS) {
      // neighbouring threads load neighbouring words
      if (n < ROW_QUADS * depthQuads) {
        let quad = select(n % ROW_QUADS, n / depthQuads, A_INNER_CONTIGUOUS);
        let k = 4u * select(n / ROW_QUADS, n % depthQuads, A_INNER_CONTIGUOUS);
        let block = block_a(row0 + 4u * quad, k0 + k, end);
        for (var r = 0u; r < 4u; r++) { aTile[(k + r) * ROW_PITCH + quad] = block[r]; }
      } else {
        let m = n - ROW_QUADS * depthQuads;
        let quad = select(m % COLUMN_QUADS, m / depthQuads, B_INNER_CONTIGUOUS);
        let k = 4u * select(m / COLUMN_QUADS, m % depthQuads, B_INNER_CONTIGUOUS);
        let block = block_b(column0 + 4u * quad, k0 + k, end);
        for (var r = 0u; r < 4u; r++) { bTile[(k + r) * COLUMN_PITCH + quad] = block[r]; }
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let x0 = aTile[k * ROW_PITCH + local.y];
      let y0 = bTile[k * COLUMN_PITCH + local.x];
      s00 += outer(x0, y0);
      if (COLUMN_BLOCKS > 1u) { s01 += outer(x0, bTile[k * COLUMN_PITCH + COLUMN_THREADS + local.x]); }
      if (ROW_BLOCKS > 1u) {
        let x1 = aTile[k * ROW_PITCH + ROW_THREADS + local.y];
        s10 += outer(x1, y0);
        if (COLUMN_BLOCKS > 1u) { s11 += outer(x1, bTile[k * COLUMN_PITCH + COLUMN_THREADS + local.x]); }
      }
    }
    workgroupBarrier();
  }
  let row = row0 + 4u * local.y;
  let column = column0 + 4u * local.x;
  storeBlock(row, column, group.z, s00);
  if (COLUMN_BLOCKS > 1u) { storeBlock(row, column + 4u * COLUMN_THREADS, group.z, s01); }
  if (ROW_BLOCKS > 1u) {
    storeBlock(row + 4u * ROW_THREADS, column, group.z, s10);
    if (COLUMN_BLOCKS > 1u) { storeBlock(row + 4u * ROW_THREADS, column + 4u * COLUMN_THREADS, group.z, s11); }
  }
}
`,
  gpuWide: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// matmul/gpu.wgsl where every row starts and ends at a multiple of four elements (the sum of a weight gradient may have any length):
// four elements a load.
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

// Elements \`at\` to \`at\` + 3 of a line, \`pitch\` from one line to the next; 0 beyond the last line and the lines' length.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_a(line * pitch + at);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_b(line * pitch + at);
}

// Four outputs of a row; nothing where they lie outside. \`part\`: of a sum that is split, which has a c of its own for each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}

override A_INNER_CONTIGUOUS: bool;
override B_INNER_CONTIGUOUS: bool;

// 4x4 of an operand: column n holds four rows (columns, of b) from \`i\` on at k + n. \`end\`: of this part's sum.
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

// threads of a workgroup along columns and rows, 4x4 blocks of a thread along them (1 or 2), depth of a tile (a multiple of 4)
override COLUMN_THREADS: u32;
override ROW_THREADS: u32;
override COLUMN_BLOCKS: u32;
override ROW_BLOCKS: u32;
override DEPTH: u32;

// quads of four rows (columns) in a tile, and from one k to the next: one of padding spreads a column over the banks
override ROW_QUADS: u32 = ROW_THREADS * ROW_BLOCKS;
override COLUMN_QUADS: u32 = COLUMN_THREADS * COLUMN_BLOCKS;
override ROW_PITCH: u32 = ROW_QUADS + 1u;
override COLUMN_PITCH: u32 = COLUMN_QUADS + 1u;
var<workgroup> aTile: array<vec4<f32>, DEPTH * ROW_PITCH>;
var<workgroup> bTile: array<vec4<f32>, DEPTH * COLUMN_PITCH>;

// row r of a block of C: x[r] * y
fn outer(x: vec4<f32>, y: vec4<f32>) -> mat4x4<f32> { return mat4x4<f32>(x.x * y, x.y * y, x.z * y, x.w * y); }

fn storeBlock(row: u32, column: u32, part: u32, block: mat4x4<f32>) {
  for (var r = 0u; r < 4u; r++) { store4(row + r, column, part, block[r]); }
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row0 = group.y * ROW_QUADS * 4u;
  let column0 = group.x * COLUMN_QUADS * 4u;
  let start = group.z * sizes.innerChunk;
  let end = min(start + sizes.innerChunk, sizes.inner);
  let depthQuads = DEPTH / 4u;
  // C[rows of block 0 or 1][columns of block 0 or 1]
  var s00 = mat4x4<f32>(); var s01 = mat4x4<f32>();
  var s10 = mat4x4<f32>(); var s11 = mat4x4<f32>();
  for (var k0 = start; k0 < end; k0 += DEPTH) {
    for (var n = thread; n < (ROW_QUADS + COLUMN_QUADS) * depthQuads; n += ROW_THREADS * COLUMN_THREADS) {
      // neighbouring threads load neighbouring words
      if (n < ROW_QUADS * depthQuads) {
        let quad = select(n % ROW_QUADS, n / depthQuads, A_INNER_CONTIGUOUS);
        let k = 4u * select(n / ROW_QUADS, n % depthQuads, A_INNER_CONTIGUOUS);
        let block = block_a(row0 + 4u * quad, k0 + k, end);
        for (var r = 0u; r < 4u; r++) { aTile[(k + r) * ROW_PITCH + quad] = block[r]; }
      } else {
        let m = n - ROW_QUADS * depthQuads;
        let quad = select(m % COLUMN_QUADS, m / depthQuads, B_INNER_CONTIGUOUS);
        let k = 4u * select(m / COLUMN_QUADS, m % depthQuads, B_INNER_CONTIGUOUS);
        let block = block_b(column0 + 4u * quad, k0 + k, end);
        for (var r = 0u; r < 4u; r++) { bTile[(k + r) * COLUMN_PITCH + quad] = block[r]; }
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let x0 = aTile[k * ROW_PITCH + local.y];
      let y0 = bTile[k * COLUMN_PITCH + local.x];
      s00 += outer(x0, y0);
      if (COLUMN_BLOCKS > 1u) { s01 += outer(x0, bTile[k * COLUMN_PITCH + COLUMN_THREADS + local.x]); }
      if (ROW_BLOCKS > 1u) {
        let x1 = aTile[k * ROW_PITCH + ROW_THREADS + local.y];
        s10 += outer(x1, y0);
        if (COLUMN_BLOCKS > 1u) { s11 += outer(x1, bTile[k * COLUMN_PITCH + COLUMN_THREADS + local.x]); }
      }
    }
    workgroupBarrier();
  }
  let row = row0 + 4u * local.y;
  let column = column0 + 4u * local.x;
  storeBlock(row, column, group.z, s00);
  if (COLUMN_BLOCKS > 1u) { storeBlock(row, column + 4u * COLUMN_THREADS, group.z, s01); }
  if (ROW_BLOCKS > 1u) {
    storeBlock(row + 4u * ROW_THREADS, column, group.z, s10);
    if (COLUMN_BLOCKS > 1u) { storeBlock(row + 4u * ROW_THREADS, column + 4u * COLUMN_THREADS, group.z, s11); }
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

// Elements \`at\` to \`at\` + 3 of a line, \`pitch\` from one line to the next; 0 beyond the last line and the lines' length.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_a(line * pitch + at);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_b(line * pitch + at);
}

// Four outputs of a row; nothing where they lie outside. \`part\`: of a sum that is split, which has a c of its own for each.
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
  sumParts: `// C[i, j] = (0 | C[i, j]) + sum over p of P[p, i, j]
//
// The parts of a product whose sum was split: P (PARTS, ROWS, COLUMNS), C (ROWS, COLUMNS) with PITCH elements a row. In order, so
// that the same parts give the same bits. ADD: accumulates. Grid: linearGrid(ROWS * COLUMNS).
override ROWS: u32;
override COLUMNS: u32;
override PITCH: u32;
override PARTS: u32;
override ADD: bool;
@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let n = linearIndex(id, groups);
  if (n >= ROWS * COLUMNS) { return; }
  var sum = 0.0;
  for (var p = 0u; p < PARTS; p++) { sum += parts[p * ROWS * COLUMNS + n]; }
  let at = n / COLUMNS * PITCH + n % COLUMNS;
  if (ADD) { c[at] += sum; } else { c[at] = sum; }
}
`,
  tensor: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// The contract of matmul/gpu.wgsl on tensor cores: both operands are rounded to halves on their way into workgroup memory, sums are
// f32. What a tile is made of is baked in before compilation (kernels/matmul.ts), because arrays of matrices want their lengths
// then. Any sizes. Grid: [ceil(J / TILE_COLUMNS), ceil(I / TILE_ROWS), parts]. Needs f16, subgroups, subgroup matrices
// (M, N, K) of f16 and f32, and LANES = the most threads a subgroup may have.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // a row of threads along x is a whole number of subgroups
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

// of a matrix product of a subgroup; result matrices of a subgroup along rows and columns; threads that a subgroup has at most
const M = 0u; // baked
const N = 0u; // baked
const K = 0u; // baked
const ROW_MATRICES = 0u; // baked
const COLUMN_MATRICES = 0u; // baked
const LANES = 0u; // baked
// subgroups of a workgroup along rows and columns; depth of a tile in matrices
const ROW_SUBGROUPS = 0u; // baked
const COLUMN_SUBGROUPS = 0u; // baked
const DEPTH_MATRICES = 0u; // baked

const A_INNER_CONTIGUOUS = false; // baked
const B_INNER_CONTIGUOUS = false; // baked
// an operand that is a gradient becomes infinite where halves end, so that loss scaling sees it; others stop there
const A_IS_GRADIENT = false; // baked

const TILE_ROWS = ROW_SUBGROUPS * ROW_MATRICES * M;
const TILE_COLUMNS = COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
const DEPTH = DEPTH_MATRICES * K;
// from one line of a tile to the next, in the order of memory: eight more spread a column over the banks
const A_PITCH = select(TILE_ROWS, DEPTH, A_INNER_CONTIGUOUS) + 8u;
const B_PITCH = select(TILE_COLUMNS, DEPTH, B_INNER_CONTIGUOUS) + 8u;
const A_LINES = select(DEPTH, TILE_ROWS, A_INNER_CONTIGUOUS);
const B_LINES = select(DEPTH, TILE_COLUMNS, B_INNER_CONTIGUOUS);
var<workgroup> aTile: array<Half, A_LINES * A_PITCH>;
var<workgroup> bTile: array<Half, B_LINES * B_PITCH>;
// one result matrix of each subgroup, on its way to c
var<workgroup> strips: array<f32, ROW_SUBGROUPS * COLUMN_SUBGROUPS * M * N>;

// Products of a whole subgroup on tensor cores. Left (M, K), Right (K, N) in halves, Result (M, N) in f32.
alias Half = f16;
alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Result = subgroup_matrix_result<f32, N, M>;
fn setLane(lane: u32) {}
fn toHalf(v: vec4<f32>) -> vec4<f16> { return vec4<f16>(v); }
// A_MAJOR, B_MAJOR: row_major or col_major, baked; of two branches the one that is never taken would be checked against the tile too
fn loadLeft(at: u32) -> Left { return subgroupMatrixLoad<Left, A_MAJOR>(&aTile, at, A_PITCH); }
fn loadRight(at: u32) -> Right { return subgroupMatrixLoad<Right, B_MAJOR>(&bTile, at, B_PITCH); }
fn multiplyAdd(left: Left, right: Right, sum: Result) -> Result { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
fn storeResult(at: u32, sum: Result) { subgroupMatrixStore<row_major>(&strips, at, sum, N); }

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
`,
  tensorEmulated: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// matmul/tensor.wgsl for adapters without subgroup matrices: the same tiles and the same rounding in plain WGSL, to test them. Slow.
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

// of a matrix product of a subgroup; result matrices of a subgroup along rows and columns; threads that a subgroup has at most
const M = 0u; // baked
const N = 0u; // baked
const K = 0u; // baked
const ROW_MATRICES = 0u; // baked
const COLUMN_MATRICES = 0u; // baked
const LANES = 0u; // baked
// subgroups of a workgroup along rows and columns; depth of a tile in matrices
const ROW_SUBGROUPS = 0u; // baked
const COLUMN_SUBGROUPS = 0u; // baked
const DEPTH_MATRICES = 0u; // baked

const A_INNER_CONTIGUOUS = false; // baked
const B_INNER_CONTIGUOUS = false; // baked
// an operand that is a gradient becomes infinite where halves end, so that loss scaling sees it; others stop there
const A_IS_GRADIENT = false; // baked

const TILE_ROWS = ROW_SUBGROUPS * ROW_MATRICES * M;
const TILE_COLUMNS = COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
const DEPTH = DEPTH_MATRICES * K;
// from one line of a tile to the next, in the order of memory: eight more spread a column over the banks
const A_PITCH = select(TILE_ROWS, DEPTH, A_INNER_CONTIGUOUS) + 8u;
const B_PITCH = select(TILE_COLUMNS, DEPTH, B_INNER_CONTIGUOUS) + 8u;
const A_LINES = select(DEPTH, TILE_ROWS, A_INNER_CONTIGUOUS);
const B_LINES = select(DEPTH, TILE_COLUMNS, B_INNER_CONTIGUOUS);
var<workgroup> aTile: array<Half, A_LINES * A_PITCH>;
var<workgroup> bTile: array<Half, B_LINES * B_PITCH>;
// one result matrix of each subgroup, on its way to c
var<workgroup> strips: array<f32, ROW_SUBGROUPS * COLUMN_SUBGROUPS * M * N>;

// matmulMatrices.wgsl in plain WGSL, with the same rounding to halves: a matrix to multiply is where it begins in its tile, and a
// lane holds every LANES-th element of a result.
alias Half = f32;
struct Left { at: u32 }
struct Right { at: u32 }
struct Result { lane: array<f32, M * N / LANES> }
var<private> ownLane: u32;
fn setLane(lane: u32) { ownLane = lane; }
// to the nearest half, ties to even: adapters may truncate in quantizeToF16
fn toHalf(v: vec4<f32>) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(v);
  let nearest = bitcast<vec4<f32>>((bits + vec4<u32>(0x0fffu) + ((bits >> vec4<u32>(13u)) & vec4<u32>(1u))) & vec4<u32>(0xffffe000u));
  // below the smallest normal half the steps are 2^-24 wide
  let halves = select(nearest, round(v * 16777216.0) * 5.9604644775390625e-8, abs(v) < vec4<f32>(6.103515625e-5));
  // past the largest: infinite, as in hardware; NaN stays so
  let infinite = bitcast<vec4<f32>>((bits & vec4<u32>(0x80000000u)) | vec4<u32>(0x7f800000u));
  return select(halves, infinite, abs(nearest) > vec4<f32>(65504.0));
}
fn loadLeft(at: u32) -> Left { return Left(at); }
fn loadRight(at: u32) -> Right { return Right(at); }
fn multiplyAdd(left: Left, right: Right, sum: Result) -> Result {
  var next = sum;
  for (var n = 0u; n < M * N / LANES; n++) {
    let row = (n * LANES + ownLane) / N;
    let column = (n * LANES + ownLane) % N;
    for (var k = 0u; k < K; k++) {
      let x = aTile[left.at + select(k * A_PITCH + row, row * A_PITCH + k, A_INNER_CONTIGUOUS)];
      let y = bTile[right.at + select(k * B_PITCH + column, column * B_PITCH + k, B_INNER_CONTIGUOUS)];
      next.lane[n] += x * y;
    }
  }
  return next;
}
fn storeResult(at: u32, sum: Result) {
  for (var n = 0u; n < M * N / LANES; n++) { strips[at + n * LANES + ownLane] = sum.lane[n]; }
}

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
`,
  tensorEmulatedWide: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// matmul/tensorWide.wgsl for adapters without subgroup matrices: the same tiles and the same rounding in plain WGSL, to test them. Slow.
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

// Elements \`at\` to \`at\` + 3 of a line, \`pitch\` from one line to the next; 0 beyond the last line and the lines' length.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_a(line * pitch + at);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_b(line * pitch + at);
}

// Four outputs of a row; nothing where they lie outside. \`part\`: of a sum that is split, which has a c of its own for each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}

// of a matrix product of a subgroup; result matrices of a subgroup along rows and columns; threads that a subgroup has at most
const M = 0u; // baked
const N = 0u; // baked
const K = 0u; // baked
const ROW_MATRICES = 0u; // baked
const COLUMN_MATRICES = 0u; // baked
const LANES = 0u; // baked
// subgroups of a workgroup along rows and columns; depth of a tile in matrices
const ROW_SUBGROUPS = 0u; // baked
const COLUMN_SUBGROUPS = 0u; // baked
const DEPTH_MATRICES = 0u; // baked

const A_INNER_CONTIGUOUS = false; // baked
const B_INNER_CONTIGUOUS = false; // baked
// an operand that is a gradient becomes infinite where halves end, so that loss scaling sees it; others stop there
const A_IS_GRADIENT = false; // baked

const TILE_ROWS = ROW_SUBGROUPS * ROW_MATRICES * M;
const TILE_COLUMNS = COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
const DEPTH = DEPTH_MATRICES * K;
// from one line of a tile to the next, in the order of memory: eight more spread a column over the banks
const A_PITCH = select(TILE_ROWS, DEPTH, A_INNER_CONTIGUOUS) + 8u;
const B_PITCH = select(TILE_COLUMNS, DEPTH, B_INNER_CONTIGUOUS) + 8u;
const A_LINES = select(DEPTH, TILE_ROWS, A_INNER_CONTIGUOUS);
const B_LINES = select(DEPTH, TILE_COLUMNS, B_INNER_CONTIGUOUS);
var<workgroup> aTile: array<Half, A_LINES * A_PITCH>;
var<workgroup> bTile: array<Half, B_LINES * B_PITCH>;
// one result matrix of each subgroup, on its way to c
var<workgroup> strips: array<f32, ROW_SUBGROUPS * COLUMN_SUBGROUPS * M * N>;

// matmulMatrices.wgsl in plain WGSL, with the same rounding to halves: a matrix to multiply is where it begins in its tile, and a
// lane holds every LANES-th element of a result.
alias Half = f32;
struct Left { at: u32 }
struct Right { at: u32 }
struct Result { lane: array<f32, M * N / LANES> }
var<private> ownLane: u32;
fn setLane(lane: u32) { ownLane = lane; }
// to the nearest half, ties to even: adapters may truncate in quantizeToF16
fn toHalf(v: vec4<f32>) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(v);
  let nearest = bitcast<vec4<f32>>((bits + vec4<u32>(0x0fffu) + ((bits >> vec4<u32>(13u)) & vec4<u32>(1u))) & vec4<u32>(0xffffe000u));
  // below the smallest normal half the steps are 2^-24 wide
  let halves = select(nearest, round(v * 16777216.0) * 5.9604644775390625e-8, abs(v) < vec4<f32>(6.103515625e-5));
  // past the largest: infinite, as in hardware; NaN stays so
  let infinite = bitcast<vec4<f32>>((bits & vec4<u32>(0x80000000u)) | vec4<u32>(0x7f800000u));
  return select(halves, infinite, abs(nearest) > vec4<f32>(65504.0));
}
fn loadLeft(at: u32) -> Left { return Left(at); }
fn loadRight(at: u32) -> Right { return Right(at); }
fn multiplyAdd(left: Left, right: Right, sum: Result) -> Result {
  var next = sum;
  for (var n = 0u; n < M * N / LANES; n++) {
    let row = (n * LANES + ownLane) / N;
    let column = (n * LANES + ownLane) % N;
    for (var k = 0u; k < K; k++) {
      let x = aTile[left.at + select(k * A_PITCH + row, row * A_PITCH + k, A_INNER_CONTIGUOUS)];
      let y = bTile[right.at + select(k * B_PITCH + column, column * B_PITCH + k, B_INNER_CONTIGUOUS)];
      next.lane[n] += x * y;
    }
  }
  return next;
}
fn storeResult(at: u32, sum: Result) {
  for (var n = 0u; n < M * N / LANES; n++) { strips[at + n * LANES + ownLane] = sum.lane[n]; }
}

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
`,
  tensorWide: `// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// matmul/tensor.wgsl where every row starts and ends at a multiple of four elements: four elements a load.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // a row of threads along x is a whole number of subgroups
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

// Elements \`at\` to \`at\` + 3 of a line, \`pitch\` from one line to the next; 0 beyond the last line and the lines' length.
fn quad_a(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_a(line * pitch + at);
}
fn quad_b(line: u32, lines: u32, pitch: u32, at: u32, length: u32) -> vec4<f32> {
  if (line >= lines || at >= length) { return vec4<f32>(); }
  return get4_b(line * pitch + at);
}

// Four outputs of a row; nothing where they lie outside. \`part\`: of a sum that is split, which has a c of its own for each.
fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {
  if (row >= sizes.rows || column >= sizes.columns) { return; }
  let at = (part * sizes.rows + row) * sizes.cRow + column;
  var value = product;
  if (sizes.mode == ACCUMULATE) { value += get4_c(at); }
  if (sizes.mode == RESIDUAL) { value += get4_residual(at); }
  set4_c(at, value);
}

// of a matrix product of a subgroup; result matrices of a subgroup along rows and columns; threads that a subgroup has at most
const M = 0u; // baked
const N = 0u; // baked
const K = 0u; // baked
const ROW_MATRICES = 0u; // baked
const COLUMN_MATRICES = 0u; // baked
const LANES = 0u; // baked
// subgroups of a workgroup along rows and columns; depth of a tile in matrices
const ROW_SUBGROUPS = 0u; // baked
const COLUMN_SUBGROUPS = 0u; // baked
const DEPTH_MATRICES = 0u; // baked

const A_INNER_CONTIGUOUS = false; // baked
const B_INNER_CONTIGUOUS = false; // baked
// an operand that is a gradient becomes infinite where halves end, so that loss scaling sees it; others stop there
const A_IS_GRADIENT = false; // baked

const TILE_ROWS = ROW_SUBGROUPS * ROW_MATRICES * M;
const TILE_COLUMNS = COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
const DEPTH = DEPTH_MATRICES * K;
// from one line of a tile to the next, in the order of memory: eight more spread a column over the banks
const A_PITCH = select(TILE_ROWS, DEPTH, A_INNER_CONTIGUOUS) + 8u;
const B_PITCH = select(TILE_COLUMNS, DEPTH, B_INNER_CONTIGUOUS) + 8u;
const A_LINES = select(DEPTH, TILE_ROWS, A_INNER_CONTIGUOUS);
const B_LINES = select(DEPTH, TILE_COLUMNS, B_INNER_CONTIGUOUS);
var<workgroup> aTile: array<Half, A_LINES * A_PITCH>;
var<workgroup> bTile: array<Half, B_LINES * B_PITCH>;
// one result matrix of each subgroup, on its way to c
var<workgroup> strips: array<f32, ROW_SUBGROUPS * COLUMN_SUBGROUPS * M * N>;

// Products of a whole subgroup on tensor cores. Left (M, K), Right (K, N) in halves, Result (M, N) in f32.
alias Half = f16;
alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Result = subgroup_matrix_result<f32, N, M>;
fn setLane(lane: u32) {}
fn toHalf(v: vec4<f32>) -> vec4<f16> { return vec4<f16>(v); }
// A_MAJOR, B_MAJOR: row_major or col_major, baked; of two branches the one that is never taken would be checked against the tile too
fn loadLeft(at: u32) -> Left { return subgroupMatrixLoad<Left, A_MAJOR>(&aTile, at, A_PITCH); }
fn loadRight(at: u32) -> Right { return subgroupMatrixLoad<Right, B_MAJOR>(&bTile, at, B_PITCH); }
fn multiplyAdd(left: Left, right: Right, sum: Result) -> Result { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
fn storeResult(at: u32, sum: Result) { subgroupMatrixStore<row_major>(&strips, at, sum, N); }

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
`,
} as const;
