/** Event files read back: streamed, so that gigabytes need little memory; damaged lines are skipped and counted. */
import { createReadStream, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { HostEvent } from "../events.ts";
import { sortEventFiles, type LineHead } from "./eventFiles.ts";

/** A longer line is no event of ours. */
const MAX_LINE_BYTES = 1 << 20;
const READ_BYTES = 1 << 18;

export type StoredEvent = LineHead & HostEvent;

export interface ReadStats {
  files: number;
  bytes: number;
  events: number;
  /** lines that are no events: cut off by a crash, or not ours */
  damaged: number;
  /** lines that were written and are not here: dropped, or in files that were deleted */
  missing: number;
}

export interface ReadOptions {
  /** only these; all when left out */
  nodes?: readonly string[];
  stats?: ReadStats;
}

export function noStats(): ReadStats {
  return { files: 0, bytes: 0, events: 0, damaged: 0, missing: 0 };
}

/** Files by node, oldest first. Each directory is that of an `--events-dir`, or one node's folder in it. Throws where there is none. */
function eventFilesOf(directories: readonly string[]): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const directory of directories) {
    for (const [node, files] of eventFilesIn(resolve(directory))) all.set(node, [...(all.get(node) ?? []), ...files]);
  }
  return all;
}

function eventFilesIn(directory: string): Map<string, string[]> {
  const names = readdirSync(directory);
  const own = sortEventFiles(names);
  const nodes = new Map<string, string[]>();
  if (own.length > 0)
    nodes.set(
      basename(directory),
      own.map((name) => join(directory, name)),
    );
  for (const name of [...names].sort()) {
    const folder = join(directory, name);
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const files = sortEventFiles(readdirSync(folder)).map((file) => join(folder, file));
    if (files.length > 0) nodes.set(name, files);
  }
  return nodes;
}

/** Node by node, each in the order in which it wrote; a batch is what one read brought. */
export async function* readEventBatches(
  directories: readonly string[],
  { nodes, stats = noStats() }: ReadOptions = {},
): AsyncGenerator<StoredEvent[]> {
  for (const [node, files] of eventFilesOf(directories)) {
    if (nodes && !nodes.includes(node)) continue;
    let start = "";
    let lastSeq: number | null = null;
    for (const file of files) {
      const ofStart = basename(file).split("-")[1]!;
      if (ofStart !== start) lastSeq = null;
      start = ofStart;
      for await (const batch of readFile(file, stats)) {
        for (const { seq } of batch) {
          if (lastSeq !== null && seq > lastSeq + 1) stats.missing += seq - lastSeq - 1;
          lastSeq = seq;
        }
        yield batch;
      }
    }
  }
}

export async function* readEvents(directories: readonly string[], options: ReadOptions = {}): AsyncGenerator<StoredEvent> {
  for await (const batch of readEventBatches(directories, options)) yield* batch;
}

async function* readFile(path: string, stats: ReadStats): AsyncGenerator<StoredEvent[]> {
  stats.files++;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let skipping = false;
  for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    stats.bytes += piece.length;
    const batch: StoredEvent[] = [];
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      const line = rest.length > 0 ? Buffer.concat([...rest, piece.subarray(from, end)]) : piece.subarray(from, end);
      from = end + 1;
      rest = [];
      restBytes = 0;
      if (skipping) skipping = false;
      else take(line, batch, stats);
    }
    if (!skipping && from < piece.length) {
      rest.push(piece.subarray(from));
      restBytes += piece.length - from;
      if (restBytes > MAX_LINE_BYTES) {
        stats.damaged++;
        skipping = true;
        rest = [];
        restBytes = 0;
      }
    }
    if (batch.length > 0) yield batch;
  }
  // no newline at the end: the process was killed while it wrote, or writes still
  const batch: StoredEvent[] = [];
  if (rest.length > 0) take(Buffer.concat(rest), batch, stats);
  if (batch.length > 0) yield batch;
}

function take(line: Buffer, into: StoredEvent[], stats: ReadStats): void {
  if (line.length === 0) return;
  const event = line.length <= MAX_LINE_BYTES ? parseStoredEvent(line.toString("utf8")) : null;
  if (!event) {
    stats.damaged++;
    return;
  }
  stats.events++;
  into.push(event);
}

/** Null for what is no line of an event file. Fields of the event itself are as its writer had them. */
export function parseStoredEvent(line: string): StoredEvent | null {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof event !== "object" || event === null) return null;
  const { atMs, seq, node, type } = event as Record<string, unknown>;
  const good = Number.isFinite(atMs) && Number.isSafeInteger(seq) && typeof node === "string" && typeof type === "string";
  return good ? (event as StoredEvent) : null;
}
