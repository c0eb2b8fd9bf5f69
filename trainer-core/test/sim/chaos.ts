/** Injects faults over time and mends them again. What a fault does to whom is noted, because it excuses what follows. */
import { seededRandom } from "@starling/network/random";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { mostLostMs } from "./server.ts";
import type { SimulatedClient, Simulation } from "./simulation.ts";

export const faultKinds = [
  "crash",
  "crashAll",
  "stall",
  "partition",
  "coordinatorCrash",
  "coordinatorCut",
  "diskFull",
  "slowLink",
  "requestFailures",
  "gossipStorm",
  "slowEngine",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ChaosOptions {
  kinds: readonly FaultKind[];
  meanGapMs: number;
  /** a fault, for the log */
  told: (text: string) => void;
}

/** How long a client that trains again may still be found to have been away; and the longest back-off. */
const aftermathMs = 6_000;
const fewestClients = 3;

/** `away`: its members cannot work with others; `hampered`: they may be too slow for them. */
type Effect = "away" | "hampered" | "none";

interface ActiveFault {
  kind: FaultKind;
  members: readonly number[];
  effect: Effect;
  mend: () => void;
}

export class Chaos {
  /** injected so far */
  readonly counts = new Map<FaultKind, number>();
  /** never came back */
  readonly gone = new Set<number>();
  readonly #simulation: Simulation;
  readonly #options: ChaosOptions;
  readonly #random: () => number;
  readonly #active = new Set<ActiveFault>();
  readonly #away = new Set<number>();
  readonly #hampered = new Set<number>();
  /** by member: until when it is excused for being away, ms */
  readonly #excusedUntilMs = new Map<number, number>();
  #mendedMs = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(simulation: Simulation, options: ChaosOptions) {
    this.#simulation = simulation;
    this.#options = options;
    this.#random = seededRandom(simulation.scenario.seed * 17 + 5);
  }

  start(): void {
    if (this.#options.kinds.length === 0) return;
    const gapMs = -Math.log(1 - this.#random()) * this.#options.meanGapMs;
    this.#simulation.virtual.schedule(gapMs, () => {
      if (this.#isOver) return;
      this.#inject(this.#options.kinds[Math.floor(this.#random() * this.#options.kinds.length)]);
      this.start();
    });
  }

  /** Mends everything; nothing happens any more. */
  end(): void {
    this.#isOver = true;
    for (const fault of [...this.#active]) this.#mend(fault);
  }

  /** Nothing is wrong, and nobody is still recovering. */
  get isQuiet(): boolean {
    const { clients } = this.#simulation;
    if (this.#simulation.virtual.now() < this.#mendedMs + aftermathMs) return false;
    return this.#active.size === 0 && !clients.some(({ number }) => this.isExcused(number));
  }

  get injected(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether a member may be found missing: it is, or lately was, dead, stopped, cut off or far too slow. */
  isExcused(number: number): boolean {
    return (this.#excusedUntilMs.get(number) ?? -1) >= this.#simulation.virtual.now();
  }

  /** Members that a fault now keeps from working with others. */
  isAway(number: number): boolean {
    return this.#away.has(number);
  }

  /** It is at work again. */
  trained(number: number): void {
    if (this.isAway(number) || this.#hampered.has(number) || this.#excusedUntilMs.get(number) !== Number.POSITIVE_INFINITY) return;
    this.#excusedUntilMs.set(number, this.#simulation.virtual.now() + aftermathMs);
  }

  #inject(kind: FaultKind): void {
    const ms = (low: number, high: number): number => low * (high / low) ** this.#random();
    switch (kind) {
      case "crash":
        return this.#crash(ms(300, 8_000));
      case "crashAll":
        return this.#crashAll(ms(500, 4_000));
      case "stall":
        return this.#one(kind, "away", ms(500, 20_000), ({ process }) => {
          process.stop();
          return () => process.resume();
        });
      case "partition":
        return this.#partition(ms(500, 10_000));
      case "coordinatorCrash":
        return this.#add(kind, [], ms(200, 8_000), () => {
          this.#simulation.server.crash(this.#random() < 0.5 ? 0 : this.#random() * mostLostMs);
          return () => this.#simulation.server.restart();
        });
      case "coordinatorCut":
        return this.#one(kind, "away", ms(500, 10_000), ({ coordinator }) => {
          coordinator.cut(true);
          return () => coordinator.cut(false);
        });
      case "diskFull":
        return this.#one(kind, "none", ms(5_000, 30_000), ({ disk }) => {
          disk.isFull = true;
          return () => void (disk.isFull = false);
        });
      case "slowLink":
        return this.#one(kind, "hampered", ms(5_000, 20_000), ({ line }) => {
          line.slowMs = ms(20, 400);
          return () => void (line.slowMs = 0);
        });
      case "requestFailures":
        return this.#one(kind, "hampered", ms(5_000, 20_000), ({ line, coordinator }) => {
          line.failRequests = coordinator.failCalls = ms(0.02, 0.4);
          return () => void (line.failRequests = coordinator.failCalls = 0);
        });
      case "gossipStorm":
        return this.#gossipStorm(ms(2_000, 10_000));
      case "slowEngine":
        return this.#one(kind, "hampered", ms(5_000, 20_000), (client) => {
          client.slowness = ms(2, 15);
          return () => void (client.slowness = 1);
        });
      default:
        return kind satisfies never;
    }
  }

  #add(kind: FaultKind, members: readonly number[], durationMs: number, inject: () => () => void, effect: Effect = "none"): void {
    // one of a kind at a time for each member, and for the whole
    for (const other of this.#active) {
      if (other.kind === kind && other.members.join() === members.join()) return;
    }
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#options.told(`${kind}${members.length > 0 ? ` of ${members.join(", ")}` : ""} for ${Math.round(durationMs)} ms`);
    const affected = { away: this.#away, hampered: this.#hampered, none: null }[effect];
    for (const member of affected === null ? [] : members) {
      affected?.add(member);
      this.#excusedUntilMs.set(member, Number.POSITIVE_INFINITY);
    }
    const fault: ActiveFault = { kind, members, effect, mend: inject() };
    this.#active.add(fault);
    this.#simulation.virtual.schedule(durationMs, () => this.#mend(fault));
  }

  #mend(fault: ActiveFault): void {
    if (!this.#active.delete(fault)) return;
    fault.mend();
    this.#mendedMs = this.#simulation.virtual.now();
    this.#options.told(`${fault.kind}${fault.members.length > 0 ? ` of ${fault.members.join(", ")}` : ""} is over`);
    for (const member of fault.members) {
      if (fault.effect === "away") this.#away.delete(member);
      if (fault.effect === "hampered" && !this.#isHampered(member)) this.#hampered.delete(member);
    }
  }

  #isHampered(number: number): boolean {
    return [...this.#active].some(({ effect, members }) => effect === "hampered" && members.includes(number));
  }

  /** Honest clients that no fault keeps away. */
  #present(): SimulatedClient[] {
    return this.#simulation.clients.filter(({ adversary, number }) => adversary === null && !this.isAway(number));
  }

  /** Fewer than a third of those at work may be dishonest: nobody honest goes away beyond that. */
  #maySpare(count: number): boolean {
    const state = this.#simulation.server.state();
    const isIn = (client: SimulatedClient): boolean => {
      const slot = state.clients.find(({ peerId }) => equalBytes(peerId, client.network.self));
      return slot === undefined || slot.state === "Healthy";
    };
    const dishonest = this.#simulation.clients.filter(({ adversary }) => adversary !== null).length;
    const honest = this.#present().filter(isIn).length - count;
    return dishonest === 0 || 3 * dishonest < dishonest + honest;
  }

  #one(kind: FaultKind, effect: Effect, durationMs: number, inject: (client: SimulatedClient) => () => void): void {
    const present = this.#present();
    const client = present[Math.floor(this.#random() * present.length)];
    if (client === undefined || (effect === "away" && !this.#maySpare(1))) return;
    this.#add(kind, [client.number], durationMs, () => inject(client), effect);
  }

  #crash(downMs: number): void {
    const isForEver = this.#random() < 0.04;
    const fromDisk = this.#random() < 0.5;
    const present = this.#present();
    const client = present[Math.floor(this.#random() * present.length)];
    if (client === undefined || !this.#maySpare(1)) return;
    // somebody must be left who holds the agreed parameters
    if (!present.some((other) => other !== client && this.#holdsAgreed(other))) return;
    const honest = this.#simulation.clients.filter(({ adversary }) => adversary === null).length;
    const forEver = isForEver && this.#options.kinds.length > 0 && honest > fewestClients;
    if (forEver) this.gone.add(client.number);
    this.#add(
      "crash",
      [client.number],
      downMs,
      () => {
        this.#simulation.kill(client);
        return () => {
          if (!this.gone.has(client.number)) this.#simulation.add(client.number, null, { fromDisk });
        };
      },
      "away",
    );
  }

  /** A power cut: every honest client dies, and goes on from its checkpoint. */
  #crashAll(downMs: number): void {
    const present = this.#present();
    if (present.length === 0 || !this.#maySpare(present.length) || this.#random() < 0.6) return;
    const { parameterHash, parameterHashEpoch } = this.#simulation.server.state();
    const saved = present.some(({ disk }) => disk.holds(parameterHash));
    if (parameterHashEpoch !== 0xffff && !saved) return;
    const members = present.map(({ number }) => number);
    this.#add(
      "crashAll",
      members,
      downMs,
      () => {
        for (const client of present) this.#simulation.kill(client);
        return () => {
          for (const number of members) this.#simulation.add(number, null, { fromDisk: true });
        };
      },
      "away",
    );
  }

  #holdsAgreed({ client, process }: SimulatedClient): boolean {
    const { parameterHash, parameterHashEpoch } = this.#simulation.server.state();
    if (process.status !== "running") return false;
    return parameterHashEpoch === 0xffff || client.state.model?.hash === toHex(parameterHash);
  }

  #partition(durationMs: number): void {
    const { clients, hub } = this.#simulation;
    if ([...this.#active].some(({ kind }) => kind === "partition")) return;
    const apart = this.#present().filter(() => this.#random() < 0.35);
    const alsoCut = this.#random() < 0.4;
    const isAlone = this.#random() < 0.5;
    const rest = clients.filter((client) => !apart.includes(client));
    // where no side has a quorum, either may find the other one missing
    const away = 3 * rest.length >= 2 * clients.length ? apart : this.#present();
    if (apart.length === 0 || !this.#maySpare(away.length)) return;
    const keys = (group: readonly SimulatedClient[]): Uint8Array[] => group.map(({ network }) => network.self);
    this.#add(
      "partition",
      away.map(({ number }) => number),
      durationMs,
      () => {
        hub.partition([keys(rest), ...(isAlone ? apart.map((client) => keys([client])) : [keys(apart)])]);
        if (alsoCut) for (const { coordinator } of apart) coordinator.cut(true);
        return () => {
          hub.heal();
          if (alsoCut) for (const { coordinator } of apart) coordinator.cut(false);
        };
      },
      "away",
    );
  }

  #gossipStorm(durationMs: number): void {
    const { faults } = this.#simulation.hub;
    const before = { ...faults };
    this.#add("gossipStorm", [], durationMs, () => {
      faults.dropGossip = Math.max(faults.dropGossip, 0.2 + this.#random() * 0.4);
      faults.delayMs = [1, Math.max(faults.delayMs[1], 50 + this.#random() * 250)];
      faults.reorderGossip = 0.5;
      faults.duplicateGossip = 0.3;
      return () => void Object.assign(faults, before);
    });
  }
}
