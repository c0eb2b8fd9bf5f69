/** What charts, their tables and their one-sentence summaries are made of. Pure. */
import type { HistoryPoint } from "../watch/protocol.ts";

export type Series = readonly { x: number; y: number }[];
export type Measure = "loss" | "tokensPerSecond" | "learningRate";

/** Points at which the measure is known, by step. */
export function seriesOf(points: readonly HistoryPoint[], measure: Measure): Series {
  return points.flatMap((point) => {
    const y = point[measure];
    return y === null || !Number.isFinite(y) ? [] : [{ x: point.step, y }];
  });
}

/**
 * At most `most` points: of each of equal parts of the x axis the least and the greatest, in their order, and the ends. What
 * the eye looks for, peaks and dips, stays.
 */
export function downsample(series: Series, most: number): Series {
  if (series.length <= most || most < 4) return series;
  const first = series[0]!;
  const last = series.at(-1)!;
  const buckets = Math.floor((most - 2) / 2);
  const width = (last.x - first.x) / buckets;
  const kept: { x: number; y: number }[] = [first];
  let index = 1;
  for (let bucket = 1; bucket <= buckets && index < series.length - 1; bucket++) {
    const end = bucket === buckets ? Number.POSITIVE_INFINITY : first.x + bucket * width;
    let low: { x: number; y: number } | null = null;
    let high: { x: number; y: number } | null = null;
    for (; index < series.length - 1 && series[index]!.x < end; index++) {
      const point = series[index]!;
      if (low === null || point.y < low.y) low = point;
      if (high === null || point.y > high.y) high = point;
    }
    if (low === null || high === null) continue;
    if (low === high) kept.push(low);
    else kept.push(...(low.x < high.x ? [low, high] : [high, low]));
  }
  return [...kept, last];
}

/** Exponential mean, so that a noisy curve shows where it goes. `span`: points that weigh most. */
export function smoothed(series: Series, span: number): Series {
  const weight = 2 / (span + 1);
  let mean: number | null = null;
  return series.map(({ x, y }) => {
    mean = mean === null ? y : mean + weight * (y - mean);
    return { x, y: mean };
  });
}

/** Evenly spread, newest first, for a table of at most `most` rows. */
export function tableRows(points: readonly HistoryPoint[], most: number): HistoryPoint[] {
  if (points.length <= most) return points.toReversed();
  const rows: HistoryPoint[] = [];
  for (let row = 0; row < most; row++) rows.push(points[points.length - 1 - Math.floor((row * (points.length - 1)) / (most - 1))]!);
  return rows;
}

/** The mean of the last few known values: what a figure beside the chart shows. */
export function recentMean(series: Series, count: number): number | null {
  const last = series.slice(-count);
  return last.length === 0 ? null : last.reduce((sum, { y }) => sum + y, 0) / last.length;
}

/** "Loss from step 1 to 120: 5.521 at the start, 3.204 now; lowest 3.190 at step 118." */
export function summaryText(name: string, series: Series, format: (value: number) => string): string {
  const first = series[0];
  const last = series.at(-1);
  if (first === undefined || last === undefined) return `${name}: nothing was reported yet.`;
  if (series.length === 1) return `${name} at step ${first.x}: ${format(first.y)}.`;
  const low = series.reduce((best, one) => (one.y < best.y ? one : best));
  const high = series.reduce((best, one) => (one.y > best.y ? one : best));
  const range =
    low.y === high.y ? "the same throughout" : `lowest ${format(low.y)} at step ${low.x}, highest ${format(high.y)} at step ${high.x}`;
  return `${name} from step ${first.x} to ${last.x}: ${format(first.y)} at the start, ${format(last.y)} now; ${range}.`;
}
