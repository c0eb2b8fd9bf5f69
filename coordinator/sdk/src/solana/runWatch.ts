/**
 * A run as it is on chain, always the newest: its hot account is watched, its tables are read again only when the hot account
 * says that they changed, all of them at one slot. Every view is told once, with a rising nonce.
 */
import type { Address } from "@solana/kit";
import { equalBytes } from "../bytes.ts";
import { LIMITS } from "../generated/machineLayout.ts";
import { Machine, MachineError } from "../machine.ts";
import { setBits } from "../stateCodec.ts";
import type { CoordinatorState, PeerAddress } from "../types.ts";
import { decodeRunHeader, type RunHeader } from "./accounts.ts";
import { AddressBook } from "./addressBook.ts";
import { ChainError } from "./chainError.ts";
import type { ClusterClient } from "./clusterClient.ts";
import { CLOCK_SYSVAR, type ClusterClock } from "./clusterClock.ts";
import type { RunAddresses } from "./pdas.ts";
import { packPieces, roundPart, type RunFacts, runFacts, slotsInUse, tableBytes, tablePart } from "./stateAccounts.ts";
import { backOffMs, wait } from "./wait.ts";
import type { AccountUpdate } from "./wsConnection.ts";

export interface RunView {
  header: RunHeader;
  facts: RunFacts;
  state: CoordinatorState;
  /** packed, as `Machine.load` takes it */
  bytes: Uint8Array;
  /** the machine's parts of the two tables */
  tables: readonly [Uint8Array, Uint8Array];
  members: PeerAddress[];
}

export interface RunWatchOptions {
  cluster: ClusterClient;
  at: RunAddresses;
  clock: ClusterClock;
  signal: AbortSignal;
  onView: (view: RunView) => void;
  /** null: all is well again */
  onError: (error: ChainError | null) => void;
}

interface Seen {
  header: RunHeader;
  slot: bigint;
}

interface Tables {
  facts: RunFacts;
  parts: readonly [Uint8Array, Uint8Array];
  round: { index: number; part: Uint8Array };
}

const FIRST_SLOTS = 8;
const FIRST_REST_MS = 250;
const LONGEST_REST_MS = 5_000;
/** a quarter of a minute */
const MOST_FAILURES = 6;

export class RunWatch {
  readonly #options: RunWatchOptions;
  readonly #book: AddressBook;
  readonly #unwatch: () => void;
  /** newer than the view, or null */
  #pending: Seen | null = null;
  #tables: Tables | null = null;
  #view: RunView | null = null;
  #advancing: Promise<void> | null = null;
  #slots = FIRST_SLOTS;
  #failed = false;

  constructor(options: RunWatchOptions) {
    this.#options = options;
    this.#book = new AddressBook(options.cluster, options.at, options.signal);
    this.#unwatch = options.cluster.watch(options.at.run, (update) => this.#hear(update));
    options.signal.addEventListener("abort", this.#unwatch, { once: true });
  }

  view(): RunView | null {
    return this.#view;
  }

  /** Resolves when nothing is read any more; the signal must have fired. */
  async ended(): Promise<void> {
    await this.#advancing;
  }

  #hear({ slot, account }: AccountUpdate): void {
    if (account === null) {
      if (this.#view !== null) this.#tell(new ChainError("not-found", "the run was closed"));
      return;
    }
    let header: RunHeader;
    try {
      header = decodeRunHeader(this.#options.at.programs, account);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      this.#tell(error);
      return;
    }
    const newest = this.#pending?.header ?? this.#view?.header;
    if (newest !== undefined && newest.createdMs === header.createdMs && newest.nonce >= header.nonce) {
      // it is there, and as it is shown: whoever said otherwise was wrong
      if (this.#pending === null && newest.nonce === header.nonce) this.#tell(null);
      return;
    }
    // closed, and made again under its name: nothing of what was known is of use
    if (newest !== undefined && newest.createdMs > header.createdMs) return;
    if (newest?.createdMs !== header.createdMs) this.#tables = null;
    this.#pending = { header, slot };
    this.#go();
  }

  #go(): void {
    this.#advancing ??= this.#advance().finally(() => {
      this.#advancing = null;
      // told between the last look and now
      if (this.#pending !== null && !this.#options.signal.aborted) this.#go();
    });
  }

  async #advance(): Promise<void> {
    const { signal } = this.#options;
    for (let failures = 0; this.#pending !== null && !signal.aborted;) {
      const seen = this.#pending;
      try {
        const view = await this.#assemble(seen);
        failures = 0;
        if (this.#pending === seen) this.#pending = null;
        this.#tell(null);
        if (view !== null && !signal.aborted) this.#show(view);
      } catch (error) {
        if (!(error instanceof ChainError) && !(error instanceof MachineError)) throw error;
        if (signal.aborted) return;
        const cause = error instanceof ChainError ? error : new ChainError("wrong-account", error.message, { cause: error });
        failures += 1;
        // a node that lags behind the one that told us needs a moment
        if (failures > 2) this.#tell(cause);
        this.#tables = null;
        // nobody can show what one node told: what the next one tells, the poll at the latest, is heard again
        if (failures > MOST_FAILURES && this.#pending === seen) this.#pending = null;
        else await wait(backOffMs(failures, FIRST_REST_MS, LONGEST_REST_MS), signal).catch(() => {});
      }
    }
  }

  #show(view: RunView): void {
    const known = this.#view?.header;
    if (known !== undefined && known.createdMs === view.header.createdMs && known.nonce >= view.header.nonce) return;
    this.#view = view;
    this.#options.onView(view);
  }

  /** null: there is no machine yet. */
  async #assemble(seen: Seen): Promise<RunView | null> {
    if (!seen.header.isConfigured) return null;
    const facts = runFacts(seen.header.machine);
    if (this.#tables !== null && !mustRead(this.#tables.facts, facts) && !this.#isTouchedOnly(seen.header)) {
      try {
        return await this.#viewOf(seen.header, facts, this.#tables, seen.slot);
      } catch (error) {
        // the tables changed, and the hot account does not show it: read them
        if (!(error instanceof MachineError)) throw error;
      }
    }
    const read = await this.#read(seen, facts);
    return this.#viewOf(read.header, read.tables.facts, read.tables, read.slot);
  }

  /** A change that left the machine's Run as it was: it is in a table. */
  #isTouchedOnly(header: RunHeader): boolean {
    const known = this.#view?.header;
    return known !== undefined && equalBytes(known.machine, header.machine);
  }

  async #viewOf(header: RunHeader, facts: RunFacts, tables: Tables, slot: bigint): Promise<RunView> {
    const rounds = Array.from({ length: LIMITS.STORED_ROUNDS }, (_, index) => (index === tables.round.index ? tables.round.part : null));
    const bytes = packPieces(header.machine, tables.parts, rounds);
    const state = Machine.load(bytes).state();
    const members = await this.#book.members(state, slot);
    return { header, facts, state, bytes, tables: tables.parts, members };
  }

  /** Run, tables, the present round's reports and the clock, of one slot. */
  async #read(seen: Seen, facts: RunFacts): Promise<Seen & { tables: Tables }> {
    const { cluster, at, clock, signal } = this.#options;
    const highestLive = setBits(facts.live).at(-1) ?? -1;
    this.#slots = Math.min(Math.max(this.#slots, facts.pendingLen, highestLive + 1), LIMITS.MAX_CLIENTS);
    for (;;) {
      const index = facts.height % LIMITS.STORED_ROUNDS;
      const addresses = [at.run, ...at.tables, at.rounds[index], CLOCK_SYSVAR as Address];
      // wide enough for the hot account, which is never more than 10,240 bytes
      const slice = { offset: 0, length: Math.max(tableBytes(this.#slots), 10_240) };
      const { slot, accounts } = await cluster.accounts(addresses, { slice, minSlot: seen.slot, signal });
      const [run, table0, table1, round, sysvar] = accounts;
      if (run === null) throw new ChainError("not-found", "the run was closed");
      if (sysvar !== null) clock.observe(sysvar.data);
      const header = decodeRunHeader(at.programs, run);
      if (header.nonce < seen.header.nonce) throw new ChainError("rpc", "the node answers with an older run than another one has told");
      const parts = [tablePart(at.programs, table0), tablePart(at.programs, table1)] as const;
      const longest = Math.max(slotsInUse(parts[0]), slotsInUse(parts[1]));
      const isWhole = tableBytes(longest) <= slice.length;
      this.#slots = Math.max(this.#slots, longest);
      if (!isWhole) continue;
      const read: Tables = { facts: runFacts(header.machine), parts, round: { index, part: roundPart(at.programs, round) } };
      this.#tables = read;
      return { header, slot, tables: read };
    }
  }

  #tell(error: ChainError | null): void {
    if (error === null && !this.#failed) return;
    this.#failed = error !== null;
    this.#options.onError(error);
  }
}

/** RUN_STATES.indexOf: RoundTrain <-> RoundWitness leave the tables as they are. */
const ROUND_STATES: ReadonlySet<number> = new Set([3, 4]);

/** Whether the tables of `before` may not be those of `now`. */
function mustRead(before: RunFacts, now: RunFacts): boolean {
  const sameState = before.runState === now.runState || (ROUND_STATES.has(before.runState) && ROUND_STATES.has(now.runState));
  const same =
    sameState &&
    before.epoch === now.epoch &&
    before.height === now.height &&
    before.table === now.table &&
    before.pendingLen === now.pendingLen &&
    before.carriedLen === now.carriedLen &&
    before.unsettled[0] === now.unsettled[0] &&
    before.unsettled[1] === now.unsettled[1] &&
    equalBytes(before.live, now.live);
  return !same || now.isLastDrain;
}
