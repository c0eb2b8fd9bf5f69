/** What the local testnet knows of its run from its children's events, and the lines and the JSON object made of it. */
import { tierSentence } from "../engine/tierFacts.ts";
import { roundOf, type HostEvent } from "../events.ts";
import { Troubles } from "../platform/troubles.ts";

/** The one object that a headless run prints on stdout. */
export interface TestnetResult {
  clients: number;
  rounds: number;
  lossFirst: number;
  lossLast: number;
  tokens: number;
  tokensPerSecond: number;
  parameterHashes: Record<string, string>;
  checkpoint: string;
}

interface ClientTally {
  live: boolean;
  /** its engine is there */
  ready: boolean;
  peers: number;
  /** hashes it reported, by the step they belong to; the newest few, rising */
  hashes: Map<number, string>;
  /** newest round it began; 0 before the first */
  begunStep: number;
  troubles: Troubles;
  saved: { path: string; step: number } | null;
}

interface HeldOut {
  step: number;
  loss: number;
}

interface RoundTally {
  losses: number[];
  tokens: number;
}

/** Rounds over which the displayed speed is averaged. */
const SPEED_ROUNDS = 8;
const KEPT_HASHES = 8;
/** Clients this close behind the newest round are in it. */
const SAME_ROUND_STEPS = 2;

export class Tally {
  readonly #clients = new Map<string, ClientTally>();
  readonly #rounds = new Map<number, RoundTally>();
  readonly #roundEnds: { atMs: number; tokens: number }[] = [];
  readonly #nowMs: () => number;
  #heldOutFirst: HeldOut | null = null;
  #heldOutLast: HeldOut | null = null;
  #tokens = 0;
  #trainedRounds = 0;
  #firstRoundMs: number | null = null;
  #lastRoundMs: number | null = null;
  phase: Extract<HostEvent, { type: "phase" }> | null = null;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  #client(name: string): ClientTally {
    let tally = this.#clients.get(name);
    if (!tally) this.#clients.set(name, (tally = this.#fresh()));
    return tally;
  }

  #fresh(): ClientTally {
    return { live: true, ready: false, peers: 0, hashes: new Map(), begunStep: 0, troubles: new Troubles(this.#nowMs), saved: null };
  }

  /** A client's process starts: what an earlier one of that name had does not count, but for its checkpoint. */
  started(client: string): void {
    const { saved } = this.#client(client);
    this.#clients.set(client, { ...this.#fresh(), saved });
  }

  died(client: string): void {
    this.#client(client).live = false;
  }

  isReady(client: string): boolean {
    return this.#client(client).ready;
  }

  /** Whether it took part in the newest round: a client that joined during an epoch holds other parameters until the next. */
  isCurrent(client: string): boolean {
    const newest = (this.phase?.step ?? 1) - 1;
    return this.#client(client).begunStep >= newest;
  }

  /** Takes a client's event in; returns a line to print where it deserves one. */
  onClientEvent(client: string, event: HostEvent): string | null {
    const tally = this.#client(client);
    switch (event.type) {
      case "engine":
        tally.ready = true;
        return `${client} ready: ${event.parameters.toLocaleString("en")} parameters, ${event.profile} kernels in ${event.precision.precision} on ${event.adapter}, compiled in ${(event.compileMs / 1000).toFixed(1)} s${event.matformer ? `; ${tierSentence(event.matformer)}` : ""}`;
      case "held-out": {
        const heldOut = { step: event.step, loss: event.loss };
        const same = this.#heldOutLast?.step === event.step && this.#heldOutLast.loss === event.loss;
        if (same) return null;
        this.#heldOutFirst ??= heldOut;
        this.#heldOutLast = heldOut;
        return `held-out loss ${event.loss.toFixed(3)} nats/token, perplexity ${event.perplexity.toPrecision(4)}, on ${event.tokens.toLocaleString("en")} tokens ${event.step === 0 ? "before training" : `after step ${event.step}`}`;
      }
      case "sample":
        return `${client} writes: ${JSON.stringify(event.prompt + event.text)}`;
      case "task":
        return `${event.name}: acc_norm ${event.accNorm.toFixed(3)} on ${event.asked} of ${event.total} questions`;
      case "saved":
        tally.saved = { path: event.path, step: event.step };
        return null;
      case "resumed":
        tally.saved ??= { path: event.path, step: event.step };
        return `${client} goes on from its checkpoint of epoch ${event.epoch}, step ${event.step}`;
      case "peers":
        tally.peers = event.connected;
        return null;
      case "warning":
        return prefixed(client, tally.troubles.repeated(event.message));
      case "round":
        return this.#onRoundEvent(client, tally, event.event);
      case "listening":
      case "data-listening":
      case "data-served":
      case "validator":
      case "session":
      case "went-back":
      case "restored":
      case "coordinator":
      case "starting":
      case "phase":
      case "votes":
      case "roster":
      case "member":
      case "stopping":
      case "resources":
      case "traffic":
      case "limit":
      case "metrics":
      case "events-dropped":
      case "stopped":
        return null;
    }
  }

  #onRoundEvent(client: string, tally: ClientTally, event: Extract<HostEvent, { type: "round" }>["event"]): string | null {
    switch (event.type) {
      case "trained": {
        const round = this.#rounds.get(event.step) ?? { losses: [], tokens: 0 };
        if (event.loss !== null) round.losses.push(event.loss);
        round.tokens += event.tokens;
        this.#tokens += event.tokens;
        this.#rounds.set(event.step, round);
        return null;
      }
      case "parameterHash":
      case "epochModel":
        tally.hashes.set(event.step, event.parameterHash);
        for (const step of tally.hashes.keys()) if (tally.hashes.size > KEPT_HASHES) tally.hashes.delete(step);
        return null;
      case "roundBegan":
        tally.begunStep = event.step;
        return null;
      case "behind":
        return `${client} is late for step ${event.step}: gets ${event.missing} from the other members`;
      case "replay":
        return `${client} is late: catches up from step ${event.fromStep} to ${event.toStep}`;
      case "caughtUp":
        return `${client} caught up at step ${event.step}`;
      case "stranded":
        return `${client} does not train before the next epoch: ${event.reason}`;
      case "epochLost":
        return `${client}: epoch ${event.epoch} is lost: ${event.reason}`;
      case "wentBack":
        // the coordinator says it for all
        return null;
      case "resync":
        return `${client} has other parameters than the agreed ones and replaces them`;
      case "modelReceived":
        return `${client} received the model (${event.sizeBytes.toLocaleString("en")} bytes), hash ${event.parameterHash.slice(0, 12)}`;
      case "equivocation":
        return `${client} saw client slot ${event.clientIndex} sign two results for one batch (step ${event.step})`;
      case "rejected":
        return prefixed(client, tally.troubles.rejected(event.what, event.reason));
      case "error":
        return prefixed(client, tally.troubles.failed(event.action, event.message));
      case "phase":
      case "epochReady":
      case "announced":
      case "download":
      case "modelProgress":
      case "witnessSent":
      case "downloadsSent":
      case "checkpoint":
      case "left":
        return null;
    }
  }

  /** A round has ended: the line about it, or null where none was trained. */
  roundLine(step: number, round: number, epochRounds: number, epoch: number): string | null {
    const tally = this.#rounds.get(step);
    if (!tally) return null;
    const nowMs = this.#nowMs();
    this.#trainedRounds++;
    this.#firstRoundMs ??= nowMs;
    this.#lastRoundMs = nowMs;
    this.#roundEnds.push({ atMs: nowMs, tokens: tally.tokens });
    if (this.#roundEnds.length > SPEED_ROUNDS) this.#roundEnds.shift();
    for (const known of this.#rounds.keys()) if (known < step - 16) this.#rounds.delete(known);
    const loss = tally.losses.length > 0 ? (tally.losses.reduce((a, b) => a + b, 0) / tally.losses.length).toFixed(3) : "-";
    const speed = this.#recentTokensPerSecond();
    const peers = Math.max(0, ...[...this.#clients.values()].filter((c) => c.live).map((c) => c.peers));
    const tokensPerSecond = speed === null ? "-" : Math.round(speed).toLocaleString("en");
    return `epoch ${epoch} round ${roundOf(round, epochRounds)} step ${step}  loss ${loss}  ${tokensPerSecond} tokens/s  clients ${this.phase?.live ?? "-"}  peers ${peers}`;
  }

  #recentTokensPerSecond(): number | null {
    const [first, ...rest] = this.#roundEnds;
    const last = rest.at(-1);
    if (!first || !last) return null;
    return rest.reduce((sum, r) => sum + r.tokens, 0) / ((last.atMs - first.atMs) / 1000);
  }

  get trainedRounds(): number {
    return this.#trainedRounds;
  }

  get heldOutMeasured(): boolean {
    return this.#heldOutFirst !== null && this.#heldOutLast !== null && this.#heldOutFirst !== this.#heldOutLast;
  }

  /**
   * By name, the live clients' parameter hashes at the newest round that all of them reached: of the final step once the run
   * rests. A client that took no part in the last rounds has none.
   */
  hashes(): Record<string, string> {
    const newest = ({ hashes }: ClientTally) => Math.max(-1, ...hashes.keys());
    const live = [...this.#clients].filter(([, c]) => c.live && c.hashes.size > 0);
    const last = Math.max(...live.map(([, c]) => newest(c)));
    const inRound = live.filter(([, c]) => newest(c) >= last - SAME_ROUND_STEPS);
    const step = Math.min(...inRound.map(([, c]) => newest(c)));
    return Object.fromEntries(inRound.flatMap(([name, { hashes }]) => (hashes.has(step) ? [[name, hashes.get(step)!]] : [])));
  }

  /** newest checkpoint of the first client that has one */
  checkpoint(): string | null {
    const saved = [...this.#clients.values()].flatMap((c) => (c.saved ? [c.saved] : []));
    const newest = Math.max(...saved.map((s) => s.step));
    return saved.find((s) => s.step === newest)?.path ?? null;
  }

  /** null while there is no loss to report. */
  result(clients: number): TestnetResult | null {
    if (!this.#heldOutFirst || !this.#heldOutLast || !this.heldOutMeasured) return null;
    const seconds = this.#firstRoundMs === null || this.#lastRoundMs === null ? 0 : (this.#lastRoundMs - this.#firstRoundMs) / 1000;
    return {
      clients,
      rounds: this.#trainedRounds,
      lossFirst: this.#heldOutFirst.loss,
      lossLast: this.#heldOutLast.loss,
      tokens: this.#tokens,
      tokensPerSecond: seconds > 0 ? Math.round((this.#tokens / seconds) * 10) / 10 : 0,
      parameterHashes: this.hashes(),
      checkpoint: this.checkpoint() ?? "",
    };
  }
}

function prefixed(client: string, line: string | null): string | null {
  return line === null ? null : `${client}: ${line}`;
}
