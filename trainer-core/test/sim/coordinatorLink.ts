/**
 * A client's line to the coordinator: what `connectTcpCoordinator` does over a network (back-off, joining again, nothing
 * older than what is known), over memory and the virtual clock, with answers that take their time or get lost.
 */
import { CoordinatorError } from "@starling/sdk/errors";
import { MemoryCoordinator } from "@starling/sdk/memory";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessReport } from "@starling/sdk/types";
import type { SimulatedProcess } from "./process.ts";
import type { SimulatedServer } from "./server.ts";

const firstBackoffMs = 200;
const longestBackoffMs = 5_000;
/** A line that carries nothing counts as broken on the other side after this long. */
const silenceMs = 3_000;

export class CoordinatorLink implements CoordinatorPort {
  readonly #server: SimulatedServer;
  readonly #session: Uint8Array;
  readonly #process: SimulatedProcess;
  readonly #delayMs: () => number;
  readonly #random: () => number;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #connection: MemoryCoordinator | null = null;
  #joined: { membership: Membership; multiaddrs: string[] } | null = null;
  #newest: Snapshot | null = null;
  #backoffMs = firstBackoffMs;
  #lastArrivalMs = 0;
  #isCut = false;
  #isClosed = false;
  #cancelSilence: () => void = () => {};
  readonly #leaveServer: () => void;
  /** probability that a call fails, half of them after they took effect */
  failCalls = 0;

  constructor(server: SimulatedServer, session: Uint8Array, process: SimulatedProcess, delayMs: () => number, random: () => number) {
    this.#server = server;
    this.#session = session;
    this.#process = process;
    this.#delayMs = delayMs;
    this.#random = random;
    this.#leaveServer = server.onCrash(() => this.#lost());
    this.#connect();
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Nothing passes until it is mended. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    this.#cancelSilence();
    if (isCut) {
      this.#cancelSilence = this.#server.scheduler.schedule(silenceMs, () => this.#hangUp());
      return;
    }
    const newest = this.#connection?.snapshot();
    if (newest !== undefined) this.#arrive(newest);
  }

  /** The process is dead: the coordinator sees the connection break. */
  kill(): void {
    this.#isClosed = true;
    this.#cancelSilence();
    this.#leaveServer();
    void this.#connection?.close();
    this.#connection = null;
  }

  runInfo(): Promise<RunInfo> {
    return this.#call((connection) => connection.runInfo());
  }

  snapshot(): Snapshot | null {
    return this.#newest;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    if (this.#newest !== null) listener(this.#newest);
    return () => void this.#listeners.delete(listener);
  }

  async join(membership: Membership, multiaddrs: string[]): Promise<void> {
    await this.#call((connection) => connection.join(membership, multiaddrs));
    this.#joined = { membership: { ...membership }, multiaddrs };
  }

  async leave(): Promise<void> {
    this.#joined = null;
    await this.#call((connection) => connection.leave());
  }

  warmupWitness(): Promise<void> {
    return this.#call((connection) => connection.warmupWitness());
  }

  witness(message: WitnessReport): Promise<void> {
    // once sent, the link is public: never join again with a head above it
    if (this.#joined !== null) this.#joined.membership.chainHead = message.reveal;
    return this.#call((connection) => connection.witness(message));
  }

  downloaded(step: number, listsHeld: number): Promise<void> {
    return this.#call((connection) => connection.downloaded(step, listsHeld));
  }

  healthCheck(clientIndexes: number[]): Promise<void> {
    return this.#call((connection) => connection.healthCheck(clientIndexes));
  }

  reportEquivocation(clientIndex: number): Promise<void> {
    return this.#call((connection) => connection.reportEquivocation(clientIndex));
  }

  setPaused(paused: boolean): Promise<void> {
    return this.#call((connection) => connection.setPaused(paused));
  }

  async close(): Promise<void> {
    this.kill();
    this.#listeners.clear();
  }

  /** There and back. */
  async #call<T>(call: (connection: MemoryCoordinator) => Promise<T>): Promise<T> {
    const chance = this.failCalls === 0 ? 1 : this.#random() / this.failCalls;
    await this.#wait();
    if (chance < 0.5) throw unreachable("the line broke before it was sent");
    const connection = this.#wire();
    const outcome = await call(connection).then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await this.#wait();
    if (this.#wire() !== connection || chance < 1) throw unreachable("the line broke before the answer came");
    return outcome();
  }

  #wire(): MemoryCoordinator {
    if (this.#isCut) throw unreachable("the line is cut");
    if (this.#connection === null) throw unreachable("the coordinator is away");
    return this.#connection;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#process.clock.after(this.#delayMs(), resolve));
  }

  #connect(): void {
    if (this.#isClosed) return;
    const { core } = this.#server;
    if (core === null || this.#isCut) {
      this.#connectLater();
      return;
    }
    const connection = new MemoryCoordinator(core, { session: this.#session });
    this.#connection = connection;
    this.#backoffMs = firstBackoffMs;
    connection.subscribe((snapshot) => {
      const nowMs = this.#server.scheduler.now();
      this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + this.#delayMs());
      this.#process.clock.after(this.#lastArrivalMs - nowMs, () => {
        if (this.#connection === connection && !this.#isCut) this.#arrive(snapshot);
      });
    });
    void this.#joinAgain(connection);
  }

  #connectLater(): void {
    this.#process.clock.after(this.#backoffMs, () => this.#connect());
    this.#backoffMs = Math.min(2 * this.#backoffMs, longestBackoffMs);
  }

  /** The coordinator may have forgotten us while we were away, or may be a new process. */
  async #joinAgain(connection: MemoryCoordinator): Promise<void> {
    let backoffMs = firstBackoffMs;
    while (this.#joined !== null && this.#connection === connection) {
      const { membership, multiaddrs } = this.#joined;
      try {
        await this.#call((current) => current.join(membership, multiaddrs));
        return;
      } catch (error) {
        if (error instanceof CoordinatorError && error.code === "ejected") return;
        const ms = backoffMs;
        await new Promise<void>((resolve) => this.#process.clock.after(ms, resolve));
        backoffMs = Math.min(2 * backoffMs, longestBackoffMs);
      }
    }
  }

  /** The coordinator's side gives the connection up. */
  #hangUp(): void {
    if (this.#connection === null) return;
    void this.#connection.close();
    this.#lost();
  }

  #lost(): void {
    this.#connection = null;
    this.#connectLater();
  }

  #arrive(snapshot: Snapshot): void {
    if (this.#newest !== null && snapshot.nonce <= this.#newest.nonce) return;
    this.#newest = snapshot;
    for (const listener of this.#listeners) listener(snapshot);
  }
}

function unreachable(text: string): CoordinatorError {
  return new CoordinatorError("unreachable", text);
}
