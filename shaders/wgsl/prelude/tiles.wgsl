// The tile table: one record a DisTrO tile, so that one dispatch serves all tensors whatever their shapes.
struct Batch { firstTile: u32, tileCount: u32, sentBase: u32, denseBase: u32, sentCount: u32, denseCount: u32 }
struct Tile {
  element: u32, // first element in the pool
  stride: u32,  // elements from one row to the next in the pool
  height: u32,
  width: u32,
  topk: u32,
  sent: u32,    // first of this tile's topk entries, over the pool
  dense: u32,   // first of this tile's height*width coefficients, over the pool
  tensor: u32,  // index in ascending name order
  index: u32,   // of the tile in its tensor, row-major
}
@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> tiles: array<Tile>;
