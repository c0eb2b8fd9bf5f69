// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
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
