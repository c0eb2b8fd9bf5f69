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
