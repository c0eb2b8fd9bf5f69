/**
 * Lets a shared adapter breathe: what would be submitted at once goes out in portions of a few milliseconds, few of them under way at a
 * time, with rests between them where less than the whole adapter is wanted. A tab sets one on its device; a daemon has none.
 *
 * How long a dispatch takes is measured: the first two times alone, then with its group. Order is kept: whatever else touches the queue
 * (writes, copies, readback) waits in the same line.
 */
import type { Dispatch } from "./device.ts";

export interface PacerOptions {
  /** what one submit is to take at most, as far as it can be known before, ms */
  portionMs: number;
  /** share of the time in which the adapter works for us, 1 to 100; may be changed at any time (`dutyPercent`) */
  dutyPercent?: number;
  nowMs?: () => number;
  /** waits; for tests */
  rest?: (ms: number) => Promise<void>;
}

export interface PacerPorts {
  submit(dispatches: readonly Dispatch[]): void;
  /** resolves when everything submitted so far has been carried out */
  done(): Promise<unknown>;
}

/** One submit runs, the next one waits behind it, so that the adapter need not wait for this thread. */
const UNDER_WAY = 2;
/** Of small ones more may wait, together no longer than a portion: hearing of each takes longer than carrying it out. */
const MOST_UNDER_WAY = 32;
/** Part of what a group's measured time says that is believed at once. */
const LEARNING = 0.3;
/** The first time a driver may still compile. */
const TIMES_ALONE = 2;
/** Short rests are saved up: timers are no more precise than that. */
const SHORTEST_REST_MS = 4;
const LONGEST_REST_MS = 2_000;

/** What one dispatch takes, measured or learned, and how often it was measured alone. */
interface Cost {
  ms: number;
  alone: number;
}

type Job = { kind: "dispatches"; list: readonly Dispatch[]; at: number } | { kind: "action"; act: () => void };

export class SubmitPacer {
  dutyPercent: number;
  readonly #portionMs: number;
  readonly #ports: PacerPorts;
  readonly #nowMs: () => number;
  readonly #rest: (ms: number) => Promise<void>;
  readonly #line: Job[] = [];
  readonly #costs = new WeakMap<Dispatch, Cost>();
  readonly #underWay: { done: Promise<void>; ms: number }[] = [];
  #lastDoneMs = 0;
  #owedRestMs = 0;
  #isPumping = false;
  #isStopped = false;
  #longestPortionMs = 0;

  constructor(ports: PacerPorts, { portionMs, dutyPercent = 100, nowMs, rest }: PacerOptions) {
    if (!(portionMs > 0)) throw new RangeError(`a portion takes more than 0 ms, got ${portionMs}`);
    this.#ports = ports;
    this.#portionMs = portionMs;
    this.dutyPercent = dutyPercent;
    this.#nowMs = nowMs ?? (() => performance.now());
    this.#rest = rest ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  /** The longest submit since the last call, ms: what is asked for at intervals. */
  takeLongestMs(): number {
    const ms = this.#longestPortionMs;
    this.#longestPortionMs = 0;
    return ms;
  }

  /** Of those that were run, the dispatch that takes longest, by what was measured of it. */
  longestOf(list: readonly Dispatch[]): { label: string; ms: number } {
    let longest = { label: "", ms: 0 };
    for (const dispatch of list) {
      const { ms } = this.#costs.get(dispatch) ?? { ms: 0 };
      if (ms > longest.ms) longest = { label: dispatch.label, ms };
    }
    return longest;
  }

  /** Nothing waits: an action may as well be done at once. */
  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  run(list: readonly Dispatch[]): void {
    if (list.length > 0) this.#push({ kind: "dispatches", list, at: 0 });
  }

  /** After everything pushed before has been submitted. */
  act(act: () => void): void {
    if (this.isEmpty) act();
    else this.#push({ kind: "action", act });
  }

  /** What waits is forgotten but for its actions, which are done: whoever waits for one hears of the device's end from the device. */
  stop(): void {
    this.#isStopped = true;
    for (const job of this.#line.splice(0)) if (job.kind === "action") job.act();
  }

  #push(job: Job): void {
    if (this.#isStopped) {
      if (job.kind === "action") job.act();
      return;
    }
    this.#line.push(job);
    if (!this.#isPumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      for (let job = this.#line[0]; job !== undefined; job = this.#line[0]) {
        if (job.kind === "action") {
          job.act();
          this.#line.shift();
          continue;
        }
        await this.#turn();
        if (this.#isStopped) return;
        this.#submit(this.#portion());
      }
    } finally {
      this.#isPumping = false;
    }
  }

  /** Until another portion may go out. */
  async #turn(): Promise<void> {
    while (this.#isFull()) await this.#underWay[0].done;
    if (this.#owedRestMs < SHORTEST_REST_MS) return;
    const restMs = Math.min(this.#owedRestMs, LONGEST_REST_MS);
    this.#owedRestMs = 0;
    await this.#rest(restMs);
  }

  #isFull(): boolean {
    const count = this.#underWay.length;
    if (this.dutyPercent < 100) return count > 0;
    if (count < UNDER_WAY) return false;
    return count >= MOST_UNDER_WAY || this.#underWay.reduce((sum, { ms }) => sum + ms, 0) > this.#portionMs;
  }

  /** The next dispatches in line that fit one portion; one that was never measured goes alone. */
  #portion(): Dispatch[] {
    const portion: Dispatch[] = [];
    let ms = 0;
    for (let job = this.#line[0]; job?.kind === "dispatches"; job = this.#line[0]) {
      for (; job.at < job.list.length; job.at++) {
        const dispatch = job.list[job.at];
        const known = this.#costs.get(dispatch);
        const cost = known === undefined || known.alone < TIMES_ALONE ? Infinity : known.ms;
        if (portion.length > 0 && ms + cost > this.#portionMs) return portion;
        portion.push(dispatch);
        ms += cost;
      }
      this.#line.shift();
    }
    return portion;
  }

  #submit(portion: readonly Dispatch[]): void {
    const submittedMs = this.#nowMs();
    this.#ports.submit(portion);
    const heard = (): void => {
      this.#underWay.shift();
      const nowMs = this.#nowMs();
      const tookMs = nowMs - Math.max(submittedMs, this.#lastDoneMs);
      this.#lastDoneMs = nowMs;
      this.#learn(portion, tookMs);
    };
    // a device that is lost answers with an error, and is told of by the device
    const ms = portion.reduce((sum, dispatch) => sum + (this.#costs.get(dispatch)?.ms ?? Infinity), 0);
    this.#underWay.push({ done: this.#ports.done().then(heard, heard), ms });
  }

  #learn(portion: readonly Dispatch[], tookMs: number): void {
    this.#longestPortionMs = Math.max(this.#longestPortionMs, tookMs);
    if (this.dutyPercent < 100) this.#owedRestMs += (tookMs * (100 - this.dutyPercent)) / this.dutyPercent;
    if (portion.length === 1) {
      const [dispatch] = portion;
      const { ms, alone } = this.#costs.get(dispatch) ?? { ms: Infinity, alone: 0 };
      // the least it took: what is above that is waiting, not working
      if (alone < TIMES_ALONE) return void this.#costs.set(dispatch, { ms: Math.min(ms, tookMs), alone: alone + 1 });
    }
    const expectedMs = portion.reduce((sum, dispatch) => sum + this.#costs.get(dispatch)!.ms, 0);
    const factor = 1 + LEARNING * (Math.min(2, Math.max(0.5, tookMs / Math.max(expectedMs, 1e-3))) - 1);
    for (const dispatch of portion) this.#costs.get(dispatch)!.ms *= factor;
  }
}
