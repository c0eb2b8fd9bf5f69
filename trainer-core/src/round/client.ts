/** A member of a run: an event queue around the pure transition, with ports on all sides. The same in Node and in a Worker. */
import { errorText } from "@starling/network/errors";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { isFinalRefusal } from "@starling/sdk/errors";
import { pause } from "@starling/sdk/retry";
import { learningRate, type LearningRateSchedule } from "@starling/sdk/schedule";
import type { Membership, Snapshot } from "@starling/sdk/types";
import { announceIsSigned, listRoot } from "../protocol/commitment.ts";
import { type Announce, gossipMessage, gossipTopic } from "../protocol/messages.ts";
import type { TelemetryListener } from "../telemetry/events.ts";
import { agreedResults } from "./agreement.ts";
import type { RoundPorts } from "./ports.ts";
import { EffectRunner, type Occurrence } from "./runner.ts";
import { isIdle } from "./idle.ts";
import { serveRounds } from "./serve.ts";
import { initialState, type RoundState, type Shown } from "./states.ts";
import { transition } from "./transition.ts";
import { mayMatter } from "./transitions/results.ts";
import { SnapshotViewer } from "./view.ts";

export interface RoundClientOptions {
  runId: string;
  /** what to join with; `Identity.membership()` of @starling/sdk */
  membership: Membership;
  pipeline: "overlapped" | "sync";
  schedule: LearningRateSchedule;
  /** the run's `cold_start_warmup_steps` */
  coldStartWarmupSteps: number;
  /** no result of this model is larger; announcements of larger ones are refused */
  maxPayloadBytes: number;
  /**
   * (32) What the run's epochs start from until parameters are agreed for the first time; absent: the parameters in the engine
   * at `start` are that. A host that puts a later checkpoint into the engine gives it, and `Engine.importStart`.
   */
  runStartHash?: Uint8Array;
  /** hash the parameters in every round; default false */
  hashEveryRound?: boolean;
  onTelemetry?: TelemetryListener;
  /** how often clocks are looked at, ms; default 100 */
  tickMs?: number;
  /** for tests that plant a fault */
  agree?: typeof agreedResults;
  /** shared by clients of one process, so that a snapshot is decoded once */
  viewer?: Pick<SnapshotViewer, "view">;
}

const defaultTickMs = 100;
const joinRetryMs = 1_000;
const longestJoinRetryMs = 8_000;
/** Unreadable gossip of one author is told no more often. */
const rejectedEveryMs = 10_000;
const mostRejectedAuthors = 256;
/** Idle work that fails so often in a row is not tried again. */
const mostIdleFailures = 3;

export class RoundClient {
  readonly #options: RoundClientOptions;
  readonly #ports: RoundPorts;
  readonly #runner: EffectRunner;
  readonly #viewer: Pick<SnapshotViewer, "view">;
  readonly #abort = new AbortController();
  readonly #left = Promise.withResolvers<void>();
  readonly #queue: Occurrence[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #rejected = new Map<string, { toldAtMs: number; untold: number }>();
  #state: RoundState;
  #draining = false;
  /** a piece of idle work is under way, or the next one is not due yet */
  #isIdleBusy = false;
  /** pieces of idle work that failed in a row */
  #idleFailures = 0;
  /** idle work has nothing more to do in this step of the coordinator */
  #idleDoneStep = -1;
  #cancelTick: () => void = () => {};

  constructor(options: RoundClientOptions, ports: RoundPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#viewer = options.viewer ?? new SnapshotViewer();
    const { schedule, coldStartWarmupSteps, membership } = options;
    this.#state = initialState(
      {
        runId: options.runId,
        session: membership.session,
        peer: membership.peerId,
        pipeline: options.pipeline,
        learningRate: (step, coldStartStep) => {
          const isCold = coldStartStep !== null && coldStartWarmupSteps > 0;
          return learningRate(schedule, step, isCold ? { startStep: coldStartStep, steps: coldStartWarmupSteps } : null);
        },
        maxPayloadBytes: options.maxPayloadBytes,
        hashEveryRound: options.hashEveryRound ?? false,
        canImportStart: ports.engine.importStart !== undefined,
        canImportStored: ports.checkpoints?.parametersOf !== undefined,
        holdsPart: ports.engine.holdsPart === true,
        agree: options.agree ?? agreedResults,
      },
      options.runStartHash === undefined ? null : toHex(options.runStartHash),
      ports.clock.nowMs(),
    );
    this.#runner = new EffectRunner(ports, {
      runId: options.runId,
      maxPayloadBytes: options.maxPayloadBytes,
      signal: this.#abort.signal,
      dispatch: (occurrence) => this.#dispatch(occurrence),
      tell: (event) => this.#tell(event),
      left: () => this.#shutDown(),
    });
  }

  /** What it knows now. A value: it does not change. */
  get state(): RoundState {
    return this.#state;
  }

  /** Resolves when the client has left, by `stop` or because its engine could not be read. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** The host loaded the parameters: puts them up for others, joins, and follows the run from then on. Call once. */
  start(): void {
    const { network, coordinator, tensors } = this.#ports;
    this.#undo.push(
      serveRounds(network, tensors, () => this.#state),
      network.subscribe(gossipTopic(this.#options.runId), (from, data) => this.#onGossip(from, data)),
      coordinator.subscribe((snapshot) => this.#onSnapshot(snapshot)),
    );
    this.#dispatch({ type: "start" });
    this.#tick();
  }

  /** No new batch; what is ready was announced; leaves. `drain`: after the round under way. A second call leaves at once. */
  async stop({ drain = false }: { drain?: boolean } = {}): Promise<void> {
    const again = this.#state.stopping !== null;
    this.#dispatch({ type: "stop", drain: drain && !again });
    await this.#left.promise;
  }

  /**
   * The host put another engine in the place of one that failed: nothing is known of its parameters, and its residual is zero.
   * This client takes the epoch's start and replays, or waits for the next epoch.
   */
  engineReset(reason: string): void {
    this.#dispatch({ type: "engineReset", reason });
  }

  /** Something to show beside this client's next report as a witness: it decides nothing. What is left out stays as it is. */
  show(shown: Partial<Shown>): void {
    this.#dispatch({ type: "show", shown });
  }

  #tick(): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelTick = this.#ports.clock.after(this.#options.tickMs ?? defaultTickMs, () => {
      this.#dispatch({ type: "tick" });
      this.#tick();
    });
  }

  #dispatch(occurrence: Occurrence): void {
    if (this.#abort.signal.aborted) return;
    this.#queue.push(occurrence);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    } finally {
      this.#draining = false;
    }
    this.#idle();
  }

  /** One piece of other work at a time, while the round leaves the engine alone. */
  #idle(): void {
    const { idle, engine, clock } = this.#ports;
    if (idle === undefined || engine.infer === undefined || this.#isIdleBusy || !isIdle(this.#state)) return;
    const { step } = this.#state.view!.state;
    if (step === this.#idleDoneStep || this.#idleFailures >= mostIdleFailures) return;
    this.#isIdleBusy = true;
    const goOn = (): void => {
      this.#isIdleBusy = false;
      if (!this.#abort.signal.aborted) this.#idle();
    };
    idle
      .piece((request) => engine.infer!(request), step)
      .then(
        (waitMs) => {
          // one that only waits has shown nothing yet
          if (waitMs === null || waitMs === 0) this.#idleFailures = 0;
          return waitMs;
        },
        (error: unknown) => {
          const isLast = ++this.#idleFailures >= mostIdleFailures;
          const action = `work in idle time${isLast ? ", which is given up" : ""}`;
          this.#tell({ type: "error", action, message: errorText(error) });
          return null;
        },
      )
      .then((waitMs) => {
        if (waitMs === null) this.#idleDoneStep = step;
        // what came in meanwhile has its turn first
        clock.after(waitMs ?? 0, goOn);
      });
  }

  #step(occurrence: Occurrence): void {
    try {
      const { state, effects } = transition(this.#state, { ...occurrence, atMs: this.#ports.clock.nowMs() });
      const loaded = occurrence.type === "loaded";
      this.#state = state;
      for (const effect of effects) this.#runner.run(effect);
      if (loaded) void this.#join();
    } catch (error) {
      // a fault of ours: the state is as it was before this event, and the next one is tried
      this.#tell({ type: "error", action: `event ${occurrence.type}`, message: errorText(error) });
    }
  }

  /** Until the coordinator has taken it, or has refused it for good. */
  async #join(): Promise<void> {
    const { coordinator, network, clock } = this.#ports;
    const { signal } = this.#abort;
    for (let pauseMs = joinRetryMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestJoinRetryMs)) {
      try {
        await coordinator.join(this.#options.membership, network.multiaddrs(), signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#tell({ type: "error", action: "join", message: errorText(error) });
        if (isFinalRefusal(error)) return;
        await pause(clock, pauseMs, signal).catch(() => {});
      }
    }
  }

  #onSnapshot(snapshot: Snapshot): void {
    try {
      this.#dispatch({ type: "snapshot", view: this.#viewer.view(snapshot) });
    } catch (error) {
      this.#tell({ type: "error", action: "read the coordinator's state", message: errorText(error) });
    }
  }

  #onGossip(from: Uint8Array, data: Uint8Array): void {
    try {
      const { type, value } = gossipMessage.decode(data);
      switch (type) {
        case "announce":
          if (equalBytes(value.fields.sender, from)) this.#onAnnounce(value);
          return;
        case "list":
          if (!equalBytes(value.witness, from)) return;
          this.#dispatch({
            type: "list",
            list: value,
            root: toHex(listRoot(value.runId, value.epoch, value.step, value.entries)),
            requested: null,
          });
          return;
        case "evidence":
          this.#onAnnounce(value.first);
          this.#onAnnounce(value.second);
          return;
        default:
          return type satisfies never;
      }
    } catch (error) {
      this.#rejectGossip(toHex(from).slice(0, 8), errorText(error));
    }
  }

  /** A member may send nonsense as fast as the network lets it: said once in a while, with how much there was. */
  #rejectGossip(author: string, reason: string): void {
    const nowMs = this.#ports.clock.nowMs();
    const { toldAtMs, untold } = this.#rejected.get(author) ?? { toldAtMs: Number.NEGATIVE_INFINITY, untold: 0 };
    if (nowMs - toldAtMs < rejectedEveryMs) {
      this.#rejected.set(author, { toldAtMs, untold: untold + 1 });
      return;
    }
    if (this.#rejected.size >= mostRejectedAuthors) this.#rejected.clear();
    this.#rejected.set(author, { toldAtMs: nowMs, untold: 0 });
    this.#tell({ type: "rejected", what: `gossip of ${author}`, reason: untold === 0 ? reason : `${reason} (and ${untold} more like it)` });
  }

  #onAnnounce(announce: Announce): void {
    if (!mayMatter(this.#state, announce) || !announceIsSigned(announce, this.#ports.verify)) return;
    this.#dispatch({ type: "announce", announce, requested: null });
  }

  #tell(event: Parameters<TelemetryListener>[0]): void {
    try {
      this.#options.onTelemetry?.(event, this.#ports.clock.nowMs());
    } catch {
      // a display that fails must not end the training; there is nobody left to tell
    }
  }

  #shutDown(): void {
    this.#cancelTick();
    this.#abort.abort(new Error("the client left"));
    for (const undo of this.#undo.splice(0)) undo();
    this.#left.resolve();
  }
}
