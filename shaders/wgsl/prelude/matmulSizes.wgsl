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
