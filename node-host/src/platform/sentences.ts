/** One process's events as sentences for the person at the terminal: what changed, once, and what is wrong. */
import { tierSentence } from "../engine/tierFacts.ts";
import { roundOf, type HostEvent } from "../events.ts";
import { coordinatorSentence } from "./coordinatorWatch.ts";
import { Troubles } from "./troubles.ts";

type Round = Extract<HostEvent, { type: "round" }>["event"];
type Phase = Extract<HostEvent, { type: "phase" }>;

/** An event loop held up for longer makes peers notice. */
const LAG_WORTH_SAYING_MS = 200;
const LAG_AGAIN_MS = 300_000;

export class Sentences {
  readonly #troubles: Troubles;
  #peers: number | null = null;
  #phase = "";
  #isCoordinator = false;

  constructor(nowMs?: () => number) {
    this.#troubles = new Troubles(nowMs);
  }

  /** null: nothing that a person wants to read. */
  of(event: HostEvent): string | null {
    switch (event.type) {
      case "listening":
        this.#isCoordinator = true;
        return `run ${event.runId}: clients join with --server-addr ${addressToName(event.multiaddrs)}`;
      case "data-listening":
        return `run ${event.runId}: serves ${event.sequences.toLocaleString("en")} sequences to its members; their data_location is Server = "${addressToName(event.multiaddrs)}"`;
      case "data-served":
        return null;
      case "validator":
        return `a Solana cluster of this machine: RPC ${event.rpc}, websocket ${event.ws}`;
      case "session":
        return `session ${event.session} of wallet ${event.owner}, until ${new Date(event.expiresMs).toISOString().slice(0, 10)}, with ${(event.floatLamports / 1e9).toFixed(4)} SOL for fees`;
      case "starting":
        return `run ${event.runId}: this client is ${event.peerId.slice(0, 8)}, reached at ${addressToName(event.multiaddrs)}; compiles its kernels for ${event.parameters.toLocaleString("en")} parameters ...`;
      case "phase":
        return this.#phaseSentence(event);
      case "votes":
      case "roster":
      case "stopping":
        return null;
      case "member":
        return memberSentence(event.client, event.change);
      case "engine":
        return [
          ...(event.memory?.sentences ?? []),
          ...(event.matformer ? [tierSentence(event.matformer)] : []),
          `${event.profile} kernels in ${event.precision.precision} (${event.precision.reason}) on ${event.adapter}, compiled in ${(event.compileMs / 1000).toFixed(1)} s; joins the run`,
        ].join("; ");
      case "held-out":
        return `held-out loss ${event.loss.toFixed(3)} nats/token, perplexity ${event.perplexity.toPrecision(4)} (step ${event.step})`;
      case "sample":
        return `writes: ${JSON.stringify(event.prompt + event.text)}`;
      case "task":
        return `${event.name}: acc ${event.acc.toFixed(3)}, acc_norm ${event.accNorm.toFixed(3)} (${event.asked} of ${event.total} questions)`;
      case "saved":
        return `checkpoint ${event.path}${event.agreed ? "" : " (in the middle of an epoch: not agreed)"}`;
      case "restored":
        return `goes on with the saved run in epoch ${event.epoch}, step ${event.step}, with ${event.members} members; it was away for ${(event.downMs / 1000).toFixed(0)} s`;
      case "went-back":
        return wentBackSentence(event);
      case "coordinator":
        return coordinatorSentence(event);
      case "resumed":
        return `goes on from its checkpoint ${event.path} (epoch ${event.epoch}, step ${event.step})`;
      case "peers": {
        const said = this.#peers;
        this.#peers = event.connected;
        if (said === event.connected) return null;
        return event.connected === 1 ? "connected to 1 other client" : `connected to ${event.connected} other clients`;
      }
      case "resources":
        return event.lagP99Ms > LAG_WORTH_SAYING_MS
          ? this.#troubles.repeated(
              `warning: this process was held up for ${Math.round(event.lagP99Ms)} ms at a time: is the machine overloaded? Others take a client that answers late for one that is gone`,
              "lag",
              LAG_AGAIN_MS,
            )
          : null;
      case "limit":
        return this.#troubles.rejected(`${event.count} times by the limit ${event.limit}`, `${event.who} sends too much`);
      case "metrics":
        return `metrics for Prometheus at ${event.url}`;
      case "traffic":
      case "events-dropped":
        return null;
      case "warning":
        return this.#troubles.repeated(`warning: ${event.message}`);
      case "stopped":
        return `stopped: ${event.reason}`;
      case "round":
        return this.#roundSentence(event.event);
    }
  }

  /** One line at each change; one a round at the coordinator only, a client's rounds speak by what it trains. */
  #phaseSentence({ runState, epoch, step, round, epochRounds, live, pending, wanted }: Phase): string | null {
    switch (runState) {
      case "RoundTrain":
        if (!this.#isCoordinator) return null;
        return this.#once(`epoch ${epoch} round ${roundOf(round, epochRounds)} step ${step}  clients ${live}`);
      case "RoundWitness":
        return null;
      case "WaitingForMembers":
        return this.#once(waitingSentence(epoch, pending, wanted));
      case "Warmup":
        return this.#once(`epoch ${epoch}: warm-up with ${live} clients`);
      case "Cooldown":
        return this.#once(`epoch ${epoch}: cooldown`);
      case "Paused":
        return this.#once("paused");
      case "Finished":
        return this.#once("the run is finished");
      case "Uninitialized":
        return null;
    }
  }

  #once(line: string): string | null {
    if (line === this.#phase) return null;
    this.#phase = line;
    return line;
  }

  #roundSentence(event: Round): string | null {
    switch (event.type) {
      case "trained":
        return `step ${event.step}: loss ${event.loss?.toFixed(3) ?? "-"}, ${event.tokens} tokens in ${Math.round(event.trainMs)} ms`;
      case "behind":
        return `late for step ${event.step}: gets ${event.missing} from the other members`;
      case "replay":
        return `late: catches up from step ${event.fromStep} to ${event.toStep}`;
      case "caughtUp":
        return `caught up at step ${event.step}, trains again`;
      case "modelProgress":
        return `receives the model: ${percentOf(event.verifiedBytes, event.sizeBytes)} of ${event.sizeBytes.toLocaleString("en")} bytes, from ${event.providers} members`;
      case "stranded":
        return `does not train before the next epoch: ${event.reason}`;
      case "epochLost":
        return `epoch ${event.epoch} is lost: ${event.reason}`;
      case "wentBack":
        return wentBackSentence(event);
      case "resync":
        return "has other parameters than the agreed ones and replaces them";
      case "modelReceived":
        return `received the model, ${event.sizeBytes.toLocaleString("en")} bytes`;
      case "epochModel":
        return `epoch ${event.epoch} agreed on parameters ${event.parameterHash.slice(0, 16)}`;
      case "equivocation":
        return `client slot ${event.clientIndex} signed two results for one batch (step ${event.step}): reported`;
      case "rejected":
        return this.#troubles.rejected(event.what, event.reason);
      case "error":
        return this.#troubles.failed(event.action, event.message);
      case "phase":
      case "epochReady":
      case "roundBegan":
      case "parameterHash":
      case "announced":
      case "witnessSent":
      case "downloadsSent":
      case "download":
      case "checkpoint":
      case "left":
        return null;
    }
  }
}

function percentOf(part: number, whole: number): string {
  return `${Math.floor((100 * part) / Math.max(1, whole))} %`;
}

/** Of several addresses that which other machines can dial. */
function addressToName(multiaddrs: readonly string[]): string {
  const tcp = multiaddrs.filter((address) => !address.includes("/ws"));
  return tcp.find((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address)) ?? tcp[0] ?? multiaddrs[0] ?? "no address";
}

/** Before an epoch: for whom it waits. */
export function waitingSentence(epoch: number, pending: number, wanted: number): string {
  const missing = wanted - pending;
  if (missing <= 0) return `epoch ${epoch}: ${pending} members are here, begins soon`;
  return `epoch ${epoch}: waits for ${missing} more ${missing === 1 ? "member" : "members"}, ${pending} of ${wanted} are here`;
}

/** After a loss of all machines at once; see docs/round.md. */
export function wentBackSentence({ lostEpoch, toEpoch }: { lostEpoch: number; toEpoch: number | null }): string {
  const to = toEpoch === null ? "its own start" : `those of epoch ${toEpoch}`;
  return `nobody holds the parameters agreed at epoch ${lostEpoch}; the run goes back to ${to}`;
}

/** What happened to a member, from the coordinator's side. */
export function memberSentence(client: string, change: Extract<HostEvent, { type: "member" }>["change"]): string {
  switch (change) {
    case "joined":
      return `${client} joined the run`;
    case "left":
      return `${client} left the run`;
    case "withdrawn":
      return `${client} gave up its slot in this epoch`;
    case "dropped":
      return `${client} was dropped from this epoch: it took no part for too long`;
    case "ejected":
      return `${client} was ejected from this epoch`;
  }
}
