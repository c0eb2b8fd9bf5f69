/** Merges by pair of token ids: the rank, lower first, and the token that the pair becomes. */
export class MergeTable {
  readonly #vocabSize: number;
  readonly #merges = new Map<number, { rank: number; merged: number }>();

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize; // below 2^26, so that a pair is a safe integer
  }

  add(left: number, right: number, rank: number, merged: number): void {
    const pair = left * this.#vocabSize + right;
    if (!this.#merges.has(pair)) this.#merges.set(pair, { rank, merged });
  }

  get(left: number, right: number): { rank: number; merged: number } | undefined {
    return this.#merges.get(left * this.#vocabSize + right);
  }
}

/** Up to here looking through all pairs for each merge is quicker than a heap. */
const SHORT_TOKENS = 24;

/** Byte-pair encoding: merges the pair of lowest rank, the leftmost of equals, until none is left. */
export function mergePairs(ids: number[], merges: MergeTable): number[] {
  return ids.length <= SHORT_TOKENS ? mergeShort(ids, merges) : mergeLong(ids, merges);
}

function mergeShort(ids: number[], merges: MergeTable): number[] {
  const tokens = [...ids];
  for (;;) {
    let best: { rank: number; merged: number } | undefined;
    let at = -1;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const merge = merges.get(tokens[i], tokens[i + 1]);
      if (merge !== undefined && (best === undefined || merge.rank < best.rank)) {
        best = merge;
        at = i;
      }
    }
    if (best === undefined) return tokens;
    tokens.splice(at, 2, best.merged);
  }
}

/** A list of tokens by position, and a heap of the pairs in it: n log n, so that a line of 64 KB costs no minute. */
function mergeLong(ids: readonly number[], merges: MergeTable): number[] {
  const tokens = Int32Array.from(ids); // -1 = merged into the one before
  const next = Int32Array.from(ids, (_, i) => i + 1);
  const previous = Int32Array.from(ids, (_, i) => i - 1);
  const heap: { rank: number; at: number; left: number; right: number; merged: number }[] = [];

  const isBefore = (a: number, b: number): boolean =>
    heap[a].rank < heap[b].rank || (heap[a].rank === heap[b].rank && heap[a].at < heap[b].at);
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b], heap[a]];
  };
  const offer = (at: number): void => {
    if (at < 0 || next[at] >= tokens.length) return;
    const [left, right] = [tokens[at], tokens[next[at]]];
    const merge = merges.get(left, right);
    if (merge === undefined) return;
    heap.push({ ...merge, at, left, right });
    for (let i = heap.length - 1; i > 0 && isBefore(i, (i - 1) >> 1); i = (i - 1) >> 1) swap(i, (i - 1) >> 1);
  };
  const take = (): (typeof heap)[number] => {
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && isBefore(child, least)) least = child;
      if (least === i) return top;
      swap(i, least);
      i = least;
    }
  };

  for (let at = 0; at + 1 < tokens.length; at++) offer(at);
  while (heap.length > 0) {
    const { at, left, right, merged } = take();
    const second = next[at];
    // one of the two was merged with its other neighbour meanwhile
    if (second >= tokens.length || tokens[at] !== left || tokens[second] !== right) continue;
    tokens[at] = merged;
    tokens[second] = -1;
    next[at] = next[second];
    if (next[at] < tokens.length) previous[next[at]] = at;
    offer(previous[at]);
    offer(at);
  }
  const merged: number[] = [];
  for (let at = 0; at < tokens.length; at = next[at]) merged.push(tokens[at]);
  return merged;
}
