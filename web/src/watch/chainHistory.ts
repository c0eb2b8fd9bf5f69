/**
 * A run's past out of its transactions: signatures by pages, each transaction by itself, at a pace that a public node bears.
 * New ones come first; of a page of the past those that are spread evenly over it, then what lies between, up to a bound.
 */
import { ChainError } from "@starling/sdk/solana/chainError";
import type { ClusterClient } from "@starling/sdk/solana/clusterClient";
import type { Programs, RunAddresses } from "@starling/sdk/solana/pdas";
import { wait } from "@starling/sdk/solana/wait";
import type { RunChannel } from "./channels.ts";
import type { RunTransaction } from "./protocol.ts";
import { coarseToFine } from "./sequence.ts";
import { readSignatures, readTransaction, type ReadTransaction, type SignatureLine } from "./transactions.ts";

const PAGE = 1_000;
/** transactions read at once, and the rest after them: together what public nodes bear beside everything else a page asks */
const AT_ONCE = 2;
const AT_ONCE_TEST = 6;
const REST_MS = 700;
const REST_TEST_MS = 50;
/** transactions read of one page of the past */
const MOST_OF_PAGE = 240;
/** new transactions read of one look: the reports of a round or two; more where nobody has looked for longer */
const MOST_NEW = 12;
const MOST_NEW_TEST = 100;
const LOOK_EVERY_MS = 15_000;
/** pages of signatures of one look; what lies behind them stays a gap until it is asked for */
const MOST_PAGES_NEW = 3;
/** a round's reports come within moments of each other */
const GATHER_MS = 600;
const LISTED = 24;

export interface ChainHistoryOptions {
  client: ClusterClient;
  programs: Programs;
  at: RunAddresses;
  channel: RunChannel;
  isTest: boolean;
  signal: AbortSignal;
}

/** Signatures that were not listed: older than `before`, newer than `until`; null: down to the run's first. */
interface Gap {
  before: string;
  until: string | null;
}

/** What is known of a run's transactions. */
interface Past {
  /** to be read, the next one first */
  queue: SignatureLine[];
  /** newest first */
  newest: SignatureLine[];
  read: Map<string, ReadTransaction>;
  /** signatures of which a node said an error once */
  failed: Set<string>;
  newestSignature: string | null;
  /** newest first; none: the list is whole */
  gaps: Gap[];
  lookedMs: number;
  wantsOlder: boolean;
}

/** It lives as long as its channel: connections are made anew after each sleep, and what was read before is not read again. */
const pasts = new WeakMap<RunChannel, Past>();

function pastOf(channel: RunChannel): Past {
  const known = pasts.get(channel);
  if (known !== undefined) return known;
  const past: Past = {
    ...{ queue: [], newest: [], read: new Map(), failed: new Set() },
    ...{ newestSignature: null, gaps: [], lookedMs: 0, wantsOlder: false },
  };
  pasts.set(channel, past);
  return past;
}

export class ChainHistory {
  readonly #options: ChainHistoryOptions;
  readonly #atOnce: number;
  readonly #restMs: number;
  readonly #past: Past;
  #wantsNew: boolean;
  #wake: () => void = () => {};

  constructor(options: ChainHistoryOptions) {
    this.#options = options;
    this.#atOnce = options.isTest ? AT_ONCE_TEST : AT_ONCE;
    this.#restMs = options.isTest ? REST_TEST_MS : REST_MS;
    this.#past = pastOf(options.channel);
    // something is known from before a sleep: only what is newer is looked for
    this.#wantsNew = this.#past.newestSignature !== null;
    options.channel.setInfo({
      checked:
        "The programs took each report: its sender held a place in that round and was elected its witness. Steps and times rise together.",
      believed:
        "Loss and tokens per second are the witnesses' own words (the median, and the sum over trainers); nobody can recompute them from here.",
    });
    void this.#go();
  }

  /** Something happened: there are new transactions soon. */
  look(): void {
    this.#wantsNew = true;
    this.#wake();
  }

  older(): void {
    this.#past.wantsOlder = true;
    this.#wake();
  }

  async #go(): Promise<void> {
    const { signal, channel } = this.#options;
    const past = this.#past;
    while (!signal.aborted) {
      try {
        if (past.newestSignature === null) {
          channel.setInfo({ isLoading: true });
          await this.#lookForFirst();
          if (past.newestSignature === null) {
            // nothing there yet: everything that comes is new
            channel.setInfo({ isLoading: false, text: "The run has no transaction yet." });
            await this.#rest(LOOK_EVERY_MS / 3);
            continue;
          }
        } else if (this.#wantsNew) {
          await wait(GATHER_MS, signal);
          this.#wantsNew = false;
          await this.#lookForNew();
        } else if (past.wantsOlder) {
          channel.setInfo({ isLoading: true });
          await this.#lookForOlder();
          past.wantsOlder = false;
        }
        const next = past.queue.splice(0, this.#atOnce);
        channel.setInfo({ isLoading: past.queue.length > 0, text: null });
        if (next.length > 0) {
          await Promise.all(next.map((line) => this.#readOne(line)));
          await wait(this.#restMs, signal);
          continue;
        }
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        if (signal.aborted) return;
        channel.setInfo({ isLoading: false, text: `The history cannot be read now: ${error.message}. It is tried again.` });
        await this.#rest(LOOK_EVERY_MS);
        continue;
      }
      if (!this.#wantsNew && !past.wantsOlder) {
        await this.#rest(LOOK_EVERY_MS);
        this.#wantsNew = true;
      }
    }
  }

  async #rest(ms: number): Promise<void> {
    const awake = new AbortController();
    this.#wake = () => awake.abort();
    await wait(ms, AbortSignal.any([this.#options.signal, awake.signal])).catch(() => {});
    this.#wake = () => {};
  }

  /** The newest page, and how far the past goes. */
  async #lookForFirst(): Promise<void> {
    const lines = await this.#signatures({});
    this.#past.lookedMs = Date.now();
    if (lines.length === 0) return;
    if (lines.length === PAGE) this.#past.gaps = [{ before: lines.at(-1)!.signature, until: null }];
    this.#note(lines);
    this.#readSpread(lines, lines.slice(0, LISTED));
    this.#tellWhole();
  }

  async #lookForNew(): Promise<void> {
    const past = this.#past;
    const until = past.newestSignature!;
    const lines: SignatureLine[] = [];
    let isDone = false;
    for (let page = 0; page < MOST_PAGES_NEW && !isDone; page += 1) {
      const before = lines.at(-1)?.signature;
      const more = await this.#signatures(before === undefined ? { until } : { before, until });
      lines.push(...more);
      isDone = more.length < PAGE;
    }
    const nowMs = Date.now();
    const looks = Math.max(1, Math.floor((nowMs - past.lookedMs) / LOOK_EVERY_MS));
    past.lookedMs = nowMs;
    if (!isDone) past.gaps.unshift({ before: lines.at(-1)!.signature, until });
    this.#note(lines);
    const [atOnce, mostEver] = this.#options.isTest ? [MOST_NEW_TEST, PAGE] : [MOST_NEW, MOST_OF_PAGE];
    const chosen = coarseToFine(lines.length)
      .slice(0, Math.min(mostEver, atOnce * looks))
      .map((index) => lines[index]!);
    // after a sleep: no more of it before what was waiting than of any other look
    past.queue.unshift(...chosen.slice(0, atOnce));
    past.queue.push(...chosen.slice(atOnce));
    this.#tellWhole();
  }

  /** One page of the newest gap. */
  async #lookForOlder(): Promise<void> {
    const { gaps } = this.#past;
    const gap = gaps[0];
    if (gap === undefined) return;
    const lines = await this.#signatures(gap.until === null ? { before: gap.before } : { before: gap.before, until: gap.until });
    if (lines.length < PAGE) gaps.shift();
    else gaps[0] = { ...gap, before: lines.at(-1)!.signature };
    this.#readSpread(lines, []);
    this.#tellWhole();
  }

  /** Evenly over them; `listed` are read whether or not they are of the spread. */
  #readSpread(lines: readonly SignatureLine[], listed: readonly SignatureLine[]): void {
    const wanted = lines.filter(({ isOk }) => isOk);
    const spread = coarseToFine(wanted.length).slice(0, this.#options.isTest ? PAGE : MOST_OF_PAGE);
    this.#past.queue.push(...new Set([...listed, ...spread.map((index) => wanted[index]!)]));
  }

  #tellWhole(): void {
    this.#options.channel.setInfo({ isWhole: this.#past.gaps.length === 0 });
  }

  async #signatures(range: { before?: string; until?: string }): Promise<SignatureLine[]> {
    const { client, at, signal } = this.#options;
    const config = { ...range, limit: PAGE, commitment: client.commitment };
    return readSignatures(await client.pool.call("getSignaturesForAddress", [at.run, config], signal));
  }

  /** New ones, newest first. */
  #note(lines: readonly SignatureLine[]): void {
    if (lines.length === 0) return;
    this.#past.newestSignature = lines[0]!.signature;
    this.#past.newest = [...lines.slice(0, LISTED), ...this.#past.newest].slice(0, LISTED);
    this.#tellTransactions();
  }

  async #readOne(line: SignatureLine): Promise<void> {
    const { client, programs, at, channel, signal } = this.#options;
    const { read: known, failed, queue } = this.#past;
    if (known.has(line.signature)) return;
    const config = { encoding: "json", commitment: client.commitment, maxSupportedTransactionVersion: 0 };
    const answer = await client.pool.call("getTransaction", [line.signature, config], signal).catch((error: unknown) => {
      // it is read again: after a sleep, or once more where a node said an error
      if (signal.aborted || !failed.has(line.signature)) queue.unshift(line);
      if (!signal.aborted) failed.add(line.signature);
      throw error;
    });
    const read = readTransaction(answer, line, programs, at.run);
    // a node may list a transaction before it can show it: it is read with the next look at the list
    if (read === null) return;
    if (this.#past.newest.some(({ signature }) => signature === line.signature)) {
      known.set(line.signature, read);
      this.#tellTransactions();
    }
    channel.addReports(read.reports);
  }

  #tellTransactions(): void {
    const { newest, read } = this.#past;
    const listed = new Set(newest.map(({ signature }) => signature));
    for (const signature of read.keys()) if (!listed.has(signature)) read.delete(signature);
    this.#options.channel.setTransactions(
      newest.map(({ signature, atMs, isOk }): RunTransaction => {
        const one = read.get(signature);
        return { signature, atMs, isOk, text: one?.text ?? null, by: one?.by ?? null };
      }),
    );
  }
}
