/** What hours of samples of a process say: does its memory stand still, and does it give its descriptors back. */

export interface Sample {
  /** since the start of the soak */
  seconds: number;
  process: string;
  pid: number;
  rssMiB: number;
  /** of the process's main thread; null where it does not tell */
  heapMiB: number | null;
  openFiles: number;
}

export interface Verdict {
  process: string;
  /** how many processes had this name, one after the other */
  starts: number;
  rssAtSettledMiB: number;
  rssMaxMiB: number;
  rssLastMiB: number;
  /** least squares over all samples after it settled */
  rssPerHourMiB: number;
  heapPerHourMiB: number | null;
  openFilesAtSettled: number;
  openFilesLast: number;
}

/** Caches, compiled code and pools fill in the first minutes; what grows after that is a leak. */
const SETTLED_AFTER_S = 600;

/** One verdict for each process name, over the last process that had it. Fewer than two samples after it settled: none. */
export function judge(samples: readonly Sample[], settledAfterS = SETTLED_AFTER_S): Verdict[] {
  const byName = Map.groupBy(samples, ({ process }) => process);
  return [...byName].flatMap(([process, all]) => {
    const { pid } = all.at(-1)!;
    const last = all.filter((sample) => sample.pid === pid);
    const settled = last.filter(({ seconds }) => seconds >= Math.max(settledAfterS, last[0].seconds + settledAfterS));
    if (settled.length < 2) return [];
    const heaps = settled.filter((sample): sample is Sample & { heapMiB: number } => sample.heapMiB !== null);
    return [
      {
        process,
        starts: new Set(all.map((sample) => sample.pid)).size,
        rssAtSettledMiB: settled[0].rssMiB,
        rssMaxMiB: Math.max(...last.map(({ rssMiB }) => rssMiB)),
        rssLastMiB: settled.at(-1)!.rssMiB,
        rssPerHourMiB: slopePerHour(settled.map(({ seconds, rssMiB }) => [seconds, rssMiB])),
        heapPerHourMiB: heaps.length < 2 ? null : slopePerHour(heaps.map(({ seconds, heapMiB }) => [seconds, heapMiB])),
        openFilesAtSettled: settled[0].openFiles,
        openFilesLast: settled.at(-1)!.openFiles,
      },
    ];
  });
}

/** Least squares slope of (seconds, value) in values an hour. */
export function slopePerHour(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [meanS, meanV] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [s, v]) => sum + (s - meanS) * (v - meanV), 0);
  const variance = points.reduce((sum, [s]) => sum + (s - meanS) ** 2, 0);
  return variance === 0 ? 0 : (3600 * covariance) / variance;
}

export function table(verdicts: readonly Verdict[]): string {
  const head = ["process", "starts", "rss at 10 min", "max", "last", "rss/h", "heap/h", "files at 10 min", "last"];
  const mib = (value: number | null): string => (value === null ? "-" : `${value.toFixed(1)} MiB`);
  const rows = verdicts.map((v) => [
    v.process,
    String(v.starts),
    mib(v.rssAtSettledMiB),
    mib(v.rssMaxMiB),
    mib(v.rssLastMiB),
    mib(v.rssPerHourMiB),
    mib(v.heapPerHourMiB),
    String(v.openFilesAtSettled),
    String(v.openFilesLast),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  return [head, ...rows]
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "))
    .join("\n");
}
