/** What a person reads of runs: totals as a table, and of a broken one what, when, and how to see it again. */
import type { SeedOutcome } from "./seedRun.ts";

export class Totals {
  seeds = 0;
  readonly sums = { epochs: 0, agreedEpochs: 0, rounds: 0, replays: 0, rejoins: 0, stranded: 0, ejected: 0, virtualMs: 0, wallMs: 0 };
  readonly faults = new Map<string, number>();
  readonly adversaries = new Map<string, number>();

  add(outcome: SeedOutcome): void {
    this.seeds++;
    for (const key of Object.keys(this.sums) as (keyof typeof this.sums)[]) this.sums[key] += outcome[key];
    for (const [kind, count] of Object.entries(outcome.faults)) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    for (const kind of outcome.adversaries) this.adversaries.set(kind, (this.adversaries.get(kind) ?? 0) + 1);
  }

  table(): string {
    const { sums } = this;
    const faults = [...this.faults.values()].reduce((sum, count) => sum + count, 0);
    const rows: [string, string][] = [
      ["seeds", String(this.seeds)],
      ["epochs", `${sums.epochs}, of which ${sums.agreedEpochs} ended with agreed parameters`],
      ["rounds", String(sums.rounds)],
      ["faults injected", `${faults}${countsOf(this.faults)}`],
      ["dishonest members", `${[...this.adversaries.values()].reduce((sum, count) => sum + count, 0)}${countsOf(this.adversaries)}`],
      ["equivocators ejected", String(sums.ejected)],
      ["replays", String(sums.replays)],
      ["processes that rejoined", String(sums.rejoins)],
      ["times stranded", String(sums.stranded)],
      ["virtual hours", (sums.virtualMs / 3_600_000).toFixed(1)],
      ["wall seconds", (sums.wallMs / 1000).toFixed(1)],
    ];
    return rows.map(([name, value]) => `${name.padEnd(24)} ${value}`).join("\n");
  }
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return "";
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return ` (${sorted.map(([kind, count]) => `${kind} ${count}`).join(", ")})`;
}

/** The command that runs this seed again, event for event. */
export function replayCommand({ seed }: Pick<SeedOutcome, "seed">, { epochs, clients }: { epochs: number; clients?: number }): string {
  return `npm run sim -- --seed ${seed} --epochs ${epochs}${clients === undefined ? "" : ` --clients ${clients}`}`;
}

export function failureText(outcome: SeedOutcome, options: { epochs: number; clients?: number }): string {
  const { violation } = outcome;
  if (violation === null) throw new RangeError(`seed ${outcome.seed} broke nothing`);
  const { invariant, text, atMs, events } = violation;
  return [
    `seed ${outcome.seed}: broken invariant: ${invariant}`,
    `  ${text}`,
    `  at ${(atMs / 1000).toFixed(3)} s of virtual time; ${outcome.clients} clients, dishonest: ${outcome.adversaries.join(", ") || "none"}`,
    "the last events of the clients concerned:",
    ...events.map((event) => `  ${event}`),
    `replay: ${replayCommand(outcome, options)}`,
  ].join("\n");
}
