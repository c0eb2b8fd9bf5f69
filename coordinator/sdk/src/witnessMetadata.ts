/**
 * What a witness says beside its report, for displays: it decides nothing, and may be anything. On chain it stays in the
 * transaction; over TCP the coordinator makes its history of it.
 */
import { concatBytes } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";

export interface WitnessMetadata {
  /** mean loss over the batch that this client trained in the round, nats a token, as f32; null: it trained none */
  loss: number | null;
  /** tokens of that batch by the time a round takes, as f32; 0 where it trained none */
  tokensPerSecond: number;
  /** bytes of other clients' results of the round that came in, by the time a round takes, as f32 */
  bandwidthBytesPerSecond: number;
  /** time in which the engine trained by the time a round takes, 0 to 1, as f32 */
  efficiency: number;
  /** what the model writes; null: nothing was asked of it */
  sampleText: string | null;
  /** scores of named tasks, as f32 */
  evals: readonly (readonly [name: string, score: number])[];
}

export const METADATA_LIMITS = {
  /** of all: what a witness transaction with its Bloom filter and its tick has room for */
  bytes: 184,
  sampleTextBytes: 120,
  evals: 4,
  evalNameBytes: 16,
} as const;

/** u8 version, four f32, and the lengths of text and evals */
const HEAD_BYTES = 1 + 4 * 4 + 2;
const VERSION = 1;

/**
 * u8 version; f32 loss (NaN: null), tokens/s, bytes/s, efficiency; u8 bytes of text; u8 evals; the text in UTF-8; of each eval
 * u8 bytes of its name, the name, f32 score. All little-endian, at most 184 bytes: a text is cut where it does not fit.
 * @throws CoordinatorError `malformed` for numbers or names that `decodeWitnessMetadata` would refuse
 */
export function encodeWitnessMetadata(metadata: WitnessMetadata): Uint8Array {
  const { loss, tokensPerSecond, bandwidthBytesPerSecond, efficiency, sampleText, evals } = metadata;
  if (evals.length > METADATA_LIMITS.evals) throw malformed(`expected at most ${METADATA_LIMITS.evals} evals, got ${evals.length}`);
  const scores = evals.map(([name, score]) => {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > METADATA_LIMITS.evalNameBytes) {
      throw malformed(`an eval's name has at most ${METADATA_LIMITS.evalNameBytes} bytes, got ${bytes.length}`);
    }
    return concatBytes(Uint8Array.of(bytes.length), bytes, float(requireScore(Math.fround(score))));
  });
  const left = METADATA_LIMITS.bytes - HEAD_BYTES - scores.reduce((sum, { length }) => sum + length, 0);
  const text = cut(sampleText ?? "", Math.min(left, METADATA_LIMITS.sampleTextBytes));
  return concatBytes(
    Uint8Array.of(VERSION),
    float(loss === null ? Number.NaN : requireScore(Math.fround(loss))),
    float(requireRate("tokens/s", Math.fround(tokensPerSecond))),
    float(requireRate("bytes/s", Math.fround(bandwidthBytesPerSecond))),
    float(requireShare(Math.fround(efficiency))),
    Uint8Array.of(text.length, scores.length),
    text,
    ...scores,
  );
}

/** @throws CoordinatorError `malformed` */
export function decodeWitnessMetadata(bytes: Uint8Array): WitnessMetadata {
  if (bytes.length < HEAD_BYTES || bytes.length > METADATA_LIMITS.bytes) {
    throw malformed(`expected ${HEAD_BYTES} to ${METADATA_LIMITS.bytes} bytes, got ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== VERSION) throw malformed(`it is of version ${bytes[0]}, expected ${VERSION}`);
  const loss = view.getFloat32(1, true);
  const [textBytes, evalCount] = [bytes[17], bytes[18]];
  if (textBytes > METADATA_LIMITS.sampleTextBytes || HEAD_BYTES + textBytes > bytes.length) {
    throw malformed(`its text has ${textBytes} bytes, more than there can be`);
  }
  if (evalCount > METADATA_LIMITS.evals) throw malformed(`expected at most ${METADATA_LIMITS.evals} evals, got ${evalCount}`);
  const sampleText = textBytes === 0 ? null : utf8(bytes.subarray(HEAD_BYTES, HEAD_BYTES + textBytes));
  const evals: [string, number][] = [];
  let at = HEAD_BYTES + textBytes;
  for (let i = 0; i < evalCount; i++) {
    const length = bytes[at] ?? 0;
    const end = at + 1 + length + 4;
    if (length > METADATA_LIMITS.evalNameBytes || end > bytes.length) throw malformed(`eval ${i} is cut short or has too long a name`);
    evals.push([utf8(bytes.subarray(at + 1, at + 1 + length)), requireScore(view.getFloat32(end - 4, true))]);
    at = end;
  }
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes follow its last field`);
  return {
    loss: Number.isNaN(loss) ? null : requireScore(loss),
    tokensPerSecond: requireRate("tokens/s", view.getFloat32(5, true)),
    bandwidthBytesPerSecond: requireRate("bytes/s", view.getFloat32(9, true)),
    efficiency: requireShare(view.getFloat32(13, true)),
    sampleText,
    evals,
  };
}

/** What `bytes` say, or null: metadata comes from anybody, and is no reason to refuse what it came with. */
export function readWitnessMetadata(bytes: Uint8Array | null | undefined): WitnessMetadata | null {
  if (bytes === null || bytes === undefined || bytes.length === 0) return null;
  try {
    return decodeWitnessMetadata(bytes);
  } catch (error) {
    if (error instanceof CoordinatorError) return null;
    throw error;
  }
}

function float(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}

function requireScore(value: number): number {
  if (Number.isFinite(value)) return value;
  throw malformed(`a loss or score is ${value}`);
}

function requireRate(what: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw malformed(`its ${what} are ${value}`);
}

function requireShare(value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw malformed(`its efficiency is ${value}, expected 0 to 1`);
}

/** The first bytes of a text, whole characters only. */
function cut(text: string, maxBytes: number): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  // the bytes of a character after its first begin with the bits 10
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed("its text is not UTF-8", cause);
  }
}

function malformed(reason: string, cause?: unknown): CoordinatorError {
  return new CoordinatorError("malformed", `witness metadata: ${reason}`, { cause });
}
