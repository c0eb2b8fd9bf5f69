import { describe, expect, it } from "vitest";
import { Killer } from "./killer.ts";

const draws = (seed: number, options: Partial<ConstructorParameters<typeof Killer>[0]> = {}, running = [1, 2, 3, 4, 5]) => {
  const killer = new Killer({ count: 2, intervalMs: 1, allowed: undefined, seed, ...options });
  return Array.from({ length: 40 }, () => killer.choose(running));
};

describe("Killer", () => {
  it("chooses the same clients for the same seed, others for another", () => {
    expect(draws(7)).toEqual(draws(7));
    expect(draws(7)).not.toEqual(draws(8));
  });

  it("kills as many as asked, each once, and everybody sooner or later", () => {
    for (const chosen of draws(1)) expect(new Set(chosen).size).toBe(2);
    expect([...new Set(draws(1).flat())].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it("kills only allowed clients, and only those that run", () => {
    expect(new Set(draws(3, { allowed: [2, 4] }, [1, 2, 3]).flat())).toEqual(new Set([2]));
    expect(draws(3, { count: 9 }, [1, 2])[0].toSorted()).toEqual([1, 2]);
    expect(draws(3, {}, [])[0]).toEqual([]);
  });
});
