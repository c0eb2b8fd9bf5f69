// C[i, j] = (0 | C[i, j] | R[i, j]) + sum over k of half(A[i*aRow + k*aInner]) * half(B[j*bRow + k*bInner])
//
// matmul/tensor.wgsl for adapters without subgroup matrices: the same tiles and the same rounding in plain WGSL, to test them. Slow.
// #include "prelude/matmulSizes.wgsl"
// #include "prelude/matmulAny.wgsl"

// #include "prelude/matmulTensorTiles.wgsl"

// #include "prelude/matmulEmulatedMatrices.wgsl"

// #include "prelude/matmulTensor.wgsl"
