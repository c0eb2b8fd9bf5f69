/**
 * The finished rounds of one run as far as they were told, by step. A round is told whole (a coordinator's history) or by one
 * witness at a time (transactions); either may come in any order and more than once. What is kept is bounded.
 */
import type { HistoryPoint } from "./protocol.ts";

/** A witness's own word about one round. */
export interface WitnessReport {
  step: number;
  epoch: number | null;
  atMs: number;
  /** who reports; a second report of the same session replaces the first */
  session: string;
  loss: number | null;
  /** of the reporter alone */
  tokensPerSecond: number | null;
  /** results that it holds: one a trainer */
  batches: number;
  signature: string | null;
  sampleText: string | null;
  evals?: HistoryPoint["evals"];
}

const MOST_POINTS = 20_000;
/** Clocks of a cluster count whole seconds, and two nodes may differ. */
const CLOCK_SLACK_MS = 3_000;

interface Entry {
  reports: Map<string, WitnessReport>;
  /** told whole */
  whole: HistoryPoint | null;
}

export class HistoryStore {
  readonly #learningRate: (step: number) => number | null;
  readonly #entries = new Map<number, Entry>();
  readonly #changed = new Set<number>();
  #newestStep = 0;

  constructor(learningRate: (step: number) => number | null) {
    this.#learningRate = learningRate;
  }

  get size(): number {
    return this.#entries.size;
  }

  get newestStep(): number {
    return this.#newestStep;
  }

  addReport(report: WitnessReport): void {
    const entry = this.#entry(report.step);
    if (entry === null) return;
    const known = entry.reports.get(report.session);
    if (known !== undefined && known.atMs > report.atMs) return;
    entry.reports.set(report.session, report);
    this.#changed.add(report.step);
  }

  addPoint(point: HistoryPoint): void {
    const entry = this.#entry(point.step);
    if (entry === null || (entry.whole !== null && entry.whole.atMs > point.atMs)) return;
    entry.whole = point;
    this.#changed.add(point.step);
  }

  /** Everything is to be told again. */
  forgetTold(): void {
    for (const step of this.#entries.keys()) this.#changed.add(step);
  }

  /** Points that changed since the last call, by step. */
  takeChanged(): HistoryPoint[] {
    const steps = [...this.#changed].sort((a, b) => a - b);
    this.#changed.clear();
    return steps.map((step) => this.#pointOf(step));
  }

  points(): HistoryPoint[] {
    return [...this.#entries.keys()].sort((a, b) => a - b).map((step) => this.#pointOf(step));
  }

  #entry(step: number): Entry | null {
    const known = this.#entries.get(step);
    if (known !== undefined) return known;
    if (this.#entries.size >= MOST_POINTS) {
      const oldest = Math.min(...this.#entries.keys());
      if (step < oldest) return null;
      this.#entries.delete(oldest);
      this.#changed.delete(oldest);
    }
    const entry: Entry = { reports: new Map(), whole: null };
    this.#entries.set(step, entry);
    this.#newestStep = Math.max(this.#newestStep, step);
    return entry;
  }

  #pointOf(step: number): HistoryPoint {
    const { reports, whole } = this.#entries.get(step)!;
    if (whole !== null) return { ...whole, learningRate: whole.learningRate ?? this.#learningRate(step) };
    const all = [...reports.values()];
    const losses = all.flatMap(({ loss }) => (loss === null ? [] : [loss]));
    const rates = all.flatMap(({ tokensPerSecond }) => (tokensPerSecond === null ? [] : [tokensPerSecond]));
    const evals = all.find((report) => (report.evals?.length ?? 0) > 0)?.evals;
    const newest = all.reduce((best, one) => (one.atMs > best.atMs ? one : best));
    // a witness speaks for itself, and not every trainer is one: the others are taken to be like those who were read
    const trainers = Math.max(rates.length, ...all.map(({ batches }) => batches));
    const mean = rates.length === 0 ? null : rates.reduce((sum, one) => sum + one, 0) / rates.length;
    return {
      step,
      epoch: newest.epoch,
      atMs: Math.min(...all.map(({ atMs }) => atMs)),
      loss: median(losses),
      tokensPerSecond: mean === null ? null : mean * trainers,
      learningRate: this.#learningRate(step),
      witnesses: all.length,
      signature: newest.signature,
      sampleText: all.find(({ sampleText }) => sampleText !== null)?.sampleText ?? null,
      ...(evals && { evals }),
    };
  }
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** By step, without those that time contradicts: a step never began before an earlier one. The newest are believed first. */
export function inOrder(points: readonly HistoryPoint[]): { points: HistoryPoint[]; outOfOrder: number } {
  const kept: HistoryPoint[] = [];
  let boundMs = Number.POSITIVE_INFINITY;
  for (const point of points.toSorted((a, b) => b.step - a.step)) {
    if (point.atMs > boundMs + CLOCK_SLACK_MS) continue;
    boundMs = Math.min(boundMs, point.atMs);
    kept.push(point);
  }
  return { points: kept.reverse(), outOfOrder: points.length - kept.length };
}

/** The points of both by step; of two of one step the newer message's. Returns the old list where nothing is new. */
export function mergePoints(known: readonly HistoryPoint[], told: readonly HistoryPoint[]): readonly HistoryPoint[] {
  if (told.length === 0) return known;
  const last = known.at(-1);
  if (last === undefined || told[0]!.step > last.step) return [...known, ...told];
  const bySteps = new Map(known.map((point) => [point.step, point]));
  for (const point of told) bySteps.set(point.step, point);
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}
