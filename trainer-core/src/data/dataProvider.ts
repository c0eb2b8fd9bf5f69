import { DataError } from "./dataError.ts";

/**
 * Where training data comes from. All methods reject with a `DataError`; calls may overlap. `compliance.ts` is what every
 * implementation must pass.
 */
export interface DataProvider {
  /** Length of every sequence: the run's max_seq_len. Labels are the inputs shifted by one; the last token predicts nothing. */
  readonly sequenceTokens: number;

  /** Sequences in one pass over the data. */
  sequenceCount(signal?: AbortSignal): Promise<number>;

  /**
   * The sequences of the closed range [start, end] of data indexes, as the coordinator assigns them. An index past the end of the
   * data goes on into the next pass, which has its own order when the data are shuffled.
   *
   * @returns end - start + 1 arrays of exactly `sequenceTokens` tokens
   */
  getSequences(start: bigint, end: bigint, signal?: AbortSignal): Promise<Int32Array[]>;

  /** Rejects unless the data can be had: reads as little as shows it. A client asks before it joins a run. */
  check(signal?: AbortSignal): Promise<void>;

  /** Ends what is under way with `aborted`, and so every later call; releases what is held. */
  close(): Promise<void>;
}

/** A larger request than any round makes (65,535 sequences) is a mistake and would only exhaust memory. */
const MAX_SEQUENCES_PER_REQUEST = 65_536n;

/** Checks a requested range; throws `DataError("bad-request")`. */
export function checkRange(start: bigint, end: bigint): void {
  if (start < 0n || end < start || end - start >= MAX_SEQUENCES_PER_REQUEST) {
    throw new DataError(
      "bad-request",
      `data range must be closed, 0 <= start <= end, of at most ${MAX_SEQUENCES_PER_REQUEST} sequences; got [${start}, ${end}]`,
    );
  }
}

/**
 * The first `tokenCount` tokens of a held-out provider: the same sequences in every call, for every client.
 *
 * @returns floor(tokenCount / sequenceTokens) sequences, at least one
 * @throws DataError "empty" when the provider has fewer
 */
export async function heldOutSequences(provider: DataProvider, tokenCount: number, signal?: AbortSignal): Promise<Int32Array[]> {
  const wanted = Math.max(1, Math.floor(tokenCount / provider.sequenceTokens));
  const available = await provider.sequenceCount(signal);
  if (available < wanted) {
    throw new DataError(
      "empty",
      `held-out data: ${wanted} sequences of ${provider.sequenceTokens} tokens are needed, the source has ${available}; add text`,
    );
  }
  return provider.getSequences(0n, BigInt(wanted - 1), signal);
}
