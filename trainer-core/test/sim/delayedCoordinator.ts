/** A coordinator at the end of a wire: calls and snapshots take time, in order. */
import type { Clock } from "../../src/round/ports.ts";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessMessage } from "@starling/sdk/types";

export class DelayedCoordinator implements CoordinatorPort {
  protected readonly inner: CoordinatorPort;
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  #lastArrivalMs = 0;

  constructor(inner: CoordinatorPort, clock: Clock, delayMs: () => number) {
    this.inner = inner;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  runInfo(): Promise<RunInfo> {
    return this.inner.runInfo();
  }

  snapshot(): Snapshot | null {
    return this.inner.snapshot();
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    let isOpen = true;
    const undo = this.inner.subscribe((snapshot) => {
      const arrivalMs = Math.max(this.#lastArrivalMs, this.#clock.nowMs() + this.#delayMs());
      this.#lastArrivalMs = arrivalMs;
      this.#clock.after(arrivalMs - this.#clock.nowMs(), () => isOpen && listener(snapshot));
    });
    return () => {
      isOpen = false;
      undo();
    };
  }

  join(membership: Membership, multiaddrs: string[]): Promise<void> {
    return this.#later(() => this.inner.join(membership, multiaddrs));
  }

  leave(): Promise<void> {
    return this.#later(() => this.inner.leave());
  }

  warmupWitness(): Promise<void> {
    return this.#later(() => this.inner.warmupWitness());
  }

  witness(message: WitnessMessage): Promise<void> {
    return this.#later(() => this.inner.witness(message));
  }

  downloaded(step: number, listsHeld: number): Promise<void> {
    return this.#later(() => this.inner.downloaded(step, listsHeld));
  }

  healthCheck(clientIndexes: number[]): Promise<void> {
    return this.#later(() => this.inner.healthCheck(clientIndexes));
  }

  reportEquivocation(clientIndex: number): Promise<void> {
    return this.#later(() => this.inner.reportEquivocation(clientIndex));
  }

  setPaused(paused: boolean): Promise<void> {
    return this.#later(() => this.inner.setPaused(paused));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** There and back. */
  async #later(call: () => Promise<void>): Promise<void> {
    await this.#wait();
    try {
      await call();
    } finally {
      await this.#wait();
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(this.#delayMs(), resolve));
  }
}
