import type { BlobAddress } from "./blobAddress.ts";
import { NetworkError } from "./errors.ts";

export const blobProtocol = "/starling/blob/1";
/** kind u8, root 32, sizeBytes u64 LE, chunk index u32 LE. */
export const blobRequestBytes = 45;

export const BlobRequestKind = { list: 0, chunk: 1 } as const;
export const BlobStatus = { ok: 0, notFound: 1 } as const;

export interface BlobRequest {
  kind: number;
  address: BlobAddress;
  /** 0 for a list. */
  index: number;
}

export function encodeBlobRequest({ kind, address, index }: BlobRequest): Uint8Array {
  const bytes = new Uint8Array(blobRequestBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  bytes.set(address.root, 1);
  view.setBigUint64(33, BigInt(address.sizeBytes), true);
  view.setUint32(41, index, true);
  return bytes;
}

/** @throws NetworkError `malformed` */
export function decodeBlobRequest(bytes: Uint8Array): BlobRequest {
  if (bytes.byteLength !== blobRequestBytes) {
    throw new NetworkError("malformed", `a blob request has ${blobRequestBytes} bytes, this one has ${bytes.byteLength}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizeBytes = view.getBigUint64(33, true);
  const kind = view.getUint8(0);
  if (sizeBytes > BigInt(Number.MAX_SAFE_INTEGER) || kind > BlobRequestKind.chunk) {
    throw new NetworkError("malformed", `blob request of kind ${kind} for ${sizeBytes} bytes; expected kind 0 or 1 below 2^53 bytes`);
  }
  return { kind, address: { root: bytes.slice(1, 33), sizeBytes: Number(sizeBytes) }, index: view.getUint32(41, true) };
}

export function encodeBlobAnswer(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + body.byteLength);
  bytes[0] = BlobStatus.ok;
  bytes.set(body, 1);
  return bytes;
}

export function encodeBlobNotFound(): Uint8Array {
  return Uint8Array.of(BlobStatus.notFound);
}

/** The body, or null when the provider does not hold the blob. */
export function decodeBlobAnswer(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] === BlobStatus.notFound && bytes.byteLength === 1) return null;
  if (bytes[0] !== BlobStatus.ok) {
    throw new NetworkError("malformed", `a blob answer starts with status 0 or 1, this one with ${bytes[0]}`);
  }
  return bytes.subarray(1);
}
