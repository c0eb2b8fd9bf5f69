/** sha256 Merkle tree: leaf sha256(0x00, bytes), node sha256(0x01, left, right); an odd node moves up as it is. */
import { sha256 } from "@noble/hashes/sha2.js";
import { leafMessage } from "@starling/shaders/reference/hash/leafMessage";
import { tileIndex, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";

export const DIGEST_BYTES = 32;

/** Root over `leaves`, (n, 32) digests end to end. Throws RangeError for none, or a broken length. */
export function merkleRoot(leaves: Uint8Array): Uint8Array<ArrayBuffer> {
  if (leaves.length === 0 || leaves.length % DIGEST_BYTES !== 0) {
    throw new RangeError(`a Merkle tree needs one or more leaves of ${DIGEST_BYTES} bytes, got ${leaves.length} bytes`);
  }
  const level = leaves.slice();
  const message = new Uint8Array(1 + 2 * DIGEST_BYTES);
  message[0] = 1;
  for (let count = level.length / DIGEST_BYTES; count > 1; count = Math.ceil(count / 2)) {
    for (let i = 0; i + 1 < count; i += 2) {
      message.set(level.subarray(i * DIGEST_BYTES, (i + 2) * DIGEST_BYTES), 1);
      level.set(sha256(message), (i / 2) * DIGEST_BYTES);
    }
    if (count % 2 === 1) level.copyWithin(((count - 1) / 2) * DIGEST_BYTES, (count - 1) * DIGEST_BYTES, count * DIGEST_BYTES);
  }
  return level.slice(0, DIGEST_BYTES);
}

/** The root that leafSha256 and merkleRoot give on a device, from plain arrays: of parameters or of a residual. */
export function tensorRoot(layouts: readonly TileLayout[], tensors: readonly Float32Array[]): Uint8Array<ArrayBuffer> {
  return merkleRoot(tensorLeaves(layouts, tensors));
}

/**
 * (tiles, 32) leaf digests under that root. `layouts` and `tensors` by ascending name. `whole`: the layouts of the model that these
 * tensors are a part of: their leaves are those that the whole model has of these tiles.
 */
export function tensorLeaves(
  layouts: readonly TileLayout[],
  tensors: readonly Float32Array[],
  whole: readonly TileLayout[] = layouts,
): Uint8Array<ArrayBuffer> {
  if (layouts.length !== tensors.length) throw new RangeError(`${layouts.length} layouts for ${tensors.length} tensors`);
  const leaves = new Uint8Array(layouts.reduce((sum, l) => sum + l.tiles, 0) * DIGEST_BYTES);
  let at = 0;
  layouts.forEach((layout, index) => {
    if (tensors[index].length !== layout.elements) {
      throw new RangeError(
        `tensor ${index} of shape [${layout.shape.join(", ")}] has ${layout.elements} elements, got ${tensors[index].length}`,
      );
    }
    for (let tile = 0; tile < layout.tiles; tile++, at += DIGEST_BYTES) {
      leaves.set(sha256(leafMessage(layout, index, tile, tensors[index], tileIndex(layout, whole[index].gridX, tile))), at);
    }
  });
  return leaves;
}
