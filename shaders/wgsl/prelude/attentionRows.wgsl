var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}
