/** Runs the metric table over events, of one node or of many (label `node`), and renders Prometheus text. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { HostEvent } from "../events.ts";
import { keyOf, type MetricSpec, type NodeMemory, type Sample, type Take, type EventKey } from "./metricSpec.ts";
import { METRICS } from "./metricTable.ts";

/** More series of one metric and node are not kept: a label that grows without end must not take the memory. */
const MAX_SERIES = 1024;

interface Running {
  spec: MetricSpec;
  metric: Counter | Gauge | Histogram;
  /** by node, by label values: the newest value of a series */
  series: Map<string, Map<string, { labels: Record<string, string>; value: number }>>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #byEvent = new Map<EventKey, Running[]>();
  readonly #memory = new Map<string, NodeMemory>();
  readonly #up: Gauge;

  constructor(specs: readonly MetricSpec[] = METRICS) {
    this.#up = new Gauge({ name: UP.name, help: UP.help, labelNames: ["node"], registers: [this.#registry] });
    for (const spec of specs) {
      const common = { name: spec.name, help: spec.help, labelNames: ["node", ...(spec.labels ?? [])], registers: [this.#registry] };
      let metric: Running["metric"];
      if (spec.type === "histogram") metric = new Histogram({ ...common, buckets: [...spec.buckets] });
      else metric = spec.type === "gauge" ? new Gauge(common) : new Counter(common);
      const running: Running = { spec, metric, series: new Map() };
      for (const key of Object.keys(spec.from) as EventKey[]) {
        const list = this.#byEvent.get(key) ?? [];
        list.push(running);
        this.#byEvent.set(key, list);
      }
    }
  }

  observe(node: string, event: HostEvent, atMs: number = Date.now()): void {
    const memory = this.#memory.get(node) ?? { round: null, lastRound: null };
    this.#memory.set(node, memory);
    if (event.type === "phase") follow(memory, event, atMs);
    this.#up.set({ node }, event.type === "stopped" ? 0 : 1);
    const key = keyOf(event);
    const detail = event.type === "round" ? event.event : event;
    for (const running of this.#byEvent.get(key) ?? []) {
      const take = running.spec.from[key] as unknown as Take<"stopped">;
      const taken = take(detail as never, memory);
      if (taken === null || taken === undefined) continue;
      this.#put(running, node, typeof taken === "number" ? [{ value: taken }] : taken);
    }
  }

  /** The node's process ended without saying so. */
  down(node: string): void {
    this.#up.set({ node }, 0);
  }

  /** Prometheus text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #put({ spec, metric, series }: Running, node: string, samples: readonly Sample[]): void {
    const mine = series.get(node) ?? new Map<string, { labels: Record<string, string>; value: number }>();
    series.set(node, mine);
    const named = new Set<string>();
    for (const { value, labels = {} } of samples) {
      if (!Number.isFinite(value)) continue;
      const id = JSON.stringify(Object.values(labels));
      const known = mine.get(id);
      if (!known && mine.size >= MAX_SERIES) continue;
      named.add(id);
      const all = { node, ...labels };
      switch (spec.type) {
        case "counter":
          (metric as Counter).inc(all, Math.max(0, value));
          break;
        case "total":
          // a smaller total is one that began anew
          (metric as Counter).inc(all, known && value >= known.value ? value - known.value : Math.max(0, value));
          break;
        case "gauge":
          (metric as Gauge).set(all, value);
          break;
        case "histogram":
          (metric as Histogram).observe(all, value);
          break;
        default:
          spec satisfies never;
      }
      mine.set(id, { labels: all, value });
    }
    if (spec.type !== "total" && !(spec.type === "gauge" && spec.dropsAbsent)) return;
    for (const [id, { labels }] of mine) {
      if (named.has(id)) continue;
      metric.remove(labels);
      mine.delete(id);
    }
  }
}

/** The one metric that is not of an event: whether the node's process says anything at all. */
export const UP = { name: "starling_up", type: "gauge", help: "1 while the node's process runs, 0 once it has ended." } as const;

/** Keeps the round under way; `lastRound` is set for the one event that ends it. */
function follow(memory: NodeMemory, event: Extract<HostEvent, { type: "phase" }>, atMs: number): void {
  const { round } = memory;
  memory.lastRound = null;
  const trains = event.runState === "RoundTrain" || event.runState === "RoundWitness";
  if (round && event.step > round.step) {
    // several steps at once went by unseen: no length can be told
    const seconds = (atMs - round.beganAtMs) / 1000;
    if (event.step === round.step + 1 && seconds > 0) memory.lastRound = { step: round.step, seconds, tokens: round.tokens };
  }
  if (!trains) memory.round = null;
  else if (round?.step !== event.step) memory.round = { step: event.step, beganAtMs: atMs, tokens: event.roundTokens };
}
