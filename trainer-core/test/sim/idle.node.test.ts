/** Work in an engine's idle time, in whole simulated runs: it steps aside, and changes nothing. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/round/ports.ts";
import { Simulation, type Plant } from "./simulation.ts";

const pieceMs = 30;

/** Runs two epochs; gives each client's hashes by step. */
async function hashesOf(plant: Plant): Promise<{ hashes: string[]; errors: string[] }> {
  const simulation = new Simulation({
    ...{ seed: 11, clients: 4, adversaries: [], pipeline: "overlapped", epochs: 2, faults: {}, plant },
    config: { roundsPerEpoch: 4 },
  });
  simulation.start();
  await simulation.until(({ epoch }) => epoch === 2);
  const hashes: string[] = [];
  const errors: string[] = [];
  for (const { name, events } of simulation.clients) {
    for (const event of events) {
      if (event.type === "parameterHash") hashes.push(`${name} ${event.step} ${event.parameterHash}`);
      if (event.type === "error") errors.push(event.action);
    }
  }
  await simulation.stop();
  return { hashes: hashes.sort(), errors };
}

test("pieces begin only while the engine has nothing else to do, never two at once, and the run is the same", async () => {
  const alone = await hashesOf({});
  const engines = new Map<number, { trains: boolean; infers: boolean }>();
  const steps = new Set<number>();
  let pieces = 0;
  const beside = await hashesOf({
    engine: (engine, number) => {
      const now = { trains: false, infers: false };
      engines.set(number, now);
      const train = engine.train.bind(engine);
      engine.train = async (batch) => {
        now.trains = true;
        const trained = await train(batch);
        now.trains = false;
        return trained;
      };
      engine.infer = async () => ({ kind: "more" });
      return engine;
    },
    idle: (number, clock) => ({
      async piece(infer, step) {
        const now = engines.get(number)!;
        expect(now).toEqual({ trains: false, infers: false });
        now.infers = true;
        pieces++;
        steps.add(step);
        await infer({ kind: "score", tokens: [1, 2], from: 1 });
        await new Promise<void>((resolve) => clock.after(pieceMs, resolve));
        now.infers = false;
        return 0;
      },
    }),
  });
  expect(beside.hashes).toEqual(alone.hashes);
  expect(beside.errors).toEqual(alone.errors);
  expect(pieces).toBeGreaterThan(50);
  expect(steps.size).toBeGreaterThan(8);
});

test("work that fails is told, tried in later rounds, and given up after the third time", async () => {
  let tries = 0;
  const engine = (inner: Engine): Engine => Object.assign(inner, { infer: async () => ({ kind: "more" }) as const });
  const { errors } = await hashesOf({
    engine,
    idle: (number) => ({
      piece: async () => {
        if (number !== 0) return null;
        tries++;
        throw new Error("no memory");
      },
    }),
  });
  expect(tries).toBe(3);
  expect(errors.filter((action) => action.startsWith("work in idle time"))).toEqual([
    "work in idle time",
    "work in idle time",
    "work in idle time, which is given up",
  ]);
});
