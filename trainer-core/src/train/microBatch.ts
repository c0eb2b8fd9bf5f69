/** How many sequences one pass is to have. Apart from the engine, which asking for it does not load. */

/** Rows of a pass beyond which a GPU gains nothing: its largest products fill it many times over. */
const SATURATING_ROWS = 32_768;
/** On a software adapter one pass over four sequences is 1.4 times as fast as one a sequence; more gains nothing (docs/performance.md). */
const SOFTWARE_SEQUENCES = 4;

/** Most sequences of a pass that are of use here: no more than the client's share, nor than fill the adapter. */
export function usefulSequences(sequenceTokens: number, shareSequences: number, isSoftware: boolean): number {
  return Math.max(1, Math.min(shareSequences, isSoftware ? SOFTWARE_SEQUENCES : Math.floor(SATURATING_ROWS / sequenceTokens)));
}

/** Halves, down to one. */
export function smallerMicroBatch(sequences: number): number | null {
  return sequences > 1 ? Math.ceil(sequences / 2) : null;
}
