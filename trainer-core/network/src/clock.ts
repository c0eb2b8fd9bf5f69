/** Time as the network sees it. Real by default; `VirtualClock` in simulations. */
export interface Scheduler {
  /** Milliseconds, from an arbitrary start; never goes back. */
  now(): number;
  /** Runs `task` once after `delayMs`. Returns the undo. */
  schedule(delayMs: number, task: () => void): () => void;
}

export function realScheduler(): Scheduler {
  return {
    now: () => performance.now(),
    schedule(delayMs, task) {
      const timer = setTimeout(task, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

interface Timer {
  atMs: number;
  order: number;
  task: (() => void) | null;
}

/**
 * A clock that jumps from one timer to the next, so that minutes of simulated time cost milliseconds and the same
 * program always sees the same order: timers fire by time, then by the order in which they were set. After each
 * one every promise reaction it started has run. Work that leaves the microtask queue (WebCrypto, I/O) is not waited for.
 */
export class VirtualClock implements Scheduler {
  #nowMs = 0;
  #order = 0;
  /** A binary heap: the earliest timer first. */
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#push(timer);
    return () => {
      timer.task = null;
    };
  }

  /** Runs timers up to and including `untilMs`, or until `done` says so after one of them. Returns whether it did. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    const turns = new Turns();
    try {
      await turns.next();
      while (!done()) {
        const timer = this.#heap[0];
        if (timer === undefined || timer.atMs > untilMs) {
          this.#nowMs = Math.max(this.#nowMs, Math.min(untilMs, Number.MAX_SAFE_INTEGER));
          return false;
        }
        this.#pop();
        if (timer.task === null) continue;
        this.#nowMs = timer.atMs;
        timer.task();
        await turns.next();
      }
      return true;
    } finally {
      turns.close();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Turns of the event loop. A message port is the one macrotask source that Node and Workers share and that does not wait. */
class Turns {
  readonly #channel = new MessageChannel();
  #resume: () => void = () => {};

  constructor() {
    this.#channel.port1.onmessage = () => this.#resume();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#channel.port2.postMessage(null);
    });
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
