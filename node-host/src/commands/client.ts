/** `starling client`: joins a run at a TCP coordinator and trains until told to stop, or until the run is finished. */
import type { CoordinatorState } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { toHex } from "@starling/sdk/bytes";
import { composeClient, type Client, type ClientOptions } from "../compose.ts";
import { EXIT_CODES } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { chooseAdapter, type DeviceChoice } from "../platform/adapter.ts";
import { watchEventLoop } from "../platform/eventLoopLag.ts";
import { loadIdentity } from "../platform/identityFile.ts";
import { createLog } from "../platform/log.ts";
import { listenForStop } from "../platform/parent.ts";

const PEERS_EVERY_MS = 2_000;
const LAG_EVERY_MS = 10_000;
/** leaving politely may take this long; then the process goes without */
const LEAVE_LIMIT_MS = 4_000;

export async function client(options: ClientOptions): Promise<number> {
  const { identity, save } = loadIdentity(options.identitySecretKeyPath);
  identity.beginChain();
  save(); // before the first join: a restarted client must not reveal links twice
  const log = createLog(options.logs, `client-${toHex(identity.peer.publicKey).slice(0, 8)}`, options.eventsDir);
  const asked: ("evaluate" | "report")[] = [];
  let onAsked: () => void = () => undefined;
  const stop = listenForStop((message) => {
    if (message.type === "evaluate" || message.type === "report") asked.push(message.type);
    onAsked();
  });
  const adapter = await chooseAdapter(options.device as DeviceChoice);
  if (options.logs === "console") process.stdout.write(`${adapter.sentence}\n`);

  const c = await composeClient(options, identity, adapter, log, stop.signal);
  const answering = new Answering(c, log);
  onAsked = () => {
    for (const what of asked.splice(0)) void answering.answer(what);
  };
  if (options.evaluateEachEpoch) await answering.answer("evaluate");
  const timers = [
    setInterval(() => log({ type: "peers", connected: c.network.connectedPeers().length }), PEERS_EVERY_MS),
    setInterval(((lag) => () => log({ type: "event-loop", lagP99Ms: lag() }))(watchEventLoop()), LAG_EVERY_MS),
  ];
  const finished = new Promise<string>((resolve) => {
    c.coordinator.subscribe((snapshot) => {
      const state = Machine.load(snapshot.bytes).state();
      answering.state = state;
      if (state.runState === "Finished") resolve("the run is finished");
    });
  });
  answering.onEpochEnd = options.evaluateEachEpoch ? () => void answering.answer("evaluate") : () => undefined;
  c.round.start();
  onAsked();

  const reason = process.connected ? await stop.requested : await Promise.race([stop.requested, finished]);
  for (const timer of timers) clearInterval(timer);
  await within(c.round.stop(), LEAVE_LIMIT_MS);
  await within(answering.saveUnlessSaved(), LEAVE_LIMIT_MS);
  log({ type: "stopped", reason });
  await within(c.close(), LEAVE_LIMIT_MS);
  return EXIT_CODES.ok;
}

/** Measures and saves between rounds, one thing at a time. */
class Answering {
  readonly #client: Client;
  readonly #log: HostLog;
  #last: Promise<void> = Promise.resolve();
  /** the last loss, and the parameters it was measured on: asked again before they change, it is not measured again */
  #measured: { parameterHash: string; loss: number; tokens: number } | null = null;
  #state: CoordinatorState | null = null;
  onEpochEnd: () => void = () => undefined;

  constructor(client: Client, log: HostLog) {
    this.#client = client;
    this.#log = log;
  }

  set state(state: CoordinatorState) {
    const before = this.#state;
    this.#state = state;
    // a run that comes to rest is measured when its host asks
    if (before && state.epoch > before.epoch && state.runState !== "Paused") this.onEpochEnd();
  }

  /** last step whose results the parameters hold, as far as the coordinator knows */
  #step(): number {
    return Math.max(0, (this.#state?.step ?? 1) - 1);
  }

  answer(what: "evaluate" | "report"): Promise<void> {
    this.#last = this.#last.then(() => this.#answer(what)).catch((error: Error) => this.#log({ type: "warning", message: `${what} failed: ${error.message}` }));
    return this.#last;
  }

  async #answer(what: "evaluate" | "report"): Promise<void> {
    const { engine, heldOut } = this.#client;
    const step = this.#step();
    const parameterHash = toHex(await engine.parameterHash());
    this.#log({ type: "round", event: { type: "parameterHash", step, parameterHash } });
    if (what === "report") return;
    if (!heldOut) {
      this.#log({ type: "warning", message: "this run has no held-out text (a folder `heldout` beside its data): no loss is measured" });
      return;
    }
    if (this.#measured?.parameterHash !== parameterHash) {
      const sequences = await heldOut();
      const loss = await engine.evaluate(sequences);
      this.#measured = { parameterHash, loss, tokens: sequences.length * this.#client.plan.sequenceTokens };
    }
    this.#log({ type: "held-out", step, ...this.#measured });
  }

  /** At the end: what was trained since the last agreed checkpoint is kept too, marked as not agreed. */
  async saveUnlessSaved(): Promise<void> {
    const state = this.#state;
    if (!state || this.#step() === 0) return;
    const agreed = toHex(state.parameterHash);
    const have = toHex(await this.#client.engine.parameterHash());
    if (agreed === have) return; // the epoch's own checkpoint holds these parameters
    await this.#client.saveNow(this.#step(), state.epoch, false).catch((error: Error) => this.#log({ type: "warning", message: `no checkpoint was written: ${error.message}` }));
  }
}

async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work.catch(() => undefined), new Promise((resolve) => (timer = setTimeout(resolve, limitMs)))]);
  clearTimeout(timer);
}
