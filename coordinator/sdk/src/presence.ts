import { toHex } from "./bytes.ts";
import type { Clock } from "./clock.ts";

/** Which sessions hold a connection, and which have been without one for too long. */
export class Presence {
  readonly #clock: Clock;
  readonly #onGone: (session: Uint8Array) => void;
  /** live connections by session, hex */
  readonly #connections = new Map<string, number>();
  /** timers of those that are away, by session, hex */
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock, onGone: (session: Uint8Array) => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** A connection of that session is open until the returned function is called; `graceMs` after the last one it is gone. */
  attach(session: Uint8Array, graceMs: number): () => void {
    const hex = toHex(session);
    this.#connections.set(hex, (this.#connections.get(hex) ?? 0) + 1);
    this.#forget(hex);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = this.#connections.get(hex)! - 1;
      if (left > 0) {
        this.#connections.set(hex, left);
        return;
      }
      this.#connections.delete(hex);
      this.expect(session, graceMs);
    };
  }

  /** Gone in `graceMs`, unless a connection of it is open, or is opened by then. */
  expect(session: Uint8Array, graceMs: number): void {
    const hex = toHex(session);
    if (this.#connections.has(hex)) return;
    this.#forget(hex);
    this.#timers.set(
      hex,
      this.#clock.after(graceMs, () => {
        this.#timers.delete(hex);
        this.#onGone(session);
      }),
    );
  }

  /** Away, and not yet gone. */
  isAwaited(session: Uint8Array): boolean {
    return this.#timers.has(toHex(session));
  }

  stop(): void {
    for (const hex of this.#timers.keys()) this.#forget(hex);
  }

  #forget(hex: string): void {
    this.#timers.get(hex)?.();
    this.#timers.delete(hex);
  }
}
