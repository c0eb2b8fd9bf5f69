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
/** new transactions read in one look: the reports of a round or two */
const MOST_NEW = 12;
const MOST_NEW_TEST = 100;
const LOOK_EVERY_MS = 15_000;
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

export class ChainHistory {
  readonly #options: ChainHistoryOptions;
  readonly #atOnce: number;
  readonly #restMs: number;
  /** to be read, the next one first */
  #queue: SignatureLine[] = [];
  /** newest first */
  #newest: SignatureLine[] = [];
  readonly #read = new Map<string, ReadTransaction>();
  #newestSignature: string | null = null;
  #oldestSignature: string | null = null;
  #isWhole = false;
  #wantsOlder = false;
  #wantsNew = false;
  #wake: () => void = () => {};

  constructor(options: ChainHistoryOptions) {
    this.#options = options;
    this.#atOnce = options.isTest ? AT_ONCE_TEST : AT_ONCE;
    this.#restMs = options.isTest ? REST_TEST_MS : REST_MS;
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
    this.#wantsOlder = true;
    this.#wake();
  }

  async #go(): Promise<void> {
    const { signal, channel } = this.#options;
    while (!signal.aborted) {
      try {
        if (this.#newestSignature === null) {
          channel.setInfo({ isLoading: true });
          await this.#lookForOlder();
          if (this.#newestSignature === null) {
            // nothing there yet: everything that comes is new
            channel.setInfo({ isLoading: false, text: "The run has no transaction yet." });
            await this.#rest(LOOK_EVERY_MS / 3);
            continue;
          }
        } else if (this.#wantsNew) {
          await wait(GATHER_MS, signal);
          this.#wantsNew = false;
          await this.#lookForNew();
        } else if (this.#wantsOlder) {
          channel.setInfo({ isLoading: true });
          await this.#lookForOlder();
          this.#wantsOlder = false;
        }
        const next = this.#queue.splice(0, this.#atOnce);
        channel.setInfo({ isLoading: this.#queue.length > 0, text: null });
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
      if (!this.#wantsNew && !this.#wantsOlder) {
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

  async #lookForNew(): Promise<void> {
    const lines = await this.#signatures({ until: this.#newestSignature! });
    this.#note(lines);
    const most = this.#options.isTest ? MOST_NEW_TEST : MOST_NEW;
    const chosen = coarseToFine(lines.length)
      .slice(0, most)
      .map((index) => lines[index]!);
    this.#queue.unshift(...chosen);
  }

  async #lookForOlder(): Promise<void> {
    if (this.#isWhole) return;
    const isFirst = this.#oldestSignature === null;
    const lines = await this.#signatures(isFirst ? {} : { before: this.#oldestSignature! });
    if (isFirst && lines.length === 0) return;
    this.#isWhole = lines.length < PAGE;
    this.#oldestSignature = lines.at(-1)?.signature ?? this.#oldestSignature;
    if (isFirst) this.#note(lines);
    const wanted = lines.filter(({ isOk }) => isOk);
    const spread = coarseToFine(wanted.length).slice(0, this.#options.isTest ? PAGE : MOST_OF_PAGE);
    // those that are listed are read whether or not they are of the spread
    const listed = isFirst ? lines.slice(0, LISTED) : [];
    this.#queue.push(...new Set([...listed, ...spread.map((index) => wanted[index]!)]));
    this.#options.channel.setInfo({ isWhole: this.#isWhole });
  }

  async #signatures(range: { before?: string; until?: string }): Promise<SignatureLine[]> {
    const { client, at, signal } = this.#options;
    const config = { ...range, limit: PAGE, commitment: client.commitment };
    return readSignatures(await client.pool.call("getSignaturesForAddress", [at.run, config], signal));
  }

  /** New ones, newest first. */
  #note(lines: readonly SignatureLine[]): void {
    if (lines.length === 0) return;
    this.#newestSignature = lines[0]!.signature;
    this.#newest = [...lines.slice(0, LISTED), ...this.#newest].slice(0, LISTED);
    this.#tellTransactions();
  }

  async #readOne(line: SignatureLine): Promise<void> {
    const { client, programs, at, channel, signal } = this.#options;
    if (this.#read.has(line.signature)) return;
    const config = { encoding: "json", commitment: client.commitment, maxSupportedTransactionVersion: 0 };
    const answer = await client.pool.call("getTransaction", [line.signature, config], signal);
    const read = readTransaction(answer, line, programs, at.run);
    // a node may list a transaction before it can show it: it is read with the next look at the list
    if (read === null) return;
    if (this.#newest.some(({ signature }) => signature === line.signature)) {
      this.#read.set(line.signature, read);
      this.#tellTransactions();
    }
    channel.addReports(read.reports);
  }

  #tellTransactions(): void {
    const listed = new Set(this.#newest.map(({ signature }) => signature));
    for (const signature of this.#read.keys()) if (!listed.has(signature)) this.#read.delete(signature);
    this.#options.channel.setTransactions(
      this.#newest.map(({ signature, atMs, isOk }): RunTransaction => {
        const read = this.#read.get(signature);
        return { signature, atMs, isOk, text: read?.text ?? null, by: read?.by ?? null };
      }),
    );
  }
}
