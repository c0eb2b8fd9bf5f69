/** What a coordinator remembers of its rounds, and how it is asked: for displays that were not there when they went by. */
import type { PeerKey, PeerNetwork } from "@starling/network";
import { CoordinatorError } from "./errors.ts";
import { asCoordinatorError } from "./retry.ts";
import { decodeAs, encodeAs, struct, u16, u32 } from "./wire.ts";

/** One finished round. */
export interface HistoryEntry {
  step: number;
  epoch: number;
  /** when it ended, Unix ms by the coordinator's clock */
  atMs: number;
  /** sequences that it assigned; 0 in rounds that only drain the pipeline */
  batchSize: number;
  /** witness messages that counted */
  witnesses: number;
  /** median of the losses that witnesses reported, nats a token, as f32; null: none did */
  loss: number | null;
  /** sum of the tokens/s that witnesses reported, as f32 */
  tokensPerSecond: number;
}

export const HISTORY_PROTOCOL = "/starling/history/1";
export const MAX_HISTORY_ENTRIES = 2_000;
/** u64 time; u32 step; u16 epoch, batch size, witnesses and 0; f32 loss (NaN: null), tokens/s; all little-endian */
export const HISTORY_ENTRY_BYTES = 28;
export const MAX_HISTORY_BYTES = MAX_HISTORY_ENTRIES * HISTORY_ENTRY_BYTES;
export const MAX_HISTORY_REQUEST_BYTES = 64;

/** Entries of that step and later ones, oldest first, at most `limit`. */
export const HISTORY_REQUEST = struct({ fromStep: u32, limit: u16 });

const DEFAULT_TIMEOUT_MS = 10_000;

export function encodeHistory(entries: readonly HistoryEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * HISTORY_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of entries.entries()) {
    const at = i * HISTORY_ENTRY_BYTES;
    view.setBigUint64(at, BigInt(entry.atMs), true);
    view.setUint32(at + 8, entry.step, true);
    view.setUint16(at + 12, entry.epoch, true);
    view.setUint16(at + 14, entry.batchSize, true);
    view.setUint16(at + 16, entry.witnesses, true);
    view.setFloat32(at + 20, entry.loss ?? Number.NaN, true);
    view.setFloat32(at + 24, entry.tokensPerSecond, true);
  }
  return bytes;
}

/**
 * Steps rise from entry to entry.
 * @throws CoordinatorError `malformed`
 */
export function decodeHistory(bytes: Uint8Array, maxEntries: number): HistoryEntry[] {
  const count = bytes.length / HISTORY_ENTRY_BYTES;
  if (!Number.isInteger(count) || count > maxEntries) {
    throw malformed(`expected at most ${maxEntries} entries of ${HISTORY_ENTRY_BYTES} bytes, got ${bytes.length} bytes`);
  }
  let before = -1;
  return Array.from({ length: count }, (_, i) => {
    const entry = decodeHistoryEntry(bytes.subarray(i * HISTORY_ENTRY_BYTES));
    if (entry === null || entry.step <= before) throw malformed(`entry ${i} is none, or not of a later step than ${before}`);
    before = entry.step;
    return entry;
  });
}

/** The entry that `bytes` begin with, or null where there is none. */
export function decodeHistoryEntry(bytes: Uint8Array): HistoryEntry | null {
  if (bytes.length < HISTORY_ENTRY_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HISTORY_ENTRY_BYTES);
  const atMs = Number(view.getBigUint64(0, true));
  const [loss, tokensPerSecond] = [view.getFloat32(20, true), view.getFloat32(24, true)];
  const isSound = Number.isSafeInteger(atMs) && view.getUint16(18, true) === 0 && Math.abs(loss) !== Number.POSITIVE_INFINITY;
  if (!isSound || !Number.isFinite(tokensPerSecond) || tokensPerSecond < 0) return null;
  return {
    step: view.getUint32(8, true),
    epoch: view.getUint16(12, true),
    atMs,
    batchSize: view.getUint16(14, true),
    witnesses: view.getUint16(16, true),
    loss: Number.isNaN(loss) ? null : loss,
    tokensPerSecond,
  };
}

/**
 * The rounds of step `fromStep` and later that the coordinator remembers, oldest first. More than `limit` are asked for with the
 * step after the last one.
 * @throws CoordinatorError `unreachable` (also where it keeps no history), `timeout`, `aborted`, `malformed`
 */
export async function readHistory(
  network: PeerNetwork,
  coordinator: PeerKey,
  fromStep: number,
  limit: number = MAX_HISTORY_ENTRIES,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<HistoryEntry[]> {
  const most = Math.min(limit, MAX_HISTORY_ENTRIES);
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  try {
    const request = encodeAs(HISTORY_REQUEST, { fromStep, limit: most });
    const limits = { maxResponseBytes: most * HISTORY_ENTRY_BYTES, timeoutMs, signal };
    return decodeHistory(await network.request(coordinator, HISTORY_PROTOCOL, request, limits), most);
  } catch (error) {
    throw asCoordinatorError(error, "reading the run's history");
  }
}

/** @throws CoordinatorError `malformed` */
export function readHistoryRequest(request: Uint8Array): { fromStep: number; limit: number } {
  const { fromStep, limit } = decodeAs(HISTORY_REQUEST, request, "history request");
  return { fromStep, limit: Math.min(limit, MAX_HISTORY_ENTRIES) };
}

function malformed(reason: string): CoordinatorError {
  return new CoordinatorError("malformed", `history: ${reason}`);
}
