/** What the server remembers of its rounds, for displays: who opens the page later sees the whole curve. */
import type { CoordinatorState, HistoryEntry, WitnessMetadata } from "@starling/sdk";
import { decodeHistoryEntry, encodeHistory, HISTORY_ENTRY_BYTES } from "@starling/sdk/roundHistory";
import type { Shown } from "@starling/sdk/shown";
import { readWitnessMetadata } from "@starling/sdk/witnessMetadata";
import { ServerError } from "./errors.ts";

/** The newest of them are kept. */
export const MAX_ROUNDS = 20_000;

/** Where the rounds are kept. A torn end does no harm: it is left out. */
export interface HistoryStore {
  /** null: there is none */
  load(): Promise<Uint8Array | null>;
  append(bytes: Uint8Array): Promise<void>;
  replace(bytes: Uint8Array): Promise<void>;
}

export interface RoundHistoryOptions {
  store: HistoryStore | null;
  /** told of the first failure, and again only after a write went well */
  onError: (error: ServerError) => void;
  /** default 20,000 */
  maxRounds?: number;
}

export class RoundHistory {
  readonly #options: RoundHistoryOptions;
  readonly #maxRounds: number;
  /** steps rise */
  #entries: HistoryEntry[] = [];
  /** of the step under way, by slot */
  #reports: { step: number; bySlot: Map<number, WitnessMetadata> } = { step: 0, bySlot: new Map() };
  #shown: Shown | null = null;
  /** entries in the store, those that count no more included; null: it must be written anew */
  #stored: number | null = 0;
  #unwritten: HistoryEntry[] = [];
  #failing = false;
  #writing: Promise<void> | null = null;

  /** Rounds of the step `nextStep` and later ones, and all where it is 1, are of a run that was begun again: they are forgotten. */
  static async open(options: RoundHistoryOptions, nextStep: number): Promise<RoundHistory> {
    let bytes: Uint8Array | null;
    try {
      bytes = (await options.store?.load()) ?? null;
    } catch (cause) {
      const why = (cause as Error).message;
      const message = `the run's history could not be read: ${why}. It is left as it is; new rounds are shown as long as this server runs`;
      options.onError(new ServerError("storage", message, { cause }));
      return new RoundHistory({ ...options, store: null });
    }
    const history = new RoundHistory(options);
    const count = Math.floor((bytes?.length ?? 0) / HISTORY_ENTRY_BYTES);
    for (let i = 0; i < count; i++) {
      const entry = decodeHistoryEntry(bytes!.subarray(i * HISTORY_ENTRY_BYTES));
      if (entry !== null && entry.step < nextStep) history.#add(entry);
    }
    const isWhole = history.#entries.length * HISTORY_ENTRY_BYTES === (bytes?.length ?? 0);
    history.#stored = isWhole ? count : null;
    if (!isWhole) history.#write();
    return history;
  }

  private constructor(options: RoundHistoryOptions) {
    this.#options = options;
    this.#maxRounds = options.maxRounds ?? MAX_ROUNDS;
  }

  /** A witness of the round under way said this beside its report. */
  report(step: number, slot: number, metadata: Uint8Array | undefined): void {
    if (this.#reports.step !== step) this.#reports = { step, bySlot: new Map() };
    const said = readWitnessMetadata(metadata);
    if (said === null) return;
    this.#reports.bySlot.set(slot, said);
    const { sampleText, evals } = said;
    if (sampleText === null && evals.length === 0) return;
    // a text is told once, scores with every report; the step is that of what is new
    const isNews = sampleText !== null || String(evals) !== String(this.#shown?.evals);
    this.#shown = {
      step: isNews ? step : (this.#shown?.step ?? step),
      sampleText: sampleText ?? this.#shown?.sampleText ?? null,
      evals: evals.length > 0 ? evals : (this.#shown?.evals ?? []),
    };
  }

  /** What witnesses showed last; null: nothing yet, since this server began. */
  get shown(): Shown | null {
    return this.#shown;
  }

  /** The round that `state` ends with is over. */
  finished({ epoch, rounds }: CoordinatorState, atMs: number): void {
    const round = rounds.at(-1);
    if (round === undefined) return;
    const { step, drain, batchSize, witnesses } = round;
    const said = this.#reports.step === step ? [...this.#reports.bySlot.values()] : [];
    const entry: HistoryEntry = {
      ...{ step, epoch, atMs, batchSize: drain ? 0 : batchSize, witnesses: witnesses.length },
      loss: median(said.flatMap(({ loss }) => (loss === null ? [] : [loss]))),
      tokensPerSecond: Math.fround(said.reduce((sum, { tokensPerSecond }) => Math.min(sum + tokensPerSecond, 1e30), 0)),
    };
    // the run went back: that was said of parameters that are no more
    if (this.#shown !== null && this.#shown.step > step) this.#shown = null;
    this.#add(entry);
    this.#unwritten.push(entry);
    this.#write();
  }

  /** Rounds of that step and later ones, oldest first, at most `limit`. */
  since(fromStep: number, limit: number): HistoryEntry[] {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle].step < fromStep) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low, low + limit);
  }

  /** Resolves when everything is written, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** A run that went back counts its steps again: what was beyond is of no run any more. */
  #add(entry: HistoryEntry): void {
    while ((this.#entries.at(-1)?.step ?? -1) >= entry.step) this.#entries.pop();
    this.#entries.push(entry);
    if (this.#entries.length > this.#maxRounds) this.#entries.shift();
  }

  #write(): void {
    this.#writing ??= this.#writeOnce().finally(() => {
      this.#writing = null;
      if (this.#unwritten.length > 0 && !this.#failing) this.#write();
    });
  }

  async #writeOnce(): Promise<void> {
    const { store } = this.#options;
    const added = this.#unwritten.splice(0);
    if (store === null) return;
    const all = this.#entries.slice();
    const isAppended = this.#stored !== null && this.#stored + added.length <= 2 * this.#maxRounds;
    try {
      if (isAppended) await store.append(encodeHistory(added));
      else await store.replace(encodeHistory(all));
      this.#stored = isAppended ? this.#stored! + added.length : all.length;
      this.#failing = false;
    } catch (cause) {
      this.#stored = null;
      this.#failed(cause as Error);
    }
  }

  #failed(cause: Error): void {
    if (!this.#failing) {
      const message = `the run's history could not be kept: ${cause.message}. It is shown as long as this server runs, and written again when that works`;
      this.#options.onError(new ServerError("storage", message, { cause }));
    }
    this.#failing = true;
    this.#stored = null;
  }
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return Math.fround(sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
}
