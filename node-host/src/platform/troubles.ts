/**
 * Which of a client's troubles deserve a line. A peer that has no answer yet is asked again moments later: that is waiting,
 * not failing, and most of it ends by itself. What goes on for long is said, and what repeats is said at intervals.
 */
const SAY_AFTER_MS = 10_000;
/** What the network says of a peer that is away. */
const UNREACHABLE = /does not answer|took longer than|stream (broke|ended|closed)/;
const SAY_AGAIN_MS = 30_000;
/** a trouble not seen for so long is over */
const FORGET_AFTER_MS = 60_000;

interface Trouble {
  firstMs: number;
  lastMs: number;
  times: number;
  saidMs: number | null;
  saidTimes: number;
}

export class Troubles {
  readonly #known = new Map<string, Trouble>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** A sentence about a failed action; null while it is ordinary waiting, or was said a moment ago. */
  failed(action: string, message: string): string | null {
    if (action === "leave") return `the coordinator could not be told of leaving (${message}); it will notice`;
    const trouble = this.#seen(action);
    const call = /^coordinator: (\w+)$/.exec(action)?.[1];
    // that it is away is a sentence of its own (coordinatorWatch.ts), which comes once
    if (!action.startsWith("fetch") && !(call !== undefined && UNREACHABLE.test(message))) {
      if (!isDue(trouble)) return null;
      const unsaid = say(trouble);
      const what = call === undefined ? `${action} failed` : `the coordinator did not take the call "${call}"`;
      const why = message.startsWith(`${call}: `) ? message.slice(`${call}: `.length) : message;
      return `${what}: ${why}${sameIdentity(message)}${unsaid > 0 ? ` (and ${times(unsaid)} before)` : ""}`;
    }
    if (trouble.lastMs - trouble.firstMs < SAY_AFTER_MS || !isDue(trouble)) return null;
    say(trouble);
    const what = call === undefined ? action : "call the coordinator";
    return `could not ${what} in ${Math.round((trouble.lastMs - trouble.firstMs) / 1000)} s and ${trouble.times} tries, goes on trying: ${message}`;
  }

  /** `sentence` the first time, then at intervals of `againMs` while it comes again and again under the same `name`; null otherwise. */
  repeated(sentence: string, name = sentence, againMs = SAY_AGAIN_MS): string | null {
    const trouble = this.#seen(name);
    if (!isDue(trouble, againMs)) return null;
    const unsaid = say(trouble);
    return unsaid > 0 ? `${sentence} (and ${times(unsaid)} before)` : sentence;
  }

  /** A sentence about something refused, the first time for its reason and then at intervals; null otherwise. */
  rejected(what: string, reason: string): string | null {
    const trouble = this.#seen(reason);
    if (!isDue(trouble)) return null;
    const unsaid = say(trouble);
    return `rejected ${what}: ${reason}${unsaid > 0 ? ` (and ${unsaid} more since this was last said)` : ""}`;
  }

  #seen(name: string): Trouble {
    const nowMs = this.#nowMs();
    for (const [key, { lastMs }] of this.#known) if (nowMs - lastMs > FORGET_AFTER_MS) this.#known.delete(key);
    const trouble = this.#known.get(name) ?? { firstMs: nowMs, lastMs: nowMs, times: 0, saidMs: null, saidTimes: 0 };
    trouble.lastMs = nowMs;
    trouble.times++;
    this.#known.set(name, trouble);
    return trouble;
  }
}

function isDue({ lastMs, saidMs }: Trouble, againMs = SAY_AGAIN_MS): boolean {
  return saidMs === null || lastMs - saidMs >= againMs;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** Returns how many times before this one were not said. */
function say(trouble: Trouble): number {
  const unsaid = trouble.times - trouble.saidTimes - 1;
  trouble.saidMs = trouble.lastMs;
  trouble.saidTimes = trouble.times;
  return unsaid;
}

/** What the coordinator answers when two processes sign with one key. */
export function sameIdentity(message: string): string {
  return /sequence \d+ is too old/.test(message) ? ": does another client run with the same identity file? Give each its own" : "";
}
