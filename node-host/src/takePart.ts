/** A client's whole life, however it found its coordinator: arrives, trains, answers, leaves. */
import type { CoordinatorState } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { toHex } from "@starling/sdk/bytes";
import { composeClient, HELD_OUT, type Client, type ReachCoordinator, type TrainingOptions } from "./compose.ts";
import { EXIT_CODES, HostError } from "./errors.ts";
import type { HostLog } from "./events.ts";
import { chooseAdapter, type DeviceChoice } from "./platform/adapter.ts";
import type { LoadedIdentity } from "./platform/identityFile.ts";
import type { Output } from "./platform/output.ts";
import { endNow, listenForStop, signalOf } from "./platform/parent.ts";
import { rosterTeller } from "./platform/roster.ts";
import { trafficEvent } from "./platform/traffic.ts";
import { phaseTeller } from "./platform/phases.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";

const PEERS_EVERY_MS = 2_000;
/** From the request to stop: how long leaving may take, then saving, the arrival's own end, hanging up. Everybody is gone within 8 s. */
const LEFT_BY_MS = 2_500;
const SAVED_BY_MS = 4_500;
const ATTENDED_BY_MS = 6_000;
const CLOSED_BY_MS = 5_500;
const ATTENDED_CLOSED_BY_MS = 7_000;

const NOTHING_AGREED =
  "this run has never agreed on parameters: its clients may have started from different weights. Start all of them with the same --checkpoint, or none with one, and with the same version of starling";

export interface Attendance {
  /** resolves when there is no use in going on as it is */
  ended?: Promise<HostError>;
  close(): Promise<void>;
}

export interface Arrival {
  reach: ReachCoordinator;
  /** resolves when there is no use in going on */
  refused?: Promise<HostError>;
  /** after everything else was closed */
  close?: () => Promise<void>;
  /** multiaddrs told to others in the place of those listened on */
  announce?: string[];
  /** what this way of taking part does beside the training; `close` is awaited for a short while before hanging up */
  attend?: (client: Client, log: HostLog) => Attendance;
}

export interface Participation {
  options: TrainingOptions;
  keys: LoadedIdentity;
  output: Output;
  /** Called once the log is open; may wait until this client may take part. */
  arrive: (log: HostLog, signal: AbortSignal) => Promise<Arrival>;
}

/** Resolves to the exit code. Whatever may end a client early is thrown: HostError, CoordinatorError and those of the rooms. */
export async function takePart({ options, keys, output, arrive }: Participation): Promise<number> {
  const { identity, save, release } = keys;
  process.once("exit", release);
  identity.beginChain();
  save(); // before the first join: a restarted client must not reveal links twice
  const name = options.nodeName ?? `client-${toHex(identity.peer.publicKey).slice(0, 8)}`;
  const telemetry = openTelemetry(options, name, output.log);
  const { log } = telemetry;
  const asked: ("evaluate" | "report")[] = [];
  let onAsked: () => void = () => undefined;
  const stop = listenForStop((message) => {
    if (message.type === "evaluate" || message.type === "report") asked.push(message.type);
    onAsked();
  });

  let begunStep = 0;
  const watched: HostLog = (event) => {
    log(event);
    if (event.type !== "round") return;
    if (event.event.type === "roundBegan") begunStep = event.event.step;
    if (event.event.type === "epochLost" && answering?.nothingAgreedYet) log({ type: "warning", message: NOTHING_AGREED });
  };
  let answering: Answering | null = null;
  let arrived: Arrival | null = null;
  const compose = async (): Promise<Client> => {
    const { announce, reach } = (arrived = await arrive(watched, stop.signal));
    const adapter = await chooseAdapter(options.device as DeviceChoice, {
      selector: options.adapter,
      devices: (options.dataParallelism ?? 1) * options.tensorParallelism,
    });
    output.say(adapter.sentence);
    return composeClient({ options, keys, adapter, announce, reach, log: watched, signal: stop.signal });
  };

  const c = await Promise.race([compose(), stop.requested]);
  if (typeof c === "string") {
    log({ type: "stopped", reason: `${c}, before it had joined the run` });
    await telemetry.close();
    return endedBy(c, output);
  }
  const answers = (answering = new Answering(c, log));
  onAsked = () => {
    for (const what of asked.splice(0)) void answers.answer(what);
  };
  const tellPhase = phaseTeller(log);
  const known = Promise.withResolvers<CoordinatorState>();
  const finished = Promise.withResolvers<string>();
  // what the coordinator knows of everybody is told once, by it; here it is only looked at
  const roster = rosterTeller(output.log);
  c.coordinator.subscribe(({ bytes, members }) => {
    const state = Machine.load(bytes).state();
    if (output.isDisplay) {
      roster.tell(
        bytes,
        members.map(({ peerId }) => peerId),
      );
    }
    answers.state = state;
    tellPhase(state, members.length);
    known.resolve(state);
    if (state.runState === "Finished") finished.resolve("the run is finished");
  });
  if (options.evaluateEachEpoch) {
    const state = await Promise.race([known.promise, stop.requested]);
    // what a client has before it takes part in a run under way are not that run's parameters
    if (typeof state !== "string" && state.step <= 1) await Promise.race([answers.answer("evaluate"), stop.requested]);
    answers.onEpochEnd = (lastStep) => {
      if (begunStep >= lastStep) void answers.answer("evaluate");
    };
  }
  const tellPeers = () => {
    log({ type: "peers", connected: connectedMembers(c) });
    log(trafficEvent(c.network));
  };
  const timers = [setInterval(tellPeers, PEERS_EVERY_MS)];
  const failed = Promise.withResolvers<HostError>();
  c.engine.onGivenUp = (error) => failed.resolve(new HostError("engine", error.message, { cause: error }));
  const attending = (arrived as Arrival | null)?.attend?.(c, watched);
  c.round.start();
  onAsked();

  const ending: Promise<string | HostError>[] = [stop.requested, failed.promise];
  for (const end of [(arrived as Arrival | null)?.refused, attending?.ended]) if (end) ending.push(end);
  if (!process.connected) ending.push(finished.promise);
  const ended = await Promise.race(ending);
  const reason = typeof ended === "string" ? ended : ended.message;
  if (options.drain && typeof ended === "string") {
    log({ type: "stopping", doing: "finishes the round under way (--drain); a second signal ends it now" });
    await Promise.race([answers.roundOver(), failed.promise]);
  }
  const sinceMs = performance.now();
  const by = (limitMs: number) => Math.max(100, limitMs - (performance.now() - sinceMs));
  for (const timer of timers) clearInterval(timer);
  roster.stop();
  log({ type: "stopping", doing: "leaves the run" });
  await within(c.round.stop(), by(LEFT_BY_MS));
  log({ type: "stopping", doing: "writes a checkpoint, where it has one to write" });
  if (typeof ended === "string") await within(answers.saveUnlessSaved(), by(SAVED_BY_MS));
  await within(attending?.close() ?? Promise.resolve(), by(ATTENDED_BY_MS));
  log({ type: "stopping", doing: "hangs up" });
  log({ type: "stopped", reason });
  const closed = await within(
    c.close().then(() => (arrived as Arrival | null)?.close?.()),
    by(attending ? ATTENDED_CLOSED_BY_MS : CLOSED_BY_MS),
  );
  await telemetry.close();
  if (typeof ended !== "string") throw ended;
  return closed ? EXIT_CODES.ok : endedBy(reason, output);
}
/** Other members of the run that there is a connection to. The coordinator is none. */
function connectedMembers({ coordinator, network }: Client): number {
  const members = new Set(coordinator.snapshot()?.members.map(({ peerId }) => toHex(peerId)));
  return network.connectedPeers().filter((peer) => members.has(toHex(peer))).length;
}

/** The engine's thread may be inside the driver: not waited for. */
async function endedBy(reason: string, output: Output): Promise<never> {
  await output.close();
  endNow(signalOf(reason));
  return new Promise(() => undefined);
}

/** Measures and saves between rounds, one thing at a time. */
class Answering {
  readonly #client: Client;
  readonly #log: HostLog;
  #last: Promise<void> = Promise.resolve();
  /** the last loss, and the parameters it was measured on: asked again before they change, it is not measured again */
  #measured: { parameterHash: string; loss: number; tokens: number } | null = null;
  #state: CoordinatorState | null = null;
  #onState: (state: CoordinatorState) => void = () => undefined;
  onEpochEnd: (lastStep: number) => void = () => undefined;

  constructor(client: Client, log: HostLog) {
    this.#client = client;
    this.#log = log;
  }

  get nothingAgreedYet(): boolean {
    return this.#state?.parameterHash.every((byte) => byte === 0) ?? false;
  }

  set state(state: CoordinatorState) {
    const before = this.#state;
    this.#state = state;
    this.#onState(state);
    // a run that comes to rest is measured when its host asks
    if (before && state.epoch > before.epoch && state.runState !== "Paused") this.onEpochEnd(this.#step());
  }

  /** last step whose results the parameters hold, as far as the coordinator knows */
  #step(): number {
    return Math.max(0, (this.#state?.step ?? 1) - 1);
  }

  /** Resolves at the end of the round under way; at once where there is none. */
  roundOver(): Promise<void> {
    const { epoch, step, runState } = this.#state ?? {};
    if (runState !== "RoundTrain" && runState !== "RoundWitness") return Promise.resolve();
    return new Promise((resolve) => {
      this.#onState = (state) => {
        if (state.epoch !== epoch || state.step !== step || (state.runState !== "RoundTrain" && state.runState !== "RoundWitness"))
          resolve();
      };
    });
  }

  answer(what: "evaluate" | "report"): Promise<void> {
    this.#last = this.#last
      .then(() => this.#answer(what))
      .catch((error: Error) => this.#log({ type: "warning", message: `${what} failed: ${error.message}` }));
    return this.#last;
  }

  async #answer(what: "evaluate" | "report"): Promise<void> {
    const { engine, heldOut } = this.#client;
    const step = this.#step();
    // a part of the model has no hash that could be compared with anybody's
    const parameterHash = engine.holdsPart ? "" : toHex(await engine.parameterHash());
    if (!engine.holdsPart) this.#log({ type: "round", event: { type: "parameterHash", step, parameterHash } });
    if (what === "report") return;
    if (!heldOut) {
      this.#log({ type: "warning", message: "this run has no held-out text (a folder `heldout` beside its data): no loss is measured" });
      return;
    }
    if (this.#measured === null || this.#measured.parameterHash !== parameterHash || engine.holdsPart) {
      const sequences = await heldOut();
      const loss = await engine.evaluate(sequences);
      this.#measured = { parameterHash, loss, tokens: sequences.length * this.#client.plan.sequenceTokens };
    }
    const perplexity = Math.exp(this.#measured.loss);
    this.#log({ type: "held-out", step, ...this.#measured, perplexity });
    this.#client.showEval(HELD_OUT, perplexity);
  }

  /** At the end: what was trained since the last agreed checkpoint is kept too, marked as not agreed. */
  async saveUnlessSaved(): Promise<void> {
    const state = this.#state;
    if (!state || this.#step() === 0 || this.#client.engine.holdsPart) return;
    const agreed = toHex(state.parameterHash);
    const have = toHex(await this.#client.engine.parameterHash());
    if (agreed === have) return; // the epoch's own checkpoint holds these parameters
    await this.#client
      .saveNow(this.#step(), state.epoch, false)
      .catch((error: Error) => this.#log({ type: "warning", message: `no checkpoint was written: ${error.message}` }));
  }
}

/** False when the time was over first. A failure is an end too: it was told where it happened. */
async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), limitMs)));
  const done = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ]);
  clearTimeout(timer);
  return done;
}
