/** The span s with first[s] <= position < first[s + 1]; `first` ascends, and has one entry more than there are spans. */
export function findSpan(first: readonly number[], position: number): number {
  let low = 0;
  let high = first.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (first[middle] <= position) low = middle;
    else high = middle;
  }
  return low;
}
