/** What a data server and its clients say to each other: strict CBOR over `PeerNetwork.request`, whose `from` is proven. */
import { bytesUpTo, decodeAs, encodeAs, integer, nullable, oneOf, struct, text, u32, u64, type ValueOf } from "@starling/sdk/wire";
import { DataError } from "./dataError.ts";

/** About the data, answered to anyone: a client asks before it joins the run. */
export const DATA_INFO_PROTOCOL = "/starling/data-info/1";
/** Sequences, only to a member and only of its own batches. */
export const DATA_PROTOCOL = "/starling/data/1";

const MAX_RUN_ID_CHARS = 32;
export const MAX_DATA_REQUEST_BYTES = 256;
export const MAX_DATA_INFO_BYTES = 1024;
/** of one answer; a batch that is larger is asked for in pieces */
export const MAX_TOKEN_BYTES = 4 * 2 ** 20;
export const MAX_DATA_RESPONSE_BYTES = MAX_TOKEN_BYTES + 4096;
const MAX_MESSAGE_CHARS = 512;

export const DATA_INFO = struct({
  runId: text(MAX_RUN_ID_CHARS),
  sequenceTokens: u32,
  /** sequences in one pass */
  sequenceCount: integer(Number.MAX_SAFE_INTEGER),
  /** bytes a token takes in answers: 2 or 4, little-endian */
  tokenBytes: integer(4),
});
export type DataInfo = ValueOf<typeof DATA_INFO>;

/** The closed range [start, end] of data indexes. */
export const DATA_REQUEST = struct({ runId: text(MAX_RUN_ID_CHARS), start: u64, end: u64 });
export type DataRequest = ValueOf<typeof DATA_REQUEST>;

/** Why a data server gives nothing, and whether asking again can help: until the caller gives up, a few times, or never. */
export const REFUSALS = {
  "wrong-run": "never",
  malformed: "never",
  "too-large": "never",
  /** a round holds these sequences, for another client; unless the server has not heard of a newer round yet */
  "not-your-batch": "briefly",
  /** this batch was given often enough */
  "rate-limited": "briefly",
  /** no slot in the epoch that this server knows of */
  "not-a-member": "briefly",
  /** no round that this server knows of holds these sequences */
  "unknown-round": "always",
  overloaded: "always",
  /** the server's own data cannot be read */
  unavailable: "always",
} as const satisfies Record<string, "never" | "briefly" | "always">;
export type RefusalCode = keyof typeof REFUSALS;
const REFUSAL_CODES = Object.keys(REFUSALS) as RefusalCode[];

const DATA_RESPONSE = struct({
  refusal: nullable(struct({ code: oneOf(REFUSAL_CODES), message: text(MAX_MESSAGE_CHARS) })),
  tokens: bytesUpTo(MAX_TOKEN_BYTES),
});

export interface Refusal {
  code: RefusalCode;
  message: string;
}

export function encodeTokensResponse(tokens: Uint8Array): Uint8Array {
  return encodeAs(DATA_RESPONSE, { refusal: null, tokens });
}

export function encodeRefusal({ code, message }: Refusal): Uint8Array {
  return encodeAs(DATA_RESPONSE, { refusal: { code, message: message.slice(0, MAX_MESSAGE_CHARS) }, tokens: new Uint8Array(0) });
}

/** @throws DataError "bad-file" on bytes that are no answer */
export function decodeDataResponse(bytes: Uint8Array): { refusal: Refusal | null; tokens: Uint8Array } {
  return decodingAnswer(() => decodeAs(DATA_RESPONSE, bytes, "the data server's answer"));
}

/** @throws DataError "bad-file" */
export function decodeDataInfo(bytes: Uint8Array): DataInfo {
  return decodingAnswer(() => {
    const info = decodeAs(DATA_INFO, bytes, "the data server's description");
    if (info.tokenBytes !== 2 && info.tokenBytes !== 4) throw new Error(`tokens of ${info.tokenBytes} bytes, expected 2 or 4`);
    return info;
  });
}

function decodingAnswer<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new DataError(
      "bad-file",
      `the data server's answer cannot be read: ${(error as Error).message}; is it of another version?`,
      error,
    );
  }
}

/** Sequences that fit one answer; at least one, so that a run of longer ones fails with the server's reason. */
export function sequencesPerRequest(sequenceTokens: number, tokenBytes: number): number {
  return Math.max(1, Math.floor(MAX_TOKEN_BYTES / (sequenceTokens * tokenBytes)));
}

/** Little-endian u16 or u32 tokens of all sequences, one after another. */
export function packTokens(sequences: readonly Int32Array[], tokenBytes: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(sequences.reduce((sum, sequence) => sum + sequence.length, 0) * tokenBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const sequence of sequences) {
    for (const token of sequence) {
      if (tokenBytes === 2) view.setUint16(at, token, true);
      else view.setUint32(at, token, true);
      at += tokenBytes;
    }
  }
  return bytes;
}
