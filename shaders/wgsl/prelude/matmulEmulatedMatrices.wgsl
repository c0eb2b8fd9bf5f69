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
