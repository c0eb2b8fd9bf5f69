import { type TileLayout, tileStart } from "../../kernels/compress/tileLayout.ts";

/**
 * The bytes whose sha256 is a tile's Merkle leaf: 0x00, tensor index u32 LE, tile u32 LE, elements f32 LE row-major. `number`: of the
 * tile in the whole model's tensor, where `tensor` is a part of that.
 */
export function leafMessage(
  layout: TileLayout,
  tensorIndex: number,
  tile: number,
  tensor: Float32Array,
  number = tile,
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(9 + 4 * layout.total);
  const view = new DataView(message.buffer);
  view.setUint32(1, tensorIndex, true);
  view.setUint32(5, number, true);
  // by bits: a NaN payload would not survive as a number
  const bits = new Uint32Array(tensor.buffer, tensor.byteOffset, tensor.length);
  let at = 9;
  for (let i = 0; i < layout.height; i++) {
    const row = tileStart(layout, tile) + i * layout.columns;
    for (let j = 0; j < layout.width; j++, at += 4) view.setUint32(at, bits[row + j], true);
  }
  return message;
}
