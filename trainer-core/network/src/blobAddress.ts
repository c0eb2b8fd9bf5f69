import { leafHash, merkleRoot } from "./hash.ts";
import { keyHex } from "./port.ts";

/** Bytes of a blob are hashed, sent and resumed in chunks of this size; the last one is shorter. */
export const chunkBytes = 1024 * 1024;

/** Names a blob by its content. */
export interface BlobAddress {
  /** Merkle root over the chunks, 32 bytes: leaf sha256(0x00, bytes), node sha256(0x01, l, r), odd node promoted. */
  root: Uint8Array;
  sizeBytes: number;
}

/** Chunks of a blob; an empty blob has one empty chunk. */
export function chunkCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / chunkBytes));
}

export function chunkAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes);
}

/** Leaf hashes of a blob, in order. */
export async function chunkHashes(bytes: Uint8Array): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < chunkCount(bytes.byteLength); i++) hashes.push(await leafHash(chunkAt(bytes, i)));
  return hashes;
}

export async function blobAddressOf(bytes: Uint8Array): Promise<BlobAddress> {
  return { root: merkleRoot(await chunkHashes(bytes)), sizeBytes: bytes.byteLength };
}

export function addressName(address: BlobAddress): string {
  return `${keyHex(address.root)}:${address.sizeBytes}`;
}
