/**
 * Events as files, written behind the node's back: a line is put into a buffer and written a moment later, so that a slow disk never
 * holds up a round. A full disk costs events (counted), never the node.
 */
import { openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { HostEvent } from "../events.ts";
import { makeFolder } from "../platform/folders.ts";

/** Buffered lines are written after this time; with SIGKILL no more than this is lost. */
const FLUSH_MS = 200;
/** A failed write is tried again after this time. */
const RETRY_MS = 1_000;
/** What one write takes at most, so that a file ends close to its limit. */
const WRITE_BYTES = 256 * 1024;
/** Beyond this, while the disk takes nothing, events are dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface EventFilesOptions {
  /** `DIR/NODE`; made when it is not there */
  folder: string;
  node: string;
  /** a file is closed before it grows beyond */
  maxFileBytes: number;
  /** newest files kept, of this and earlier starts */
  keepFiles: number;
  /** said once when writing begins to fail */
  onTrouble: (sentence: string) => void;
  /** said when it works again */
  onRecovered?: (event: Extract<HostEvent, { type: "events-dropped" }>) => void;
}

/** What every line carries besides its event. `seq` rises by one a line, from 1 at each start: a gap tells of lost lines. */
export interface LineHead {
  atMs: number;
  seq: number;
  node: string;
}

const EVENT_FILE = /^events-(\d{1,16})-(\d{1,9})\.jsonl$/;

/** The node's event files in `names`, oldest first. */
export function sortEventFiles(names: readonly string[]): string[] {
  const key = (name: string) => EVENT_FILE.exec(name)!.slice(1).map(Number) as [number, number];
  return names.filter((name) => EVENT_FILE.test(name)).sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1]);
}

export class EventFiles {
  readonly #o: EventFilesOptions;
  readonly #startMs = Date.now();
  readonly #onExit = () => this.#flushAtExit();
  #file: FileHandle | null = null;
  /** bytes of the open file that are known to be whole lines */
  #fileBytes = 0;
  #fileNumber = 0;
  #seq = 0;
  #lines: Buffer[] = [];
  #bufferedBytes = 0;
  /** being written at `#fileBytes`; a write that failed half-way is repeated at the same place */
  #inFlight: Buffer | null = null;
  #work: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #dropped = 0;
  #trouble: string | null = null;
  #closed = false;

  /** Errors: HostError bad-option when the folder cannot be made. */
  constructor(options: EventFilesOptions) {
    this.#o = options;
    makeFolder(options.folder);
    process.once("exit", this.#onExit);
  }

  /** Events that were dropped since the last time writing worked. */
  get dropped(): number {
    return this.#dropped;
  }

  write(event: HostEvent): void {
    if (this.#closed) return;
    const head: LineHead = { atMs: Date.now(), seq: ++this.#seq, node: this.#o.node };
    const line = Buffer.from(`${JSON.stringify({ ...head, ...event })}\n`);
    if (this.#bufferedBytes + line.length > MAX_BUFFERED_BYTES) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#bufferedBytes += line.length;
    this.#later(FLUSH_MS);
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#work;
    await this.#drain();
    this.#cancel();
    process.removeListener("exit", this.#onExit);
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
  }

  #later(ms: number): void {
    if (this.#timer || this.#work) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#work = this.#drain().finally(() => {
        this.#work = null;
        if (!this.#closed && (this.#lines.length > 0 || this.#inFlight)) this.#later(this.#trouble === null ? FLUSH_MS : RETRY_MS);
      });
    }, ms);
    this.#timer.unref();
  }

  #cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #drain(): Promise<void> {
    try {
      while ((this.#inFlight ??= this.#take()) !== null) {
        const bytes = this.#inFlight;
        if (this.#file === null || (this.#fileBytes > 0 && this.#fileBytes + bytes.length > this.#o.maxFileBytes)) await this.#nextFile();
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await this.#file!.write(bytes, done, bytes.length - done, this.#fileBytes + done);
          done += bytesWritten;
        }
        this.#fileBytes += bytes.length;
        this.#bufferedBytes -= bytes.length;
        this.#inFlight = null;
        this.#recovered();
      }
    } catch (error) {
      this.#failed((error as Error).message);
    }
  }

  /** The next lines to write: what one write and one file take, but at least one line; null when there are none. */
  #take(): Buffer | null {
    const most = Math.min(WRITE_BYTES, this.#o.maxFileBytes);
    let count = 0;
    let bytes = 0;
    while (count < this.#lines.length && (count === 0 || bytes + this.#lines[count].length <= most)) bytes += this.#lines[count++].length;
    return count === 0 ? null : Buffer.concat(this.#lines.splice(0, count), bytes);
  }

  async #nextFile(): Promise<void> {
    const { folder, keepFiles } = this.#o;
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
    makeFolder(folder);
    const present = sortEventFiles(readdirSync(folder));
    for (const old of present.slice(0, Math.max(0, present.length - keepFiles + 1))) rmSync(join(folder, old), { force: true });
    // two starts in one millisecond must not share a file
    for (;;) {
      try {
        this.#file = await open(join(folder, `events-${this.#startMs}-${++this.#fileNumber}.jsonl`), "wx");
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    this.#fileBytes = 0;
  }

  #failed(reason: string): void {
    if (this.#trouble === null) {
      this.#o.onTrouble(
        `events are not written to ${this.#o.folder}: ${reason}; the node goes on, tries again every second, and says when it works`,
      );
    }
    this.#trouble = reason;
  }

  #recovered(): void {
    if (this.#trouble === null) return;
    const event = { type: "events-dropped", events: this.#dropped, reason: this.#trouble } as const;
    this.#trouble = null;
    this.#dropped = 0;
    this.write(event);
    this.#o.onRecovered?.(event);
  }

  /** `process.exit` waits for nobody: the rest is written at once, at the place where a write under way writes the same. */
  #flushAtExit(): void {
    const rest = Buffer.concat([...(this.#inFlight ? [this.#inFlight] : []), ...this.#lines]);
    if (rest.length === 0) return;
    try {
      const fd = this.#file?.fd ?? openSync(join(this.#o.folder, `events-${this.#startMs}-${++this.#fileNumber}.jsonl`), "wx");
      for (let done = 0; done < rest.length;) done += writeSync(fd, rest, done, rest.length - done, this.#fileBytes + done);
    } catch {
      // the disk is full, and nobody is left to be told
    }
  }
}
