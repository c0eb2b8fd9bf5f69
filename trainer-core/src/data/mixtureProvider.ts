import { DataError } from "./dataError.ts";
import { checkRange, type DataProvider } from "./dataProvider.ts";
import { forEachConcurrently } from "./forEachConcurrently.ts";
import { mixtureSchedule, type MixtureSchedule } from "./mixtureSchedule.ts";
import { openOnce } from "./openOnce.ts";
import { sequenceOrder, type SequenceOrder, type Shuffle } from "./sequenceOrder.ts";
import { eitherSignal } from "./signals.ts";

export interface MixtureSource {
  provider: DataProvider;
  /** its share, relative to the others'; null (on all) = by length */
  weight: number | null;
}

export interface MixtureOptions {
  maxSeqLen: number;
  /** order of the whole mixture's pass; each source has an order of its own besides */
  shuffle: Shuffle;
}

interface OpenMixture {
  /** sequences of all sources together: one pass */
  count: number;
  order: SequenceOrder;
  schedule: MixtureSchedule;
}

/** One read: `count` sequences that follow each other in a source. */
interface SourceRun {
  source: number;
  first: bigint;
  count: number;
  /** place of each of them in the answer */
  at: number[];
}

const MAX_CONCURRENT_SOURCES = 8;

/**
 * Sequences drawn from several sources by weight. A pass has as many as all sources together; a source that is drawn more often
 * than it is long goes on into its own next pass, and so does the mixture, which never goes back to the beginning of its sources.
 */
export function createMixtureProvider(sources: readonly MixtureSource[], { maxSeqLen, shuffle }: MixtureOptions): DataProvider {
  const closing = new AbortController();
  const open = openOnce(async (signal): Promise<OpenMixture> => {
    const counts: number[] = Array.from({ length: sources.length });
    await forEachConcurrently(sources, MAX_CONCURRENT_SOURCES, async ({ provider }, i) => {
      counts[i] = await provider.sequenceCount(signal);
    });
    const count = counts.reduce((sum, each) => sum + each, 0);
    if (!Number.isSafeInteger(count)) throw new DataError("unsupported", `a mixture of ${count} sequences is more than can be counted`);
    const schedule = mixtureSchedule(sources.map(({ weight }, i) => weight ?? counts[i]));
    return { count, order: sequenceOrder(count, shuffle), schedule };
  });

  const provider: DataProvider = {
    sequenceTokens: maxSeqLen,

    async sequenceCount(signal) {
      return (await open(eitherSignal(signal, closing.signal))).count;
    },

    async getSequences(start, end, signal) {
      checkRange(start, end);
      const either = eitherSignal(signal, closing.signal);
      const runs = runsOf(await open(either), start, end);
      const sequences: Int32Array[] = Array.from({ length: Number(end - start) + 1 });
      await forEachConcurrently(runs, MAX_CONCURRENT_SOURCES, async ({ source, first, count, at }) => {
        const read = await sources[source].provider.getSequences(first, first + BigInt(count - 1), either);
        for (let i = 0; i < count; i++) sequences[at[i]] = read[i];
      });
      return sequences;
    },

    async check(signal) {
      const either = eitherSignal(signal, closing.signal);
      await open(either);
      await forEachConcurrently(sources, MAX_CONCURRENT_SOURCES, (source) => source.provider.check(either));
    },

    async close() {
      closing.abort();
      await Promise.all(sources.map((source) => source.provider.close()));
    },
  };
  return provider;
}

/** A source's sequences in a request follow each other, unless the mixture is shuffled: few reads, whatever the request's size. */
function runsOf({ count, order, schedule }: OpenMixture, start: bigint, end: bigint): SourceRun[] {
  const draws: { source: number; sequence: bigint; at: number }[] = [];
  for (let index = start; index <= end; index++) {
    const pass = index / BigInt(count);
    const place = pass * BigInt(count) + BigInt(order.position(index));
    draws.push({ ...schedule.draw(place), at: Number(index - start) });
  }
  draws.sort((a, b) => a.source - b.source || (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0));
  const runs: SourceRun[] = [];
  for (const { source, sequence, at } of draws) {
    const last = runs.at(-1);
    if (last !== undefined && last.source === source && last.first + BigInt(last.count) === sequence) {
      last.count++;
      last.at.push(at);
    } else {
      runs.push({ source, first: sequence, count: 1, at: [at] });
    }
  }
  return runs;
}
