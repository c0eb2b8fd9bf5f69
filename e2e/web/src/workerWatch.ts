/** Hears what the page's training Worker tells the page: the tab's own hashes and losses, as a daemon's `--logs json` has them. */
import { randomBytes } from "node:crypto";
import type { BrowserContext } from "@playwright/test";

interface RoundEvent {
  type: string;
  step: number;
  epoch: number;
  parameterHash: string;
  loss: number | null;
  [field: string]: unknown;
}

/** web/src/worker/protocol.ts; bigints come as text */
export interface WorkerMessage {
  type: string;
  state?: { kind: string; code?: string; text?: string };
  event?: RoundEvent;
  [field: string]: unknown;
}

export class WorkerWatch {
  readonly messages: WorkerMessage[] = [];

  static async install(context: BrowserContext): Promise<WorkerWatch> {
    const watch = new WorkerWatch();
    const binding = `workerWatch${randomBytes(6).toString("hex")}`;
    await context.exposeBinding(binding, (_source, text: string) => {
      watch.messages.push(JSON.parse(text) as WorkerMessage);
    });
    await context.addInitScript(pageHalf, binding);
    return watch;
  }

  /** Events of the round client, of one type. */
  told(type: string): RoundEvent[] {
    return this.messages.flatMap(({ type: kind, event }) => (kind === "round" && event?.type === type ? [event] : []));
  }

  /** parameter hashes by step */
  hashes(): Map<number, string> {
    return new Map([...this.told("parameterHash"), ...this.told("epochModel")].map(({ step, parameterHash }) => [step, parameterHash]));
  }

  /** where the tab stands now, and what it said last: for a failing test's message */
  tail(): string {
    return this.messages
      .slice(-12)
      .map((message) => `  tab: ${JSON.stringify(message).slice(0, 300)}`)
      .join("\n");
  }
}

/** Runs in the page: no imports, nothing from around it. */
function pageHalf(binding: string): void {
  const scope = globalThis as unknown as { Worker: typeof Worker } & Record<string, (text: string) => Promise<void>>;
  const plain = (_key: string, value: unknown): unknown => {
    if (typeof value === "bigint") return String(value);
    // long arrays are nobody's news
    if (ArrayBuffer.isView(value)) return { bytes: value.byteLength };
    return value;
  };
  scope.Worker = class extends scope.Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      if (!/trainer/.test(String(url))) return;
      this.addEventListener("message", (event: MessageEvent<unknown>) => {
        void scope[binding]!(JSON.stringify(event.data, plain));
      });
    }
  };
}
