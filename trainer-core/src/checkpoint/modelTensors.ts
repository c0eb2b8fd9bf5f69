/** A model as its peers share it: one blob a tensor, f32 little-endian row-major, checked tile by tile against Merkle leaves. */
import type { LlamaConfig } from "@starling/config";
import { leafMessage } from "@starling/shaders/reference/hash/leafMessage";
import { tileLayout, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { sha256 } from "@noble/hashes/sha2.js";
import { DIGEST_BYTES } from "../compress/merkle.ts";
import { llamaParameters } from "../model/parameters.ts";

export interface ModelTensor {
  name: string;
  layout: TileLayout;
}

/** Tiles whose digests are under way together: WebCrypto's threads are kept busy, and memory stays below a MiB. */
const tilesAtOnce = 32;
/** Below this, hashing here is faster than a trip to WebCrypto's thread, and it keeps simulations deterministic. */
const synchronousBytes = 16 * 1024;
/** Bytes hashed here before others have their turn: some 5 ms. */
const turnBytes = 256 * 1024;

/** The tensors of a model by ascending name; `chunk`: largest tile side, `compression_chunk`. */
export function modelTensors(config: LlamaConfig, chunk: number): ModelTensor[] {
  return llamaParameters(config).map(({ name, shape }) => ({ name, layout: tileLayout(shape, chunk) }));
}

export function tensorSizeBytes({ layout }: ModelTensor): number {
  return 4 * layout.elements;
}

/** Bytes of all leaves together. */
export function leavesSizeBytes(tensors: readonly ModelTensor[]): number {
  return tensors.reduce((sum, { layout }) => sum + layout.tiles * DIGEST_BYTES, 0);
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The values' bytes as they are shared; no copy where the machine is little-endian, as every one with WebGPU is. */
export function bytesOfTensor(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return isLittleEndian ? bytes : swapped(bytes);
}

/** The values of named tensors, as an engine takes them. */
export function valuesOf(tensors: ReadonlyMap<string, { data: Float32Array }>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, { data }]) => [name, data]));
}

/** The values of such bytes; no copy where the machine is little-endian and the bytes are aligned. */
export function valuesOfTensor(bytes: Uint8Array): Float32Array {
  const ready = isLittleEndian ? bytes : swapped(bytes);
  if (ready.byteOffset % 4 === 0) return new Float32Array(ready.buffer, ready.byteOffset, ready.byteLength / 4);
  return new Float32Array(ready.slice().buffer);
}

function swapped(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.byteLength);
  for (let i = 0; i < bytes.byteLength; i++) out[i] = bytes[i ^ 3];
  return out;
}

/**
 * Whether `bytes` are tensor `index` of the model with these `leaves`, (tiles, 32) of the whole model. Runs beside other
 * work: `nextTurn` resolves after others had theirs.
 */
export async function tensorMatches(
  tensors: readonly ModelTensor[],
  index: number,
  bytes: Uint8Array,
  leaves: Uint8Array,
  nextTurn: () => Promise<void>,
): Promise<boolean> {
  const { layout } = tensors[index];
  if (bytes.byteLength !== tensorSizeBytes(tensors[index])) return false;
  const values = valuesOfTensor(bytes);
  const firstLeaf = tensors.slice(0, index).reduce((sum, tensor) => sum + tensor.layout.tiles, 0);
  const matches = (digest: Uint8Array, tile: number): boolean => {
    const at = (firstLeaf + tile) * DIGEST_BYTES;
    return digest.every((byte, i) => byte === leaves[at + i]);
  };
  const messageBytes = 9 + 4 * layout.total;
  let hashedBytes = 0;
  for (let first = 0; first < layout.tiles; first += tilesAtOnce) {
    const tiles = Array.from({ length: Math.min(tilesAtOnce, layout.tiles - first) }, (_, i) => first + i);
    if (messageBytes <= synchronousBytes) {
      if (!tiles.every((tile) => matches(sha256(leafMessage(layout, index, tile, values)), tile))) return false;
      hashedBytes += tiles.length * messageBytes;
      if (hashedBytes < turnBytes) continue;
      hashedBytes = 0;
      await nextTurn();
    } else {
      const messages = tiles.map((tile) => leafMessage(layout, index, tile, values));
      const digests = await Promise.all(messages.map((message) => crypto.subtle.digest("SHA-256", message)));
      if (!digests.every((digest, i) => matches(new Uint8Array(digest), tiles[i]))) return false;
    }
  }
  return true;
}
