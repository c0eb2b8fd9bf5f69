// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of A[i*aRow + k*aInner] * B[j*bRow + k*bInner]
//
// The contract of matmul/software.wgsl, for GPUs: tiles of A and B in workgroup memory, a thread has one to four 4x4 blocks of C.
// A_INNER_CONTIGUOUS and B_INNER_CONTIGUOUS say which of an operand's two strides is 1. With innerChunk below the inner length the
// sum is split over the grid's z, and each part overwrites a C of its own, one after the other (matmul/sumParts.wgsl adds them up).
// Any sizes. Grid: [ceil(J / tile's columns), ceil(I / tile's rows), parts]. Needs 16 bytes of workgroup memory for each of
// DEPTH * (ROW_QUADS + COLUMN_QUADS + 2).
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulAny.wgsl"

// #include "prelude/matmulBlocks.wgsl"

// #include "prelude/matmulGpu.wgsl"
