import { seededRandom } from "@starling/network/random";
import type { Adversary } from "./adversaries.ts";
import type { Scenario } from "./simulation.ts";

/**
 * A scenario from a seed: 4 to 7 clients, more often few (a run costs the square of it), fewer than a third of them
 * dishonest, a network that loses and delays.
 */
export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(seed);
  const clients = 4 + Math.floor(random() ** 2 * 4);
  const dishonest = Math.floor((clients - 1) / 3);
  const kinds: Adversary[] = ["equivocator", "liar", "withholder", "framer", "copier", "misleader"];
  const adversaries = Array.from({ length: dishonest }, () => kinds[Math.floor(random() * kinds.length)]);
  const dropGossip = random() < 0.5 ? 0 : random() * 0.4;
  const longestMs = 5 + random() * 100;
  return {
    seed,
    clients,
    adversaries,
    pipeline: random() < 0.7 ? "overlapped" : "sync",
    epochs: 2,
    faults: { dropGossip, duplicateGossip: random() * 0.2, reorderGossip: random() * 0.3, delayMs: [1, longestMs] },
  };
}
