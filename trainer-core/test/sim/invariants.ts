/** What must hold in every run, whatever happens to it. Watches while the run goes on; the first break ends it. */
import type { Transition } from "@starling/sdk/coreOptions";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { phaseLimitMs } from "@starling/sdk/phaseLimit";
import type { CoordinatorState } from "@starling/sdk/types";
import { retainedRounds } from "../../src/round/states.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import type { Chaos } from "./chaos.ts";
import { member } from "./keys.node.ts";
import { Ledger } from "./ledger.ts";
import type { SimulatedClient, Simulation } from "./simulation.ts";
import { maxPayloadBytes } from "./twinEngine.ts";

export interface Violation {
  invariant: "one hash" | "nobody honest ejected" | "points add up" | "progress" | "no fault of our own";
  text: string;
  /** numbers of the clients concerned; empty: all */
  members: number[];
}

/** What a round may need besides its phases: ticks, and a client's longest pause before it tries again. */
const slackMs = 6_000;
/** Rounds that are kept, the one under way, and those of an epoch that began anew. */
const mostRounds = retainedRounds + 4;
const mostAttempts = 256;
const modelBytes = 1024;

export class Invariants {
  violation: Violation | null = null;
  /** dishonest members that were */
  ejected = 0;
  readonly ledger = new Ledger();
  readonly #simulation: Simulation;
  readonly #chaos: Chaos;
  /** parameters with which each step began, and who has them */
  readonly #hashes = new Map<number, { hash: string; members: Set<number> }>();
  /** slots that are not Healthy, by session, of the present (or last) epoch */
  #exits = new Map<string, string>();
  #epochStartMs = 0n;
  #place = "";
  #sinceMs = 0;

  constructor(simulation: Simulation, chaos: Chaos) {
    this.#simulation = simulation;
    this.#chaos = chaos;
  }

  fail(invariant: Violation["invariant"], text: string, members: number[] = []): void {
    this.violation ??= { invariant, text, members };
  }

  event(client: SimulatedClient, event: TelemetryEvent): void {
    if (client.adversary !== null) return;
    if (event.type === "parameterHash") this.#noteHash(client, event.step, event.parameterHash);
    // what a transition throws is told as an error of that event
    if (event.type === "error" && event.action.startsWith("event ")) {
      this.fail("no fault of our own", `${client.name}: ${event.action}: ${event.message}`, [client.number]);
    }
  }

  transition(transition: Transition): void {
    const { from, state } = transition;
    for (const problem of this.ledger.note(transition)) this.fail("points add up", problem);
    if (from === "RoundWitness" && state.parameterHashEpoch === state.epoch) this.#checkAgreed(state);
    if (transition.to === "RoundTrain") this.#checkMemory();
  }

  /** Looks at the coordinator's state after each of its changes. */
  state(state: CoordinatorState): void {
    if (state.epochStartMs !== this.#epochStartMs) this.#exits = new Map();
    this.#epochStartMs = state.epochStartMs;
    for (const { state: is, session } of state.clients) {
      const hex = toHex(session);
      if (is === "Healthy" || this.#exits.get(hex) === is) continue;
      this.#exits.set(hex, is);
      const { clients } = this.#simulation;
      const number = this.#numberOf(session);
      const adversary = this.#simulation.scenario.adversaries[number] ?? null;
      if (adversary !== null) {
        if (is === "Ejected") this.ejected++;
        continue;
      }
      if (is === "Ejected") this.fail("nobody honest ejected", `client ${number} is ejected`, [number]);
      // a pause withdraws everybody, and so does leaving
      const isHere = clients.some((client) => client.number === number && client.client.state.stage.name !== "left");
      if (state.runState !== "Paused" && isHere && !this.#chaos.isExcused(number)) {
        this.fail("nobody honest ejected", `client ${number} is ${is}, and no fault kept it away`, [number]);
      }
    }
  }

  /**
   * Called now and then. While a quorum of the epoch's members is honest, connected and running, every phase ends by its
   * time-out at the latest, and so does each wait between epochs.
   */
  progress(): void {
    const { server, virtual } = this.#simulation;
    const state = server.state();
    const place = `${state.runState}/${state.step}/${state.runStateStartedMs}`;
    if (place !== this.#place || server.core === null || !this.#quorumLives(state)) {
      this.#place = place;
      this.#sinceMs = virtual.now();
      return;
    }
    const phaseMs = phaseLimitMs(state) ?? Number.POSITIVE_INFINITY;
    if (virtual.now() - this.#sinceMs > phaseMs + slackMs) {
      this.fail(
        "progress",
        `the run has been in ${state.runState} of epoch ${state.epoch}, step ${state.step} for more than ${phaseMs} ms`,
      );
    }
  }

  /** Clients of which parameters are known with which `step` began. */
  holders(step: number): ReadonlySet<number> {
    return this.#hashes.get(step)?.members ?? new Set();
  }

  #noteHash({ number, name }: SimulatedClient, step: number, hash: string): void {
    const known = this.#hashes.get(step);
    if (known === undefined) {
      this.#hashes.set(step, { hash, members: new Set([number]) });
      this.#hashes.delete(step - 64);
      return;
    }
    if (known.hash !== hash) {
      const others = [...known.members];
      this.fail("one hash", `after step ${step} began ${name} has ${short(hash)}, ${others.join(", ")} ${short(known.hash)}`, [
        number,
        others[0],
      ]);
    }
    known.members.add(number);
  }

  #checkAgreed(state: CoordinatorState): void {
    const last = this.#hashes.get(state.step - 1);
    const agreed = toHex(state.parameterHash);
    if (last !== undefined && last.hash !== agreed) {
      this.fail(
        "one hash",
        `the coordinator agreed on ${short(agreed)}, honest clients hold ${short(last.hash)} in step ${state.step - 1}`,
      );
    }
  }

  #quorumLives(state: CoordinatorState): boolean {
    const working = this.#simulation.clients.filter(
      ({ adversary, number, network }) =>
        adversary === null &&
        !this.#chaos.isAway(number) &&
        (["WaitingForMembers", "Finished"].includes(state.runState) ||
          state.clients.some(({ state: is, peerId }) => is === "Healthy" && equalBytes(peerId, network.self))),
    ).length;
    const healthy = state.clients.filter(({ state: is }) => is === "Healthy").length;
    const needed = Math.max(Math.ceil((2 * healthy) / 3), state.config.minClients);
    return working >= (state.epoch === 0 ? Math.max(needed, state.config.initMinClients) : needed);
  }

  /** Nothing grows with the length of the run. */
  #checkMemory(): void {
    const { clients, scenario } = this.#simulation;
    for (const { adversary, name, number, client, blobs, process } of clients) {
      if (adversary !== null || process.status !== "running") continue;
      const { rounds, early, attempts } = client.state;
      const sizes = [
        ["rounds kept", rounds.size, mostRounds],
        ["early announcements", early.length, 4 * scenario.clients],
        ["attempts", attempts.size, mostAttempts],
        // one that wakes up asks for every result of every round kept at once, each request with its deadlines
        ["timers", process.timers, 100 + 12 * mostRounds * scenario.clients],
        ["bytes of blobs", blobs.usedBytes, 4 * modelBytes + mostRounds * scenario.clients * 4 * maxPayloadBytes],
      ] as const;
      for (const [what, size, most] of sizes) {
        if (size > most) this.fail("no fault of our own", `${name} has ${size} ${what}, at most ${most} are needed`, [number]);
      }
    }
  }

  #numberOf(session: Uint8Array): number {
    const { clients } = this.#simulation.scenario;
    for (let number = 0; number < clients; number++) {
      if (equalBytes(member(number).identity.session.publicKey, session)) return number;
    }
    throw new RangeError("a slot of nobody that this simulation knows");
  }
}

function short(hash: string): string {
  return hash.slice(0, 8);
}
