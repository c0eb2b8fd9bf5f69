/**
 * The one place where a tab's parts meet, and its life as a member: reaches the run, makes the engine, joins, rests when it shall, comes
 * back after sleep or a lost device, leaves. Engine and round client are the daemon's own; only the ports are a browser's.
 */
import { getAddressEncoder, address } from "@solana/kit";
import { parseRunConfig } from "@starling/config";
import { BlobService, type PeerNetwork } from "@starling/network";
import { createBrowserNetwork } from "@starling/network/libp2pBrowser";
import { Identity, systemClock, type ChainRenewal, type Snapshot } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import type { DataProvider } from "@starling/trainer-core/data/dataProvider";
import { BehindWatch, patienceMs } from "@starling/trainer-core/member/behindWatch";
import { postCheckpoints } from "@starling/trainer-core/member/checkpointPoster";
import { watchConfig } from "@starling/trainer-core/member/configWatch";
import { giveUpSlot } from "@starling/trainer-core/member/giveUpSlot";
import { RoundClient } from "@starling/trainer-core/round/client";
import type { CheckpointSink, ModelCache } from "@starling/trainer-core/round/ports";
import { LocalEngine } from "@starling/trainer-core/train/localEngine";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { ResilientEngine } from "@starling/trainer-core/train/resilientEngine";
import { openData } from "./data.ts";
import { asTabError, TabError } from "./failure.ts";
import { PointsTally, tabFacts } from "./facts.ts";
import { whyPaused } from "./limits.ts";
import type { Conditions, FromWorker, JoinRequest, TabState, TrainLimits } from "./protocol.ts";
import { firstSnapshot, reach, type Reached } from "./reach.ts";
import { changeIdentity, loadIdentity } from "./store/identityStore.ts";
import { lockIdentity } from "./store/identityLock.ts";
import { openIdentity } from "./store/openIdentity.ts";
import { sessionTransactionSigner } from "./store/transactionSigner.ts";
import { agreedParameters, openTensorFolders } from "./store/tensorFolder.ts";
import { whenAdapterIsBack } from "./whenAdapterIsBack.ts";

/** One submit of ours: two of them stay well below 50 ms, and a frame of the page waits for few. */
const PORTION_MS = 20;
const LONGEST_DISPATCH_MS = 50;
const FACTS_EVERY_MS = 500;
/** a Worker's clock that stood still for so long was asleep */
const ASLEEP_MS = 20_000;
/** rounds in a row whose result came too late: it cannot follow */
const MISSED_ROUNDS = 3;
const LEAVE_WITHIN_MS = 6_000;
/** closing connections and the device; the end of the Worker closes what is left */
const END_WITHIN_MS = 4_000;
const LOST_ADVICE = "Close other tabs that use the graphics card, or restart the browser; then begin again here: nothing earned is lost";

type Tell = (message: FromWorker) => void;

/** Everything that lasts as long as the tab takes part, resting included. */
interface Parts {
  runId: string;
  plan: RunPlan;
  keys: ChainRenewal & { identity: Identity };
  network: PeerNetwork;
  reached: Reached;
  data: DataProvider;
  blobs: BlobService;
  engine: ResilientEngine<LocalEngine>;
  runStartHash: Uint8Array;
  sink: CheckpointSink | null;
  arriving: ModelCache | null;
}

export class Participant {
  readonly #request: JoinRequest;
  readonly #tell: Tell;
  readonly #ending = new AbortController();
  readonly #points = new PointsTally();
  readonly #undo: (() => void | Promise<void>)[] = [];
  #limits: TrainLimits;
  #conditions: Conditions;
  #parts: Parts | null = null;
  #round: RoundClient | null = null;
  #stopPosting: () => void = () => undefined;
  #device: LocalEngine["device"] | null = null;
  #behind: BehindWatch | null = null;
  /** under way; ends with the round client that it is for */
  #givingUp: Promise<void> | null = null;
  #membership = new AbortController();
  /** it ends for good with a state that is told when all is let go of: the page then ends the Worker */
  #isStopping = false;
  #newest: { snapshot: Snapshot; atMs: number } | null = null;
  #state: TabState = { kind: "reaching" };
  /** of the round client that was there last */
  #leaving: Promise<void> = Promise.resolve();
  /** join, rest, leave: one at a time */
  #last: Promise<void> = Promise.resolve();

  constructor(request: JoinRequest, tell: Tell) {
    this.#request = request;
    this.#limits = request.limits;
    this.#conditions = request.conditions;
    this.#tell = tell;
  }

  /** Until it is a member, or rests. Failures are told as states. */
  async start(): Promise<void> {
    this.#say({ kind: "reaching" });
    try {
      const parts = await this.#compose();
      // asked to leave meanwhile: what was made since then is let go of too
      if (this.#ending.signal.aborted || this.#isStopping) return await this.#end();
      this.#parts = parts;
      this.#attend(parts);
    } catch (error) {
      const wasAsked = this.#ending.signal.aborted || this.#isStopping;
      await this.#end();
      if (!wasAsked) this.#fail(error);
      return;
    }
    if (!this.#isStopping) await this.#remember({ isTraining: !this.#conditions.paused });
    this.#reconsider();
  }

  setLimits(limits: TrainLimits): void {
    this.#limits = limits;
    if (this.#device?.pacer) this.#device.pacer.dutyPercent = limits.dutyPercent;
    void this.#remember({ limits });
    this.#reconsider();
  }

  setConditions(conditions: Conditions): void {
    const isOther = conditions.paused !== this.#conditions.paused;
    this.#conditions = conditions;
    // a reload does not go on with what was paused
    if (isOther && this.#parts !== null && !this.#isStopping) void this.#remember({ isTraining: !conditions.paused });
    this.#reconsider();
  }

  /** Leaves the run and lets go of everything. */
  async leave(): Promise<void> {
    await this.#stopWith({ kind: "left" });
  }

  get #isOver(): boolean {
    return this.#state.kind === "left" || this.#state.kind === "failed" || this.#state.kind === "finished";
  }

  #say(state: TabState): void {
    this.#state = state;
    this.#tell({ type: "state", state });
  }

  #notice(text: string): void {
    this.#tell({ type: "notice", text });
  }

  async #remember(change: Parameters<typeof changeIdentity>[1]): Promise<void> {
    const { identity } = this.#request;
    if (identity === null) return;
    await changeIdentity(identity, change).catch((error: Error) =>
      this.#notice(`what you chose is not kept for the next time: ${error.message}`),
    );
  }

  #fail(error: unknown): void {
    const { code, message } = asTabError(error);
    this.#say({ kind: "failed", code, text: message });
  }

  /** Ends for good. The state comes last: with it the page ends the Worker, and what had not left yet would keep the others waiting. */
  async #stopWith(state: TabState): Promise<void> {
    if (this.#isOver || this.#isStopping) return;
    this.#isStopping = true;
    this.#say({ kind: "leaving" });
    if (state.kind !== "failed") await this.#remember({ isTraining: false });
    await this.#leaveRun();
    await Promise.race([this.#end(), new Promise((resolve) => setTimeout(resolve, END_WITHIN_MS))]);
    this.#say(state);
  }

  /** Joins, or rests, as limits and conditions now have it. */
  #reconsider(): void {
    if (this.#parts === null || this.#isOver) return;
    this.#last = this.#last
      .then(async () => {
        if (this.#parts === null || this.#isOver || this.#isStopping) return;
        const why = whyPaused(this.#limits, this.#conditions);
        if (why === null && this.#round === null) await this.#join(this.#parts);
        else if (why !== null) {
          await this.#leaveRun();
          if (!this.#isOver && !this.#isStopping) this.#say({ kind: "paused", why });
        }
      })
      .catch((error: unknown) => this.#stopWith({ kind: "failed", code: asTabError(error).code, text: asTabError(error).message }));
  }

  async #keys(): Promise<{ keys: Parts["keys"]; session: Awaited<ReturnType<typeof sessionTransactionSigner>> | null }> {
    const { identity: key, source } = this.#request;
    if (key === null) return { keys: { identity: Identity.generate(), save: () => undefined }, session: null };
    this.#undo.push(await lockIdentity(key));
    const record = await loadIdentity(key);
    if (!record) throw new TabError("no-identity", "this browser no longer holds the keys it was to train with: begin again on this page");
    const owner = source.kind === "chain" ? new Uint8Array(getAddressEncoder().encode(address(source.owner))) : null;
    const keys = await openIdentity(record, owner);
    return { keys, session: source.kind === "chain" ? await sessionTransactionSigner(record) : null };
  }

  async #compose(): Promise<Parts> {
    const { signal } = this.#ending;
    const { source, iceServers, dataUrls } = this.#request;
    const { keys, session } = await this.#keys();
    // before the first join: a tab that is opened again must not reveal links twice
    keys.identity.beginChain();
    await keys.save();
    const network = await createBrowserNetwork({ seed: keys.identity.secrets().peerSeed, iceServers, onError: () => undefined });
    this.#undo.push(() => network.stop());
    const reached = await reach({
      ...{ source, network, keys, session, signal },
      onConnection: (text) => {
        this.#behind?.coordinator(text === null);
        this.#tell({ type: "connection", text });
      },
      onRefused: (text) => void this.#stopWith({ kind: "failed", code: "refused", text }),
    });
    this.#undo.push(async () => {
      await reached.coordinator.close();
      await reached.close();
    });
    const { runId, configToml } = await reached.coordinator.runInfo(signal);
    const { identity } = keys;
    const { owner } = identity.membership();
    const member = { runId, peerId: toHex(identity.peer.publicKey), session: toHex(identity.session.publicKey), owner: toHex(owner) };
    this.#tell({ type: "member", ...member });
    const runConfig = parseRunConfig(configToml, { source: "the run's configuration" });
    const plan = runPlan(runConfig);

    const data = openData(runConfig.model.LLM.data_location, dataUrls, plan, { network, runId });
    this.#undo.push(() => data.close());
    await data.check(signal);

    this.#say({ kind: "preparing" });
    const engine = await this.#makeEngine(plan);
    this.#undo.push(() => engine.stop());
    engine.onGivenUp = (error) => void this.#stopWith({ kind: "failed", code: "adapter", text: error.message });

    const runStartHash = await engine.parameterHash();
    const folders = this.#request.identity === null ? null : await openTensorFolders(runId, member.peerId);
    if (folders !== null) this.#undo.push(() => folders.close());
    const sink =
      folders &&
      agreedParameters(
        folders.agreed,
        plan.tensors.map(({ name }) => name),
      );
    if (sink) await this.#resume(engine, sink, runStartHash, await firstSnapshot(reached.coordinator, signal));
    const blobs = new BlobService({ network, capacityBytes: plan.blobCapacityBytes });
    this.#undo.push(() => blobs.stop());
    const config = watchConfig(reached.coordinator, configToml);
    this.#undo.push(() => config.stop());
    void config.changed.then(() =>
      this.#stopWith({ kind: "failed", code: "config-changed", text: "the run has a new configuration: the tab begins again with it" }),
    );
    this.#behind = new BehindWatch(patienceMs(runConfig.config.max_round_train_time));
    return { runId, plan, keys, network, reached, data, blobs, engine, runStartHash, sink, arriving: folders?.arriving ?? null };
  }

  async #makeEngine(plan: RunPlan): Promise<ResilientEngine<LocalEngine>> {
    if (!navigator.gpu) throw new TabError("adapter", "this browser offers no WebGPU to the page's Worker");
    let isFirst = true;
    return ResilientEngine.create({
      start: async (onDeath) => {
        const make = () =>
          LocalEngine.create({
            ...{ gpu: navigator.gpu, plan, microBatchSequences: this.#request.microBatchSequences, onDeath },
            ...{ portionMs: PORTION_MS, longestDispatchMs: LONGEST_DISPATCH_MS },
          });
        const engine = await (isFirst ? make() : whenAdapterIsBack(make, this.#ending.signal));
        this.#device = engine.device;
        if (engine.device.pacer) engine.device.pacer.dutyPercent = this.#limits.dutyPercent;
        if (isFirst) {
          const { adapter, profile, compileMs, microBatchSequences, longestDispatch } = engine;
          const parameters = plan.layouts.reduce((sum, { elements }) => sum + elements, 0);
          const { precision } = engine.precision;
          for (const fault of engine.device.faults) this.#notice(fault);
          this.#tell({ type: "engine", adapter, profile, precision, compileMs, parameters, microBatchSequences, longestDispatch });
        }
        isFirst = false;
        return engine;
      },
      onWarning: (text) => this.#notice(text),
      advice: LOST_ADVICE,
    });
  }

  /** What this browser kept of the agreed parameters, where they are the agreed ones still; else the run's start stays. */
  async #resume(engine: ResilientEngine<LocalEngine>, sink: CheckpointSink, runStartHash: Uint8Array, { bytes }: Snapshot): Promise<void> {
    const agreed = toHex(Machine.load(bytes).state().parameterHash);
    if (agreed === toHex(runStartHash)) return;
    const kept = await sink.parametersOf!(agreed).catch(() => null);
    if (kept === null) return;
    await engine.importParameters(kept);
    if (toHex(await engine.parameterHash()) !== agreed) await engine.importStart();
  }

  /** What goes on beside the rounds. */
  #attend({ reached, network, keys }: Parts): void {
    const { identity } = keys;
    this.#undo.push(
      reached.coordinator.subscribe((snapshot) => {
        this.#newest = { snapshot, atMs: Date.now() };
        if (Machine.load(snapshot.bytes).state().runState === "Finished") void this.#stopWith({ kind: "finished" });
      }),
    );
    const own = { session: identity.session.publicKey, peerId: identity.peer.publicKey };
    let seenMs = Date.now();
    const timer = setInterval(() => {
      const nowMs = Date.now();
      if (nowMs - seenMs > ASLEEP_MS) this.#woke(Math.round((nowMs - seenMs) / 1000));
      seenMs = nowMs;
      if (this.#newest === null) return;
      const longestMs = this.#device?.pacer?.takeLongestMs() ?? null;
      const facts = tabFacts(this.#newest.snapshot, this.#newest.atMs, own, this.#points, network, longestMs);
      this.#tell({ type: "facts", facts });
      if (facts.slot !== null && facts.slot.state === "Healthy" && facts.slot.missedRounds >= MISSED_ROUNDS) this.#tooSlow();
      if (this.#behind?.isHopeless()) {
        this.#notice("no other member holds what this tab lacks: it gives up its place in this epoch and takes part in the next one");
        this.#giveUp();
      }
    }, FACTS_EVERY_MS);
    this.#undo.push(() => clearInterval(timer));
  }

  /** Its results come too late round after round: the others would wait for each of them in vain. */
  #tooSlow(): void {
    if (this.#givingUp !== null || this.#round === null) return;
    const isThrottled = this.#limits.dutyPercent < 100;
    this.#notice(
      `this tab is too slow for the run's rounds: it gives up its place in this epoch and tries the next one${isThrottled ? "; let it work for more of the time" : ""}`,
    );
    this.#giveUp();
  }

  #woke(seconds: number): void {
    this.#notice(`this computer slept for ${seconds} s: the tab takes up its connections again`);
    const parts = this.#parts;
    if (parts === null || this.#round === null) return;
    // connections may look open for as long as nobody writes to them
    for (const peer of parts.network.connectedPeers()) void parts.network.connect(peer).catch(() => undefined);
    this.#giveUp();
  }

  /** A member that cannot follow keeps nobody waiting. */
  #giveUp(): void {
    const parts = this.#parts;
    if (parts === null || this.#round === null) return;
    const { reached, network, keys } = parts;
    if (this.#givingUp !== null) return;
    const signal = AbortSignal.any([this.#ending.signal, this.#membership.signal]);
    this.#givingUp = giveUpSlot({
      ...{ coordinator: reached.coordinator, network, keys, signal },
      onWarning: (text) => this.#notice(text),
    })
      .catch((error: Error) => this.#notice(`its place in this epoch could not be given up: ${error.message}`))
      .finally(() => (this.#givingUp = null));
  }

  async #join(parts: Parts): Promise<void> {
    const { runId, plan, keys, network, reached, data, blobs, engine, runStartHash, sink, arriving } = parts;
    const { identity } = keys;
    if (this.#state.kind === "paused") {
      // links of the chain before may have been revealed
      identity.beginChain();
      await keys.save();
      if (this.#isStopping) return;
    }
    const round = new RoundClient(
      {
        runId,
        runStartHash,
        membership: identity.membership(),
        pipeline: plan.pipeline,
        schedule: plan.schedule,
        coldStartWarmupSteps: plan.coldStartWarmupSteps,
        maxPayloadBytes: plan.payloadBytes,
        hashEveryRound: this.#request.hashEveryRound,
        onTelemetry: (event, atMs) => {
          this.#tell({ type: "round", event, atMs });
          this.#behind?.heard(event);
          if (event.type === "stranded") this.#giveUp();
        },
      },
      {
        ...{ coordinator: reached.coordinator, network, blobs, engine, data, tensors: plan.tensors, signer: identity.peer },
        ...{ reveals: identity, clock: systemClock(), checkpoints: sink, modelCache: arriving },
      },
    );
    engine.onReset = (reason) => round.engineReset(reason);
    this.#membership = new AbortController();
    this.#round = round;
    this.#say({ kind: "joined" });
    round.start();
    const { coordinator } = reached;
    const checkpoint = coordinator.checkpoint?.bind(coordinator);
    if (checkpoint) {
      this.#stopPosting = postCheckpoints({
        coordinator: { subscribe: (listener) => coordinator.subscribe(listener), snapshot: () => coordinator.snapshot(), checkpoint },
        session: identity.session.publicKey,
        location: "p2p",
        holds: null,
        onWarning: (text) => this.#notice(text),
      });
    }
  }

  async #leaveRun(): Promise<void> {
    const round = this.#round;
    this.#round = null;
    this.#stopPosting();
    this.#stopPosting = () => undefined;
    if (round !== null) {
      // it would join again
      this.#membership.abort(new TabError("internal", "this tab leaves the run"));
      const stopped = (this.#givingUp ?? Promise.resolve()).then(() => round.stop());
      this.#leaving = Promise.race([stopped, new Promise<void>((resolve) => setTimeout(resolve, LEAVE_WITHIN_MS))]);
    }
    // also where it was begun by somebody else: a pause, and then the end
    await this.#leaving.catch((error: Error) => this.#notice(`it left without a word to the others: ${error.message}`));
  }

  /** In the opposite order of how it was made. */
  async #end(): Promise<void> {
    this.#ending.abort(new TabError("internal", "this tab stopped training"));
    this.#parts = null;
    for (const undo of this.#undo.splice(0).reverse()) await (async () => undo())().catch(() => undefined);
  }
}
