import { equalBytes, sha256 } from "./bytes.ts";
import type { CoordinatorCore } from "./core.ts";
import { CoordinatorError } from "./errors.ts";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessReport } from "./types.ts";

export interface MemoryCoordinatorOptions {
  /** (32) the session key this client acts as; there is nobody to prove it to */
  session: Uint8Array;
  /** may pause and resume the run */
  admin?: boolean;
}

/** A coordinator in the same process: the simulator's adapter, and the one to read first. */
export class MemoryCoordinator implements CoordinatorPort {
  readonly #core: CoordinatorCore;
  readonly #session: Uint8Array;
  readonly #admin: boolean;
  readonly #unsubscribe = new Set<() => void>();
  #detach: (() => void) | null = null;
  #joined: { membership: Membership; multiaddrs: string[] } | null = null;
  #closed = false;

  constructor(core: CoordinatorCore, { session, admin = false }: MemoryCoordinatorOptions) {
    this.#core = core;
    this.#session = session;
    this.#admin = admin;
  }

  runInfo(signal?: AbortSignal): Promise<RunInfo> {
    return this.#call(signal, () => this.#core.runInfo());
  }

  snapshot(): Snapshot {
    return this.#core.snapshot();
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    if (this.#closed) throw closed();
    const undo = this.#core.subscribe(listener);
    this.#unsubscribe.add(undo);
    return () => {
      this.#unsubscribe.delete(undo);
      undo();
    };
  }

  join(membership: Membership, multiaddrs: string[], signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => {
      if (!equalBytes(membership.session, this.#session)) {
        throw new CoordinatorError("bad-grant", "the membership names another session key than this client's");
      }
      this.#core.join(membership, multiaddrs);
      this.#detach ??= this.#core.attach(this.#session);
      if (this.#joined === null) this.subscribe((snapshot) => this.#stayMember(snapshot));
      this.#joined = { membership: { ...membership }, multiaddrs };
    });
  }

  /** Dropped as dead, and we are not: as the tcp client does, joins again at its next turn. */
  #stayMember({ members }: Snapshot): void {
    const { membership } = this.#joined ?? {};
    if (membership === undefined || members.some(({ peerId }) => equalBytes(peerId, membership.peerId))) return;
    void this.#call(undefined, () => {
      if (this.#joined !== null) this.#core.join(this.#joined.membership, this.#joined.multiaddrs);
    }).catch((error: unknown) => {
      // ejected, or the coordinator is gone: the owner of this port learns it from its own calls
      if (!(error instanceof CoordinatorError)) throw error;
    });
  }

  leave(signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => {
      this.#joined = null;
      this.#core.leave(this.#session);
    });
  }

  warmupWitness(signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => this.#core.warmupWitness(this.#session));
  }

  witness(message: WitnessReport, signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => {
      const membership = this.#joined?.membership;
      if (membership !== undefined && equalBytes(sha256(message.reveal), membership.chainHead)) membership.chainHead = message.reveal;
      this.#core.witness(this.#session, message);
    });
  }

  downloaded(step: number, listsHeld: number, signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => this.#core.downloaded(this.#session, step, listsHeld));
  }

  healthCheck(clientIndexes: number[], signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => this.#core.healthCheck(this.#session, clientIndexes));
  }

  reportEquivocation(clientIndex: number, signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => this.#core.reportEquivocation(this.#session, clientIndex));
  }

  setPaused(paused: boolean, signal?: AbortSignal): Promise<void> {
    return this.#call(signal, () => {
      if (!this.#admin) throw new CoordinatorError("not-allowed", "only an administrator may pause or resume this run");
      this.#core.setPaused(paused);
    });
  }

  /** Counts as losing the connection: the member leaves after the core's grace. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const undo of this.#unsubscribe) undo();
    this.#unsubscribe.clear();
    this.#detach?.();
    this.#detach = null;
  }

  async #call<T>(signal: AbortSignal | undefined, run: () => T): Promise<T> {
    // as over a network, a call takes effect after the caller's turn, never inside a listener
    await Promise.resolve();
    if (this.#closed) throw closed();
    if (signal?.aborted) throw new CoordinatorError("aborted", "the call was aborted before it began", { cause: signal.reason });
    return run();
  }
}

function closed(): CoordinatorError {
  return new CoordinatorError("closed", "this coordinator client was closed");
}
