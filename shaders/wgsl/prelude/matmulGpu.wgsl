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
