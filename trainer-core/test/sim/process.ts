/** One simulated process: a clock of its own, and it may be stopped (SIGSTOP), go on, or be killed. */
import type { Scheduler } from "@starling/network/clock";
import type { Clock } from "../../src/round/ports.ts";

export interface Skew {
  /** wall clock minus true time, ms */
  offsetMs: number;
  /** share by which the wall clock runs too fast */
  drift: number;
}

const noSkew: Skew = { offsetMs: 0, drift: 0 };

export class SimulatedProcess {
  /** the wall clock: skewed */
  readonly clock: Clock;
  /** timers, with a clock that is right: as `performance.now` */
  readonly scheduler: Scheduler;
  readonly #virtual: Scheduler;
  #status: "running" | "stopped" | "dead" = "running";
  #backlog: (() => void)[] = [];
  #timers = 0;

  constructor(virtual: Scheduler, startMs: number, skew: Skew = noSkew) {
    this.#virtual = virtual;
    this.scheduler = { now: () => virtual.now(), schedule: (ms, task) => this.#after(ms, task) };
    this.clock = {
      nowMs: () => startMs + skew.offsetMs + virtual.now() * (1 + skew.drift),
      after: (ms, task) => this.#after(ms, task),
    };
  }

  get status(): "running" | "stopped" | "dead" {
    return this.#status;
  }

  /** Timers set and neither fired nor cancelled. */
  get timers(): number {
    return this.#timers;
  }

  /** Nothing of it runs until `resume`; time goes on. */
  stop(): void {
    if (this.#status === "running") this.#status = "stopped";
  }

  /** What came meanwhile happens now, all at once and in order. */
  resume(): void {
    if (this.#status !== "stopped") return;
    this.#status = "running";
    for (const task of this.#backlog.splice(0)) this.#virtual.schedule(0, () => this.run(task));
  }

  /** Nothing of it ever runs again. */
  kill(): void {
    this.#status = "dead";
    this.#backlog = [];
  }

  /** Does `task` now, or when the process goes on, or never. */
  run(task: () => void): void {
    if (this.#status === "running") task();
    else if (this.#status === "stopped") this.#backlog.push(task);
  }

  /** The outcome of `work`, seen from inside: it does not arrive while the process is stopped. */
  pass<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.run(() => resolve(value)),
        (error: unknown) => this.run(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }

  #after(ms: number, task: () => void): () => void {
    let isSet = true;
    this.#timers++;
    const end = (): void => {
      if (isSet) this.#timers--;
      isSet = false;
    };
    const cancel = this.#virtual.schedule(ms, () =>
      this.run(() => {
        // cancelled by what happened since the process went on
        if (!isSet) return;
        end();
        task();
      }),
    );
    return () => {
      end();
      cancel();
    };
  }
}
