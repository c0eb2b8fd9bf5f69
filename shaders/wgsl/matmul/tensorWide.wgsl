// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// matmul/tensor.wgsl where every row starts and ends at a multiple of four elements: four elements a load.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // a row of threads along x is a whole number of subgroups
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulWide.wgsl"

// #include "prelude/matmulTensorTiles.wgsl"

// #include "prelude/matmulMatrices.wgsl"

// #include "prelude/matmulTensor.wgsl"
