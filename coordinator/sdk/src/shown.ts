/** What a coordinator's witnesses showed last, and how it is asked: for displays that were not there, of runs without a chain. */
import type { PeerKey, PeerNetwork } from "@starling/network";
import { concatBytes } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import { asCoordinatorError } from "./retry.ts";
import { decodeWitnessMetadata, encodeWitnessMetadata, METADATA_LIMITS, type WitnessMetadata } from "./witnessMetadata.ts";

export interface Shown extends Pick<WitnessMetadata, "sampleText" | "evals"> {
  /** the round whose witness said so */
  step: number;
}

export const SHOWN_PROTOCOL = "/starling/shown/1";
export const MAX_SHOWN_BYTES = 4 + METADATA_LIMITS.bytes;

const DEFAULT_TIMEOUT_MS = 10_000;
const NOTHING_MEASURED = { loss: null, tokensPerSecond: 0, bandwidthBytesPerSecond: 0, efficiency: 0 };

/** u32 step little-endian, then a witness's metadata; nothing: nobody showed anything. */
export function encodeShown(shown: Shown | null): Uint8Array {
  if (shown === null) return new Uint8Array(0);
  const step = new Uint8Array(4);
  new DataView(step.buffer).setUint32(0, shown.step, true);
  const { sampleText, evals } = shown;
  return concatBytes(step, encodeWitnessMetadata({ ...NOTHING_MEASURED, sampleText, evals }));
}

/** @throws CoordinatorError `malformed` */
export function decodeShown(bytes: Uint8Array): Shown | null {
  if (bytes.length === 0) return null;
  if (bytes.length < 4) throw new CoordinatorError("malformed", `what witnesses show: expected 4 bytes of a step, got ${bytes.length}`);
  const step = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const { sampleText, evals } = decodeWitnessMetadata(bytes.subarray(4));
  return { step, sampleText, evals };
}

/** @throws CoordinatorError `unreachable` (also where it keeps none), `timeout`, `aborted`, `malformed` */
export async function readShown(
  network: PeerNetwork,
  coordinator: PeerKey,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Shown | null> {
  try {
    const limits = { maxResponseBytes: MAX_SHOWN_BYTES, timeoutMs, signal };
    return decodeShown(await network.request(coordinator, SHOWN_PROTOCOL, new Uint8Array(0), limits));
  } catch (error) {
    throw asCoordinatorError(error, "reading what witnesses show");
  }
}
