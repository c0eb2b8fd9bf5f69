import { seededRandom } from "@starling/network/random";
import { type Adversary, adversaryKinds } from "./adversaries.ts";
import { type FaultKind, faultKinds } from "./chaos.ts";
import type { Scenario } from "./simulation.ts";

export interface ScenarioOptions {
  /** of a run of a few clients; larger runs are shorter */
  epochs?: number;
  /** default: drawn from the seed */
  clients?: number;
}

export interface ChaosScenario extends Scenario {
  epochs: number;
  faultKinds: FaultKind[];
  /** mean time between two faults, ms */
  faultGapMs: number;
}

/** Most clients for which the whole of the wanted epochs is run: a run costs the square of them. */
const few = 9;

/**
 * A scenario from a seed: mostly few clients, fewer than a third of them dishonest, a network that loses and delays, wall
 * clocks that are off, and faults of some kinds, now and then.
 */
export function scenarioOf(seed: number, options: ScenarioOptions = {}): ChaosScenario {
  const random = seededRandom(seed);
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const between = (low: number, high: number): number => low * (high / low) ** random();
  const drawn = sizeOf(seed, random);
  const clients = options.clients ?? drawn;
  const wanted = options.epochs ?? 10;
  const epochs = clients <= few ? wanted : Math.max(2, Math.ceil((wanted * few) / clients / 2));

  const witnessNodes = random() < 0.85 ? 0 : 2 + Math.floor(random() * 2);
  // fewer than a third of those elected may lie, so where few are elected nobody does
  const mostDishonest = witnessNodes === 0 || witnessNodes >= clients ? Math.floor((Math.min(clients, 32) - 1) / 3) : 0;
  const dishonest = random() < 0.4 ? 0 : Math.ceil(random() * mostDishonest);
  const adversaries = Array.from({ length: Math.min(dishonest, 4) }, (): Adversary => draw(adversaryKinds));
  const batchSize = draw([Math.max(3, clients - 1), Math.max(14, clients), 2 * clients]);
  const longestMs = 5 + random() * 100;
  const isCalm = random() < 0.1;
  return {
    seed,
    clients,
    adversaries,
    pipeline: random() < 0.7 ? "overlapped" : "sync",
    epochs,
    faults: {
      dropGossip: random() < 0.5 ? 0 : random() * 0.4,
      duplicateGossip: random() * 0.2,
      reorderGossip: random() * 0.3,
      delayMs: [1, longestMs],
    },
    skewMs: random() < 0.4 ? 0 : 5_000,
    config: {
      // more than are kept, where that costs little
      roundsPerEpoch: draw(clients <= 4 ? [2, 3, 3, 4, 5, 12] : [2, 2, 3, 4]),
      witnessNodes,
      minClients: Math.max(2, witnessNodes),
      globalBatchSizeStart: batchSize,
      globalBatchSizeEnd: batchSize,
    },
    faultKinds: isCalm ? [] : faultKinds.filter(() => random() < 0.5),
    faultGapMs: between(700, 8_000),
  };
}

/** 3 to 9 clients, rarely 10 to 16, and once in a while 32, 64 or 256. */
function sizeOf(seed: number, random: () => number): number {
  const size = random();
  const place = random();
  if (seed % 491 === 0) return 256;
  if (seed % 197 === 0) return 64;
  if (seed % 97 === 0) return 32;
  if (size < 0.88) return 3 + Math.floor(place ** 2 * 4);
  if (size < 0.97) return 7 + Math.floor(place * 3);
  return 10 + Math.floor(place * 7);
}
