/** Runs one target over many inputs. */
import { readdirSync, readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { inputOf } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

const CORPUS = new URL("corpus/", import.meta.url);
const MAX_MS = 1_000;
const MAX_TAKEN_BYTES = 64 * 1024 * 1024;
/** Memory is looked at after this many inputs, and a group that took too much one by one. */
const GROUP = 32;

export interface Finding {
  target: string;
  /** number of the input, or the name of its file in the corpus */
  input: number | string;
  problem: string;
  bytes: Uint8Array;
}

export interface FuzzResult {
  inputs: number;
  decoded: number;
  findings: Finding[];
}

export function corpusOf(name: string): Map<string, Uint8Array> {
  const folder = new URL(`${name}/`, CORPUS);
  return new Map(readdirSync(folder).sort().map((file) => [file, new Uint8Array(readFileSync(new URL(file, folder)))])); // prettier-ignore
}

/** `progress` hears the number of the input that comes next: a hang is found by whoever watches it. */
export async function fuzz(
  target: FuzzTarget,
  {
    inputs,
    seed,
    first = 0,
    maxFindings = 5,
    maxMs = MAX_MS,
    progress = () => {},
  }: { inputs: number; seed: number; first?: number; maxFindings?: number; maxMs?: number; progress?: (index: number) => void },
): Promise<FuzzResult> {
  const files = corpusOf(target.name);
  const corpus = [...files.values()];
  const result: FuzzResult = { inputs: 0, decoded: 0, findings: [] };
  for (const [file, bytes] of files) {
    const problem = await tryOne(target, bytes, result, maxMs);
    if (problem !== null) result.findings.push({ target: target.name, input: file, problem, bytes });
  }
  for (let start = first; start < first + inputs && result.findings.length < maxFindings; start += GROUP) {
    progress(start);
    const end = Math.min(start + GROUP, first + inputs);
    const before = taken();
    for (let index = start; index < end && result.findings.length < maxFindings; index++) {
      const bytes = inputOf(seed, target.name, index, corpus);
      const problem = await tryOne(target, bytes, result, maxMs);
      if (problem !== null) result.findings.push({ target: target.name, input: index, problem, bytes });
    }
    if (taken() - before > MAX_TAKEN_BYTES) await findGlutton(target, seed, start, end, corpus, result);
  }
  return result;
}

/** Bytes in use, in the heap and beside it; garbage counts until it is collected. */
function taken(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** The first of a kind loads code and grows heaps: slow twice is slow. */
async function tryOne(target: FuzzTarget, bytes: Uint8Array, result: FuzzResult, maxMs: number): Promise<string | null> {
  const problem = await tryOnce(target, bytes, result, maxMs);
  return problem === null || !problem.startsWith("took ")
    ? problem
    : tryOnce(target, bytes, { inputs: 0, decoded: 0, findings: [] }, maxMs);
}

async function tryOnce(target: FuzzTarget, bytes: Uint8Array, result: FuzzResult, maxMs: number): Promise<string | null> {
  const start = process.threadCpuUsage();
  result.inputs++;
  try {
    // The decoder gets a copy at an odd offset: views over a shared buffer must be respected.
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    const decoded = target.decode(padded.subarray(3));
    if (typeof decoded === "boolean" ? decoded : await decoded) result.decoded++;
  } catch (error) {
    if (!target.isRefusal(error))
      return `threw ${error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ""}` : String(error)}`.slice(0, 2000);
    if (!(error as Error).message) return "refused without a message";
  }
  const { user, system } = process.threadCpuUsage(start);
  const tookMs = (user + system) / 1000;
  return tookMs > maxMs ? `took ${tookMs.toFixed(0)} ms` : null;
}

/** Which input of a group it was that took the memory; a group of many small ones is no finding. */
async function findGlutton(
  target: FuzzTarget,
  seed: number,
  start: number,
  end: number,
  corpus: readonly Uint8Array[],
  result: FuzzResult,
): Promise<void> {
  for (let index = start; index < end; index++) {
    const bytes = inputOf(seed, target.name, index, corpus);
    const before = taken();
    await tryOne(target, bytes, { inputs: 0, decoded: 0, findings: [] }, Infinity);
    const more = taken() - before;
    if (more > MAX_TAKEN_BYTES)
      result.findings.push({ target: target.name, input: index, problem: `took ${(more / 2 ** 20).toFixed(0)} MiB`, bytes });
  }
}
