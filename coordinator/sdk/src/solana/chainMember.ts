/**
 * What a member of a run on chain does besides training: it keeps its place, ticks, settles, and keeps its session key in
 * lamports. Of n members about two try each tick and each settlement, so that nothing waits for one and few pay in vain.
 */
import { type Address, getAddressDecoder, getAddressEncoder, type Instruction, type TransactionSigner } from "@solana/kit";
import { equalBytes, sha256 } from "../bytes.ts";
import { CoordinatorError } from "../errors.ts";
import { Machine } from "../machine.ts";
import type { ChainRenewal } from "../tcpOptions.ts";
import type { Member, Membership } from "../types.ts";
import { readSession } from "./accounts.ts";
import { ChainError } from "./chainError.ts";
import type { ClusterClient } from "./clusterClient.ts";
import type { ClusterClock } from "./clusterClock.ts";
import { asCoordinatorError } from "./coordinatorError.ts";
import { FuelGauge } from "./fuelGauge.ts";
import * as calls from "./instructions.ts";
import { CHAIN_LIMITS } from "./limits.ts";
import type { RunAddresses } from "./pdas.ts";
import type { RunView } from "./runWatch.ts";
import { unsettledSlots } from "./stateAccounts.ts";
import type { TransactionSender } from "./transactions.ts";
import { backOffMs, wait } from "./wait.ts";

export interface ChainMemberOptions {
  cluster: ClusterClient;
  sender: TransactionSender;
  at: RunAddresses;
  clock: ClusterClock;
  session: TransactionSigner;
  chain: ChainRenewal | null;
  signal: AbortSignal;
  view: () => RunView | null;
  /** the grant that lets that owner in */
  authorization: (owner: Address) => Promise<Address>;
  /** why it is not where it should be; null: all is well */
  onError: (error: CoordinatorError | null) => void;
  random?: () => number;
  /** how long a tick or a settlement may take before the next one is sent beside it */
  patienceMs?: number;
  /** how often it looks whether its owner has renewed the session */
  sessionLookMs?: number;
}

interface Duty {
  name: string;
  sinceMs: number;
  done: Promise<void>;
}

interface Joined {
  membership: Membership;
  multiaddrs: string[];
}

/** Programs see whole seconds: looking more often finds nothing new. */
const DUTY_MS = 1_000;
const LET_OTHERS_MS = 800;
const SETTLE_AT_ONCE = 16;
const JOIN_TRIES = 4;
const FIRST_JOIN_REST_MS = 2_000;
const LONGEST_JOIN_REST_MS = 30_000;
const SESSION_LOOK_MS = 600_000;
/** A transaction is seen within a few slots, or is lost for the minute that its blockhash lives. */
const PATIENCE_MS = 10_000;
const MOST_AT_ONCE = 4;

export class ChainMember {
  readonly #options: ChainMemberOptions;
  readonly #key: Uint8Array;
  readonly #random: () => number;
  readonly #fuel: FuelGauge;
  readonly #working: Promise<void>;
  #joined: Joined | null = null;
  #ejected: CoordinatorError | null = null;
  #joining: Promise<void> | null = null;
  #renewing = false;
  #joinFailures = 0;
  #nextJoinMs = 0;
  #nextSessionLookMs = 0;
  /** something was told that has not been taken back */
  #isComplaining = false;
  #wake: () => void = () => {};
  /** under way, oldest first */
  readonly #duties: Duty[] = [];

  constructor(options: ChainMemberOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#key = new Uint8Array(getAddressEncoder().encode(options.session.address));
    this.#fuel = new FuelGauge(options);
    this.#working = this.#work();
  }

  async ended(): Promise<void> {
    await this.#working;
    await this.#joining?.catch(() => {});
  }

  async join(membership: Membership, multiaddrs: string[], signal: AbortSignal): Promise<void> {
    if (!equalBytes(membership.session, this.#key)) {
      throw new CoordinatorError("bad-grant", "the membership names another session key than the one that signs the calls");
    }
    const joined = { membership: { ...membership }, multiaddrs: [...multiaddrs] };
    await this.#sendJoin(joined, signal);
    this.#joined = joined;
  }

  async leave(signal: AbortSignal): Promise<void> {
    const view = this.#options.view();
    if (this.#joined === null && (view === null || !this.#hasPlace(view))) {
      throw new CoordinatorError("not-member", "leave: this session has no part in the run");
    }
    // first, so that nothing joins again meanwhile
    const joined = this.#joined;
    this.#joined = null;
    while (this.#joining !== null) await this.#joining.catch(() => {});
    try {
      await this.send([calls.leaveRun(this.#options.at, this.#options.session)], signal);
    } catch (cause) {
      const error = asCoordinatorError(cause, "leave");
      // withdrawn by a pause, and not yet joined again: it has left already
      if (joined !== null && error.code === "not-member") return;
      this.#joined ??= joined;
      throw error;
    }
  }

  /** Once sent, a link is public whether or not it arrived: never join again with a head above it. */
  reveals(link: Uint8Array): void {
    const membership = this.#joined?.membership;
    if (membership !== undefined && equalBytes(sha256(link), membership.chainHead)) membership.chainHead = link;
  }

  async send(instructions: Instruction[], signal: AbortSignal): Promise<void> {
    this.#fuel.spent();
    await this.#options.sender.send(instructions, this.#options.session, { signal });
  }

  /** A newer view of the run. */
  see(view: RunView): void {
    if (this.#options.chain?.identity.isChainShort === true && this.#joined !== null && !this.#renewing)
      void this.#renewChain(this.#options.chain);
    if (this.#joined !== null && this.#hasPlace(view)) {
      this.#joinFailures = 0;
      this.#nextJoinMs = 0;
      if (!this.#renewing) this.#calm();
    }
    this.#wake();
  }

  async #work(): Promise<void> {
    const { signal, view } = this.#options;
    while (!signal.aborted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await wait(DUTY_MS * (0.75 + this.#random() / 2), AbortSignal.any([signal, woken.signal])).catch(() => {});
      // news is looked at after a moment: who sent the message that made it often ticks with it
      if (woken.signal.aborted) await wait(200 + 300 * this.#random(), signal).catch(() => {});
      const now = view();
      if (now === null || this.#joined === null || signal.aborted) continue;
      // each by itself: what fails is tried again in a second, and none waits for another, whose transaction may be lost
      this.#do("fuel", () => this.#fuel.look());
      this.#do("stay", () => this.#stay(now));
      this.#do("outlast", () => this.#outlast(now));
      // anybody may, again and again: where nobody hears of the first, another one is sent
      this.#do("settle", () => this.#settleEnded(now), this.#options.patienceMs ?? PATIENCE_MS);
      this.#do("tick", () => this.#tick(), this.#options.patienceMs ?? PATIENCE_MS);
    }
    await Promise.all(this.#duties.map(({ done }) => done));
  }

  /** Once at a time; after `patienceMs` beside those that are not done, of which there are few. */
  #do(name: string, run: () => Promise<void>, patienceMs = Number.POSITIVE_INFINITY): void {
    const under = this.#duties.filter((duty) => duty.name === name);
    const newest = under.at(-1);
    if (newest !== undefined && (under.length >= MOST_AT_ONCE || performance.now() - newest.sinceMs < patienceMs)) return;
    const duty: Duty = { name, sinceMs: performance.now(), done: this.#duty(run) };
    this.#duties.push(duty);
    void duty.done.finally(() => this.#duties.splice(this.#duties.indexOf(duty), 1));
  }

  async #duty(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (this.#options.signal.aborted) return;
      if (!(error instanceof ChainError) && !(error instanceof CoordinatorError)) throw error;
      // refusals mean that another one was first; what matters to people is told by `#stay` and the gauge
    }
  }

  async #tick(): Promise<void> {
    const { at, signal, view } = this.#options;
    if (!this.#isTickDue() || !this.#isMyTurn(view()!)) return;
    await this.#letOthers();
    if (this.#isTickDue()) await this.send([calls.tick(at, view()!.facts.height)], signal);
  }

  #isTickDue(): boolean {
    const view = this.#options.view();
    return view !== null && Machine.load(view.bytes).isTickDue(this.#options.clock.programNowMs());
  }

  /** Those whose turn it is do not all send at once: who is first spares the others the fee. */
  async #letOthers(): Promise<void> {
    await wait(LET_OTHERS_MS * this.#random(), this.#options.signal);
  }

  /** About two of all members. */
  #isMyTurn(view: RunView): boolean {
    const { clients, pending } = view.state;
    const count = clients.filter(({ state }) => state === "Healthy").length + pending.length;
    return count <= 2 || this.#random() < 2 / count;
  }

  /** Points of an ended epoch go to their owners; the next epoch cannot begin before. */
  async #settleEnded(view: RunView): Promise<void> {
    for (const index of [0, 1] as const) {
      if (!isOver(view, index) || !this.#isMyTurn(view)) continue;
      await this.#letOthers();
      const newest = this.#options.view() ?? view;
      const slots = isOver(newest, index) ? unsettledSlots(newest.tables[index]) : [];
      if (slots.length === 0) continue;
      // of many, a stretch that begins anywhere: others settle elsewhere
      const from = slots.length <= SETTLE_AT_ONCE ? 0 : Math.floor(this.#random() * slots.length);
      await this.#settle(index, [...slots.slice(from), ...slots.slice(0, from)].slice(0, SETTLE_AT_ONCE), this.#options.signal);
    }
  }

  async #settle(index: 0 | 1, slots: { slot: number; owner: Address }[], signal: AbortSignal): Promise<void> {
    await this.send([await calls.settle(this.#options.at, index, slots)], signal);
  }

  /** Dropped although it lives, withdrawn by a pause, or told of a newer head: it joins again. */
  async #stay(view: RunView): Promise<void> {
    const joined = this.#joined;
    if (joined === null || this.#hasPlace(view) || this.#ejected !== null) return;
    if (performance.now() < this.#nextJoinMs || CLOSED.has(view.state.runState)) return;
    try {
      await this.#sendJoin(joined, this.#options.signal);
      this.#calm();
    } catch (cause) {
      this.#complain(asCoordinatorError(cause, "joining again"));
    }
    this.#nextJoinMs = performance.now() + backOffMs(this.#joinFailures, FIRST_JOIN_REST_MS, LONGEST_JOIN_REST_MS, this.#random);
    this.#joinFailures += 1;
  }

  /** A place ends when the session that took it would have, also where its owner has renewed the session since: it is taken again. */
  async #outlast(view: RunView): Promise<void> {
    const { cluster, at, session, signal, chain, sessionLookMs } = this.#options;
    const place = this.#place(view);
    if (this.#joined === null || place === null || this.#renewing || performance.now() < this.#nextSessionLookMs) return;
    this.#nextSessionLookMs = performance.now() + (sessionLookMs ?? SESSION_LOOK_MS);
    const account = await readSession(cluster, at, session.address, signal);
    if (account === null || account.expiresMs <= place.expiresMs) return;
    // a slot goes on in its chain until the next epoch, which cannot begin with a link that is public then
    if (chain === null) await this.#sendJoin(this.#joined, signal);
    else void this.#renewChain(chain);
  }

  /** A slot of the running epoch that lives, or a place in the next. */
  #place({ state }: RunView): Member | null {
    const waiting = state.pending.find(({ session }) => equalBytes(session, this.#key));
    if (waiting !== undefined) return waiting;
    const slot = state.clients.find(({ session }) => equalBytes(session, this.#key));
    return slot?.state === "Healthy" && slot.carried ? slot : null;
  }

  #hasPlace(view: RunView): boolean {
    return this.#place(view) !== null;
  }

  /** Where no node can be asked, the watch says so. */
  #complain(error: CoordinatorError): void {
    if (this.#options.signal.aborted || error.code === "unreachable") return;
    this.#isComplaining = true;
    this.#options.onError(error);
  }

  #calm(): void {
    if (this.#isComplaining) this.#options.onError(null);
    this.#isComplaining = false;
  }

  async #sendJoin(joined: Joined, signal: AbortSignal): Promise<void> {
    while (this.#joining !== null) await this.#joining.catch(() => {});
    this.#joining = this.#tryToJoin(joined, signal).finally(() => (this.#joining = null));
    return this.#joining;
  }

  async #tryToJoin({ membership, multiaddrs }: Joined, signal: AbortSignal): Promise<void> {
    if (this.#ejected !== null) throw this.#ejected;
    const { at, session } = this.#options;
    const owner = getAddressDecoder().decode(membership.owner);
    for (let tries = 1; ; tries++) {
      try {
        const authorization = await this.#options.authorization(owner);
        const terms = { chainHead: membership.chainHead, multiaddrs: thatFit(multiaddrs) };
        await this.send([await calls.joinRun(at, session, owner, authorization, terms)], signal);
        return;
      } catch (cause) {
        const error = (await this.#withoutSession(cause, signal)) ?? asCoordinatorError(cause, "join");
        if (error.code === "ejected") {
          this.#ejected = error;
          this.#joined = null;
          this.#options.onError(error);
        }
        const view = this.#options.view();
        if (error.machineCode !== "TableUnsettled" || tries === JOIN_TRIES || view === null) throw error;
        await this.#settleAll(view, signal);
      }
    }
  }

  /** A refused join says which account was wrong, not that the session was never opened, or is closed. */
  async #withoutSession(cause: unknown, signal: AbortSignal): Promise<CoordinatorError | null> {
    if (!(cause instanceof ChainError) || (cause.code !== "rejected" && cause.code !== "unfunded")) return null;
    const { cluster, at, session } = this.#options;
    const account = await readSession(cluster, at, session.address, signal).catch(() => undefined);
    if (account !== null) return null;
    return new CoordinatorError("bad-grant", `join: the session ${session.address} is not open; its owner opens it with one signature`, {
      cause,
    });
  }

  /** Makes room for who waits: settles whatever of the ended epoch is left. */
  async #settleAll(view: RunView, signal: AbortSignal): Promise<void> {
    const index = view.facts.table === 0 ? 1 : 0;
    const slots = unsettledSlots(view.tables[index]);
    for (let from = 0; from < slots.length; from += SETTLE_AT_ONCE) {
      await this.#settle(index, slots.slice(from, from + SETTLE_AT_ONCE), signal);
    }
  }

  /** Joins with a fresh chain while the one before still lasts; the machine takes it up with the next epoch. */
  async #renewChain({ identity, save }: ChainRenewal): Promise<void> {
    this.#renewing = true;
    const { signal } = this.#options;
    try {
      const chain = identity.beginChain();
      await chain.prepare(() => wait(0, signal));
      // until it is done: the fresh chain is not short, so that nothing else would ask for it again
      for (let failures = 0; this.#joined !== null; failures++) {
        if (await this.#commit(identity.membership().chainHead, save)) return;
        await wait(backOffMs(failures, FIRST_JOIN_REST_MS, LONGEST_JOIN_REST_MS, this.#random), signal);
      }
    } catch (cause) {
      this.#complain(asCoordinatorError(cause, "preparing a fresh reveal chain"));
    } finally {
      this.#renewing = false;
    }
  }

  async #commit(chainHead: Uint8Array, save: ChainRenewal["save"]): Promise<boolean> {
    try {
      await save();
      if (this.#joined === null) return true;
      this.#joined.membership = { ...this.#joined.membership, chainHead };
      await this.#sendJoin(this.#joined, this.#options.signal);
      this.#calm();
      return true;
    } catch (cause) {
      this.#complain(asCoordinatorError(cause, "committing to a fresh reveal chain"));
      return false;
    }
  }
}

const ACTIVE: ReadonlySet<string> = new Set(["Warmup", "RoundTrain", "RoundWitness", "Cooldown"]);
const CLOSED: ReadonlySet<string> = new Set(["Uninitialized", "Finished"]);

/** The epoch of that table has ended and owes points. */
function isOver(view: RunView, index: 0 | 1): boolean {
  return view.facts.unsettled[index] > 0 && (index !== view.facts.table || !ACTIVE.has(view.state.runState));
}

/** Of a member's addresses, the first that fit the session account. */
function thatFit(multiaddrs: readonly string[]): string[] {
  const fit: string[] = [];
  let bytes = 0;
  for (const full of multiaddrs) {
    // whose they are stands beside them; the room is for another address
    const address = full.includes("/p2p-circuit") ? full : full.replace(/\/p2p\/[^/]+$/, "");
    bytes += new TextEncoder().encode(address).length + (fit.length > 0 ? 1 : 0);
    if (bytes > CHAIN_LIMITS.addressesBytes) break;
    fit.push(address);
  }
  return fit;
}
