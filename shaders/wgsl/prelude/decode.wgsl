// What one decode needs beside the tile table. coef starts: whichever bound on the merged list is smaller over the batch.
struct Decode { peers: u32, oneBit: u32, coefBySent: u32, learningRate: f32, sum: u32 }
fn coefStart(decode: Decode, tile: Tile) -> u32 {
  return select(tile.dense - batch.denseBase, decode.peers * (tile.sent - batch.sentBase), decode.coefBySent == 1u);
}
