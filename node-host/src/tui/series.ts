/** A curve that never grows beyond its capacity: when it is full, neighbours are merged into their mean. */

export interface Point {
  x: number;
  y: number;
}

export interface Series {
  readonly points: readonly Point[];
  /** how many values one point stands for; doubles at each merge */
  readonly perPoint: number;
  /** values taken in since the last whole point, not shown yet when `perPoint` > 1 */
  readonly rest: readonly Point[];
}

const CAPACITY = 1024;

export const emptySeries: Series = { points: [], perPoint: 1, rest: [] };

/** Takes one more value; x rises. */
export function addPoint(series: Series, point: Point): Series {
  const rest = [...series.rest, point];
  if (rest.length < series.perPoint) return { ...series, rest };
  const points = [...series.points, meanOf(rest)];
  if (points.length < CAPACITY) return { ...series, points, rest: [] };
  const merged: Point[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) merged.push(meanOf([points[i]!, points[i + 1]!]));
  return { points: merged, perPoint: series.perPoint * 2, rest: [] };
}

/** The x of the newest value, so that a chart ends where the run is. */
function meanOf(points: readonly Point[]): Point {
  return { x: points.at(-1)!.x, y: points.reduce((sum, { y }) => sum + y, 0) / points.length };
}
