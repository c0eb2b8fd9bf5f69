/**
 * The coordinator as programs on a Solana cluster. What the TCP coordinator does by itself its clients do here: they tick when
 * a tick is due, settle ended epochs, and keep their place in the run and the lamports of their session key.
 */
import { type Address, getAddressEncoder, type Instruction, type TransactionSigner } from "@solana/kit";
import { equalBytes } from "../bytes.ts";
import { CoordinatorError } from "../errors.ts";
import type { ConnectionStatus } from "../tcpOptions.ts";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessReport } from "../types.ts";
import { findAuthorization, readRunHeader, readRunTerms } from "./accounts.ts";
import { ChainError } from "./chainError.ts";
import { ChainMember } from "./chainMember.ts";
import type { ClusterClient } from "./clusterClient.ts";
import { ClusterClock } from "./clusterClock.ts";
import { asCoordinatorError } from "./coordinatorError.ts";
import { DEFAULT_PRIORITY_FEE, type PriorityFee } from "./fees.ts";
import * as calls from "./instructions.ts";
import { CHAIN_LIMITS } from "./limits.ts";
import { requireOneConfig } from "./oneConfig.ts";
import { LOCAL_PROGRAMS, type RunAddresses, runAddresses } from "./pdas.ts";
import { type RunView, RunWatch } from "./runWatch.ts";
import type { SolanaCoordinatorOptions } from "./solanaOptions.ts";
import { TransactionSender } from "./transactions.ts";
import { anySignal } from "./wait.ts";

export type { SolanaCoordinatorOptions } from "./solanaOptions.ts";

/**
 * Finds the run and watches it. The cluster client stays its caller's.
 * @throws CoordinatorError `wrong-run` where there is no such run, `unreachable`, `aborted`
 */
export async function connectSolanaCoordinator(options: SolanaCoordinatorOptions): Promise<SolanaCoordinator> {
  const programs = options.programs ?? LOCAL_PROGRAMS;
  try {
    const at = await runAddresses(programs, options.runId);
    const header = await readRunHeader(options.client, at, options.signal);
    if (header === null) {
      throw new ChainError("not-found", `there is no run "${options.runId}" of the program ${programs.coordinator} on this cluster`);
    }
    return new SolanaCoordinator(options, at);
  } catch (error) {
    throw asCoordinatorError(error, "finding the run");
  }
}

export class SolanaCoordinator implements CoordinatorPort {
  readonly at: RunAddresses;
  readonly #options: SolanaCoordinatorOptions;
  readonly #cluster: ClusterClient;
  readonly #sender: TransactionSender;
  readonly #clock = new ClusterClock();
  readonly #watch: RunWatch;
  readonly #member: ChainMember | null;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #newest: Snapshot | null = null;
  #told = "";
  #chainError: CoordinatorError | null = null;
  #memberError: CoordinatorError | null = null;

  /** `connectSolanaCoordinator` makes one. */
  constructor(options: SolanaCoordinatorOptions, at: RunAddresses) {
    this.at = at;
    this.#options = options;
    this.#cluster = options.client;
    this.#sender = options.sender ?? new TransactionSender(options.client, at.programs, priorityFee(options));
    const { signal } = this.#closing;
    const session = options.session;
    this.#member =
      session === undefined
        ? null
        : new ChainMember({
            ...{ cluster: this.#cluster, sender: this.#sender, at, clock: this.#clock, session, signal, chain: options.chain ?? null },
            ...(options.random && { random: options.random }),
            view: () => this.#watch.view(),
            authorization: (owner) => this.#authorization(owner),
            onError: (error) => {
              this.#memberError = error;
              this.#tell();
            },
          });
    this.#watch = new RunWatch({
      ...{ cluster: this.#cluster, at, clock: this.#clock, signal },
      onView: (view) => this.#deliver(view),
      onError: (error) => {
        this.#chainError = error === null ? null : asCoordinatorError(error, "watching the run");
        this.#tell();
      },
    });
  }

  async runInfo(signal?: AbortSignal): Promise<RunInfo> {
    return this.#guarded("runInfo", signal, async (both) => {
      const terms = await readRunTerms(this.#cluster, this.at, both);
      if (terms === null) throw new ChainError("not-found", `the run "${this.#options.runId}" was closed`);
      return { runId: this.#options.runId, configToml: requireOneConfig(terms.header, terms.config) };
    });
  }

  snapshot(): Snapshot | null {
    return this.#newest;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#requireOpen();
    this.#listeners.add(listener);
    if (this.#newest !== null) listener(this.#newest);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The session must be open (`openSession`). Of the addresses, those that fit 400 bytes are announced, the first first.
   * @throws CoordinatorError `bad-grant` where the session, the owner's grant or its bond do not let it in
   */
  async join(membership: Membership, multiaddrs: string[], signal?: AbortSignal): Promise<void> {
    await this.#guarded("join", signal, (both) => this.#requireMember("join").join(membership, multiaddrs, both));
  }

  async leave(signal?: AbortSignal): Promise<void> {
    await this.#guarded("leave", signal, (both) => this.#requireMember("leave").leave(both));
  }

  async warmupWitness(signal?: AbortSignal): Promise<void> {
    await this.#bySlot("warmupWitness", signal, ({ session, slot, view }) => ({
      instruction: calls.warmupWitness(this.at, session, view.facts.table, slot),
      mayEndPhase: true,
    }));
  }

  async witness(message: WitnessReport, signal?: AbortSignal): Promise<void> {
    await this.#bySlot("witness", signal, ({ member, session, slot, view }) => {
      member.reveals(message.reveal);
      return {
        instruction: calls.witness(this.at, session, { table: view.facts.table, height: view.facts.height, slot }, message),
        mayEndPhase: true,
      };
    });
  }

  async downloaded(step: number, listsHeld: number, signal?: AbortSignal): Promise<void> {
    await this.#bySlot("downloaded", signal, ({ session, slot, view }) => ({
      instruction: calls.downloaded(this.at, session, { table: view.facts.table, slot }, step, listsHeld),
      mayEndPhase: true,
    }));
  }

  async healthCheck(clientIndexes: number[], signal?: AbortSignal): Promise<void> {
    for (let from = 0; from < clientIndexes.length; from += CHAIN_LIMITS.healthCheckTargets) {
      const targets = clientIndexes.slice(from, from + CHAIN_LIMITS.healthCheckTargets);
      await this.#bySlot("healthCheck", signal, ({ session, slot, view }) => ({
        instruction: calls.healthCheck(this.at, session, { table: view.facts.table, slot }, targets),
      }));
    }
  }

  async reportEquivocation(clientIndex: number, signal?: AbortSignal): Promise<void> {
    await this.#bySlot("reportEquivocation", signal, ({ session, slot }) => ({
      instruction: calls.reportEquivocation(this.at, session, slot, clientIndex),
    }));
  }

  /** Says where the parameters of an agreed hash are stored. */
  async checkpoint(location: string, parameterHash: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#bySlot("checkpoint", signal, async ({ session, slot, view }) => ({
      instruction: await calls.checkpoint(this.at, session, { table: view.facts.table, slot }, parameterHash, location),
    }));
  }

  /** The run's authority alone may, with its own key: `set-paused`. */
  async setPaused(_paused: boolean, _signal?: AbortSignal): Promise<void> {
    this.#requireOpen();
    throw new CoordinatorError("not-allowed", "setPaused: on chain only the run's authority may, with its own key: starling set-paused");
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new ChainError("closed", "this coordinator client was closed"));
    this.#listeners.clear();
    await Promise.all([this.#member?.ended(), this.#watch.ended()]);
  }

  async #bySlot(
    method: string,
    signal: AbortSignal | undefined,
    make: (place: { member: ChainMember; session: TransactionSigner; slot: number; view: RunView }) => Call | Promise<Call>,
  ): Promise<void> {
    await this.#guarded(method, signal, async (both) => {
      const member = this.#requireMember(method);
      const view = this.#watch.view();
      const session = this.#options.session!;
      const key = new Uint8Array(getAddressEncoder().encode(session.address));
      const slot = view?.state.clients.findIndex((one) => equalBytes(one.session, key)) ?? -1;
      if (view === null || slot < 0) {
        throw new CoordinatorError(
          "not-member",
          `${method}: this session has no slot in the running epoch; join first and wait for the next one`,
        );
      }
      const { instruction, mayEndPhase } = await make({ member, session, slot, view });
      // A tick that is not due does nothing and costs next to nothing: the message that completes a quorum ends the phase itself.
      const ticks = mayEndPhase ? [calls.tick(this.at, view.facts.height)] : [];
      await member.send([instruction, ...ticks], both);
    });
  }

  async #authorization(owner: Address): Promise<Address> {
    const { authorization } = this.#options;
    if (typeof authorization === "function") return authorization();
    if (authorization !== undefined) return authorization;
    const header = this.#watch.view()?.header ?? (await readRunHeader(this.#cluster, this.at, this.#closing.signal));
    if (header === null) throw new ChainError("not-found", "the run was closed");
    const grant = await findAuthorization(this.#cluster, this.at.programs, header, owner, {
      grantee: this.#options.authorizer,
      signal: this.#closing.signal,
    });
    if (grant === null) {
      throw new CoordinatorError(
        "bad-grant",
        `no active grant of ${header.joinAuthority} lets ${owner} join; ask who created the run for one`,
      );
    }
    return grant.address;
  }

  #deliver(view: RunView): void {
    const snapshot: Snapshot = {
      nonce: view.header.nonce,
      bytes: view.bytes,
      coordinatorNowMs: this.#clock.nowMs(),
      members: view.members,
    };
    this.#newest = snapshot;
    this.#member?.see(view);
    this.#tell();
    for (const listener of this.#listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        // a listener's fault is its owner's to hear of, and no reason to stop
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #tell(): void {
    const status: ConnectionStatus = { connected: this.#chainError === null, error: this.#chainError ?? this.#memberError };
    const told = `${String(status.connected)} ${status.error?.code ?? ""} ${status.error?.message ?? ""}`;
    if (told === this.#told || this.#closing.signal.aborted) return;
    this.#told = told;
    this.#options.onStatus?.(status);
  }

  #requireMember(method: string): ChainMember {
    if (this.#member === null) throw new CoordinatorError("not-allowed", `${method}: this client has no session key, so it can only watch`);
    return this.#member;
  }

  async #guarded<T>(method: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#requireOpen();
    if (signal?.aborted) throw new CoordinatorError("aborted", `${method}: aborted before it began`, { cause: signal.reason });
    try {
      return await run(anySignal(signal, this.#closing.signal));
    } catch (error) {
      if (this.#closing.signal.aborted) {
        throw new CoordinatorError("closed", `${method}: this coordinator client was closed`, { cause: error });
      }
      const explained = asCoordinatorError(error, method);
      // what was sent may be carried out all the same: the message says so
      if (signal?.aborted) throw new CoordinatorError("aborted", explained.message, { cause: error });
      throw explained;
    }
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw new CoordinatorError("closed", "this coordinator client was closed");
  }
}

interface Call {
  instruction: Instruction;
  mayEndPhase?: boolean;
}

function priorityFee(options: SolanaCoordinatorOptions): PriorityFee {
  const { maxPriorityFeeMicroLamports } = options;
  return maxPriorityFeeMicroLamports === undefined ? DEFAULT_PRIORITY_FEE : { maxMicroLamports: maxPriorityFeeMicroLamports };
}
