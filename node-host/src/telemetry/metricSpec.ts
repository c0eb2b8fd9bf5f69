/** What a metric is, and which events it is made of. */
import type { TelemetryEvent } from "@starling/trainer-core/telemetry/events";
import type { HostEvent } from "../events.ts";

/** `phase`, `saved`, ... of a process; `round.trained`, `round.replay`, ... of its round client. */
export type EventKey = Exclude<HostEvent["type"], "round"> | `round.${TelemetryEvent["type"]}`;
export type EventOf<K extends EventKey> = K extends `round.${infer T}`
  ? Extract<TelemetryEvent, { type: T }>
  : Extract<HostEvent, { type: K }>;

export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string>>;
}

/** What a node's earlier events leave for later ones. */
export interface NodeMemory {
  /** the round under way, as the coordinator has it */
  round: { step: number; beganAtMs: number; tokens: number } | null;
  /** that which the newest `phase` event ended */
  lastRound: { step: number; seconds: number; tokens: number } | null;
}

/** A value, several with labels, or null: this event says nothing about it. */
export type Take<K extends EventKey> = (event: EventOf<K>, memory: NodeMemory) => number | readonly Sample[] | null;

interface Common {
  /** `starling_...`, base units; counters end in `_total` */
  name: string;
  help: string;
  /** besides `node` */
  labels?: readonly string[];
  from: { readonly [K in EventKey]?: Take<K> };
}

export type MetricSpec =
  /** adds up what the events give */
  | (Common & { type: "counter" })
  /** the events give the total so far, which begins anew at times; series that an event does not name any more are dropped */
  | (Common & { type: "total" })
  /** the newest value; `dropsAbsent`: series that an event does not name any more are dropped */
  | (Common & { type: "gauge"; dropsAbsent?: true })
  | (Common & { type: "histogram"; buckets: readonly number[] });

export function keyOf(event: HostEvent): EventKey {
  return event.type === "round" ? `round.${event.event.type}` : event.type;
}
