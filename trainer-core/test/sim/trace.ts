import { createHash } from "node:crypto";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";

const shown = 40;

interface Line {
  order: number;
  text: string;
}

/** Everything that was told, in order: the newest of each client as text, and all of it as one hash. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #lines = new Map<number, Line[]>();
  #order = 0;

  note(member: number, name: string, atMs: number, event: TelemetryEvent): void {
    this.#add(member, `${atMs.toFixed(0).padStart(8)} ms  ${name}: ${JSON.stringify(event)}`);
  }

  /** Something that happened to the run. */
  tell(atMs: number, text: string): void {
    this.#add(-1, `${atMs.toFixed(0).padStart(8)} ms  ** ${text}`);
  }

  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** The last 40 events of these members (none: of all) and of the run, in order. */
  last(members: readonly number[]): string[] {
    const of = members.length === 0 ? this.#lines.keys() : new Set([-1, ...members]);
    const lines = [...of].flatMap((member) => this.#lines.get(member) ?? []).sort((a, b) => a.order - b.order);
    return lines.slice(-shown * Math.max(1, members.length)).map(({ text }) => text);
  }

  #add(member: number, text: string): void {
    this.#hash.update(text);
    const lines = this.#lines.get(member) ?? [];
    this.#lines.set(member, lines);
    lines.push({ order: this.#order++, text });
    if (lines.length > 2 * shown) lines.splice(0, lines.length - shown);
  }
}
