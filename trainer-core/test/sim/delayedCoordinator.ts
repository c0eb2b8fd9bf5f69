/** A coordinator at the end of a wire: calls and snapshots take time, in order, and the wire may be cut. */
import { CoordinatorError } from "@starling/sdk/errors";
import type { Clock } from "../../src/round/ports.ts";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessMessage } from "@starling/sdk/types";

export class DelayedCoordinator implements CoordinatorPort {
  protected readonly inner: CoordinatorPort;
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #lastArrivalMs = 0;
  #isCut = false;

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

  /** Nothing passes, and calls fail, until it is mended; then the newest snapshot comes, as after reconnecting. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    const newest = this.inner.snapshot();
    if (!isCut && newest !== null) for (const listener of this.#listeners) listener(newest);
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    let isOpen = true;
    const undo = this.inner.subscribe((snapshot) => {
      const arrivalMs = Math.max(this.#lastArrivalMs, this.#clock.nowMs() + this.#delayMs());
      this.#lastArrivalMs = arrivalMs;
      this.#clock.after(arrivalMs - this.#clock.nowMs(), () => isOpen && !this.#isCut && listener(snapshot));
    });
    this.#listeners.add(listener);
    return () => {
      isOpen = false;
      this.#listeners.delete(listener);
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
    this.#requireWire();
    try {
      await call();
    } finally {
      await this.#wait();
      this.#requireWire();
    }
  }

  #requireWire(): void {
    if (this.#isCut) throw new CoordinatorError("unreachable", "the wire is cut");
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(this.#delayMs(), resolve));
  }
}
