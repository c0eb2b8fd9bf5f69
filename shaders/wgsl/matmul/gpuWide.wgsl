// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// matmul/gpu.wgsl where every row starts and ends at a multiple of four elements (the sum of a weight gradient may have any length):
// four elements a load.
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulWide.wgsl"

// #include "prelude/matmulBlocks.wgsl"

// #include "prelude/matmulGpu.wgsl"
