// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// The contract of matmul/gpu.wgsl on tensor cores: both operands are rounded to halves on their way into workgroup memory, sums are
// f32. What a tile is made of is baked in before compilation (kernels/matmul.ts), because arrays of matrices want their lengths
// then. Any sizes. Grid: [ceil(J / TILE_COLUMNS), ceil(I / TILE_ROWS), parts]. Needs f16, subgroups, subgroup matrices
// (M, N, K) of f16 and f32, and LANES = the most threads a subgroup may have.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // a row of threads along x is a whole number of subgroups
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulAny.wgsl"

// #include "prelude/matmulTensorTiles.wgsl"

// #include "prelude/matmulMatrices.wgsl"

// #include "prelude/matmulTensor.wgsl"
