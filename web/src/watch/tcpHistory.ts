/** The finished rounds that a TCP coordinator remembers: the newest page first, then each new round, older pages when asked for. */
import type { PeerKey, PeerNetwork } from "@starling/network";
import { CoordinatorError } from "@starling/sdk/errors";
import { type HistoryEntry, readHistory } from "@starling/sdk/roundHistory";
import { readShown, type Shown } from "@starling/sdk/shown";
import type { RunChannel } from "./channels.ts";
import type { HistoryPoint } from "./protocol.ts";

const PAGE = 2_000;
/** A coordinator without a round yet is asked again with the next one; this is for one that did not answer. */
const RETRY_MS = 5_000;
/** Newest rounds to which what witnesses show may belong. */
const SHOWN_ROUNDS = 64;

interface From {
  network: PeerNetwork;
  coordinator: PeerKey;
  /** of the round under way */
  step: () => number;
  /** the coordinator's clock minus ours */
  nowOffsetMs: () => number;
}

export class TcpHistory {
  readonly #channel: RunChannel;
  readonly #closing = new AbortController();
  #from: From | null = null;
  #newest: HistoryEntry | null = null;
  #recent: HistoryEntry[] = [];
  /** as it was told last */
  #shown: Shown | null = null;
  #oldestStep: number | null = null;
  #reading = false;
  #again = false;
  #wantsOlder = false;
  #retry: ReturnType<typeof setTimeout> | null = null;

  constructor(channel: RunChannel) {
    this.#channel = channel;
    channel.setInfo({
      checked: "Steps, epochs and witnesses are the coordinator's record of the rounds that it ended; steps and times rise together.",
      believed: "Loss and tokens per second are the witnesses' own words (the median, and the sum), as the coordinator passes them on.",
    });
  }

  connected(from: From): void {
    this.#from = from;
    this.look();
  }

  /** A round ended. */
  look(): void {
    if (this.#reading) this.#again = true;
    else void this.#go();
  }

  older(): void {
    this.#wantsOlder = true;
    this.look();
  }

  stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#closing.abort();
  }

  async #go(): Promise<void> {
    const from = this.#from;
    const { signal } = this.#closing;
    if (from === null || signal.aborted) return;
    this.#reading = true;
    this.#channel.setInfo({ isLoading: true });
    try {
      do {
        this.#again = false;
        await this.#readNew(from);
        await this.#readShown(from);
        if (this.#wantsOlder) await this.#readOlder(from);
        this.#wantsOlder = false;
      } while (this.#again);
      this.#channel.setInfo({ isLoading: false, isWhole: this.#oldestStep === null || this.#oldestStep <= 1, text: null });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CoordinatorError)) throw error;
      this.#channel.setInfo({ isLoading: false, text: `The history cannot be read now: ${error.message}. It is tried again.` });
      this.#retry ??= setTimeout(() => {
        this.#retry = null;
        this.look();
      }, RETRY_MS);
    } finally {
      this.#reading = false;
    }
  }

  async #readNew(from: From): Promise<void> {
    const { signal } = this.#closing;
    const { network, coordinator } = from;
    let fromStep = this.#newest === null ? Math.max(0, from.step() - PAGE) : this.#newest.step + 1;
    this.#oldestStep ??= fromStep;
    for (;;) {
      const entries = await readHistory(network, coordinator, fromStep, PAGE, { signal });
      this.#add(entries, from.nowOffsetMs());
      this.#recent = [...this.#recent, ...entries].slice(-SHOWN_ROUNDS);
      this.#newest = entries.at(-1) ?? this.#newest;
      if (entries.length < PAGE) return;
      fromStep = entries.at(-1)!.step + 1;
    }
  }

  /** What the model writes, and its scores. A coordinator that does not know of it is no reason to show less of the rest. */
  async #readShown({ network, coordinator, nowOffsetMs }: From): Promise<void> {
    const shown = await readShown(network, coordinator, { signal: this.#closing.signal }).catch(() => null);
    const entry = this.#recent.find(({ step }) => step === shown?.step);
    if (shown === null || entry === undefined || JSON.stringify(shown) === JSON.stringify(this.#shown)) return;
    this.#shown = shown;
    const { sampleText, evals } = shown;
    this.#channel.addPoints([{ ...pointOf(entry, nowOffsetMs()), sampleText, ...(evals.length > 0 && { evals }) }]);
  }

  async #readOlder(from: From): Promise<void> {
    const { network, coordinator } = from;
    if (this.#oldestStep === null || this.#oldestStep <= 1) return;
    const fromStep = Math.max(0, this.#oldestStep - PAGE);
    const entries = await readHistory(network, coordinator, fromStep, this.#oldestStep - fromStep, { signal: this.#closing.signal });
    this.#add(entries, from.nowOffsetMs());
    // what it has forgotten it does not know later either
    this.#oldestStep = entries.length === 0 ? 0 : fromStep;
  }

  #add(entries: readonly HistoryEntry[], offsetMs: number): void {
    this.#channel.addPoints(entries.map((entry) => pointOf(entry, offsetMs)));
  }
}

function pointOf({ step, epoch, atMs, loss, tokensPerSecond, witnesses }: HistoryEntry, offsetMs: number): HistoryPoint {
  return {
    ...{ step, epoch, atMs: atMs - offsetMs, loss, witnesses },
    // 0: nobody trained, or nobody said how fast
    tokensPerSecond: tokensPerSecond > 0 ? tokensPerSecond : null,
    ...{ learningRate: null, signature: null, sampleText: null },
  };
}
