import { describe, expect, test } from "vitest";
import { modelProtocol, recordProtocol } from "../../src/protocol/messages.ts";
import type { Engine } from "../../src/round/ports.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { type Plant, type Scenario, type SimulatedClient, Simulation } from "./simulation.ts";

const base: Scenario = {
  seed: 21,
  clients: 4,
  adversaries: [],
  pipeline: "overlapped",
  epochs: 2,
  faults: { delayMs: [1, 30] },
  config: { roundsPerEpoch: 10 },
};
const pipelines = ["overlapped", "sync"] as const;

function eventsOf<T extends TelemetryEvent["type"]>({ events }: SimulatedClient, type: T): Extract<TelemetryEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TelemetryEvent, { type: T }> => event.type === type);
}

/** Steps after whose beginning a client knew its parameters; that they are those of all others is asserted. */
function stepsHeld(simulation: Simulation, client: SimulatedClient): number[] {
  const known = new Map<number, string>();
  for (const other of simulation.clients) {
    for (const { step, parameterHash } of eventsOf(other, "parameterHash")) {
      expect(known.get(step) ?? parameterHash, `client ${other.name}, step ${step}`).toBe(parameterHash);
      known.set(step, parameterHash);
    }
  }
  return eventsOf(client, "parameterHash").map(({ step }) => step);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function exits(simulation: Simulation): string[] {
  return simulation.core.state().clients.flatMap(({ state }) => (state === "Ejected" ? [state] : []));
}

async function started(change: Partial<Scenario> = {}): Promise<Simulation> {
  const simulation = new Simulation({ ...base, ...change });
  simulation.start();
  await simulation.until(({ step, runState }) => step === 3 && runState === "RoundTrain");
  return simulation;
}

/** Its agreed model of the epoch, in time. */
async function endOfEpoch(simulation: Simulation, epoch: number): Promise<void> {
  await simulation.until((state) => state.epoch > epoch);
  await simulation.pass(150);
}

describe("replay", () => {
  test.each(pipelines)("frozen for six rounds, it catches up within the epoch, with records from its peers, %s", async (pipeline) => {
    const simulation = await started({ pipeline });
    const [frozen] = simulation.clients;
    // of the coordinator's states only the newest is waiting for it
    frozen.coordinator.cut(true);
    frozen.process.stop();
    await simulation.until(({ step }) => step === 9);
    frozen.process.resume();
    await simulation.pass(1);
    frozen.coordinator.cut(false);
    await endOfEpoch(simulation, 0);
    expect(stepsHeld(simulation, frozen)).toEqual(range(1, 12));
    expect(eventsOf(frozen, "replay")).toHaveLength(1);
    expect(eventsOf(frozen, "download").filter(({ what }) => what === "record")).not.toEqual([]);
    const [level] = eventsOf(frozen, "caughtUp");
    expect(level.step).toBeLessThan(12);
    expect(eventsOf(frozen, "stranded")).toEqual([]);
    expect(eventsOf(frozen, "epochModel").at(-1)).toMatchObject({ epoch: 0, step: 12 });
    // it trains no round that is over
    const trained = eventsOf(frozen, "trained").map(({ step }) => step);
    expect(trained.filter((step) => step > 3 && step < 9)).toEqual([]);
    await endOfEpoch(simulation, 1);
    expect(eventsOf(frozen, "trained").some(({ step }) => step > 12)).toBe(true);
    expect(exits(simulation)).toEqual([]);
    await simulation.stop();
  });

  test.each(pipelines)(
    "restarted in the middle of an epoch with nothing but its keys, it replays from the epoch's start and trains on, %s",
    async (pipeline) => {
      const simulation = await started({ pipeline });
      await endOfEpoch(simulation, 0);
      await simulation.until(({ step, runState }) => step === 16 && runState === "RoundTrain");
      const [first] = simulation.clients;
      simulation.kill(first);
      await simulation.pass(300);
      const { step: enteredAt } = simulation.core.state();
      const back = simulation.add(0, null);
      await endOfEpoch(simulation, 1);
      expect(eventsOf(back, "modelReceived")).toHaveLength(1);
      expect(stepsHeld(simulation, back)).toEqual(range(13, 24));
      expect(eventsOf(back, "replay").at(0)).toMatchObject({ fromStep: 13 });
      expect(eventsOf(back, "caughtUp")).not.toEqual([]);
      // a result of the round under way may have been announced by the process before
      const trained = eventsOf(back, "trained").map(({ step }) => step);
      expect(Math.min(...trained)).toBeGreaterThan(enteredAt);
      expect(trained.length).toBeGreaterThan(2);
      expect(eventsOf(back, "epochModel").at(-1)).toMatchObject({ epoch: 1, step: 24 });
      expect(simulation.core.state().clients.map(({ state }) => state)).toEqual(Array(4).fill("Healthy"));
      await simulation.stop();
    },
  );

  test.each([1, 3])("a member that rewrites history and the model deceives nobody, late is %i", async (number) => {
    const simulation = await started({ adversaries: ["rewriter"] });
    const late = simulation.clients[number];
    late.coordinator.cut(true);
    late.process.stop();
    await simulation.until(({ step }) => step === 8);
    late.process.resume();
    late.coordinator.cut(false);
    await endOfEpoch(simulation, 0);
    expect(stepsHeld(simulation, late).at(-1)).toBe(12);
    expect(eventsOf(late, "caughtUp")).not.toEqual([]);
    expect(eventsOf(late, "stranded")).toEqual([]);
    simulation.kill(late);
    await simulation.until(({ step, runState }) => step === 16 && runState === "RoundTrain");
    const honest = simulation.clients.filter(({ adversary }) => adversary === null);
    const undo = honest.map(({ network }) => simulation.hub.neverServe(network.self, modelProtocol, "error"));
    const back = simulation.add(number, null);
    await simulation.pass(700);
    expect(eventsOf(back, "rejected")).toMatchObject([{ what: "model", reason: expect.stringMatching(/tensor 0 is not that/) }]);
    for (const serve of undo) serve();
    await endOfEpoch(simulation, 1);
    expect(eventsOf(back, "modelReceived")).toHaveLength(1);
    expect(stepsHeld(simulation, back)).toEqual(range(13, 24));
    expect(exits(simulation)).toEqual([]);
    await simulation.stop();
  });

  test("a warm-up too short for its model: it goes on receiving, and replays", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 10, warmupMs: 1_000n } });
    const late = simulation.add(4, null);
    const undo = simulation.clients.map(({ network }) => simulation.hub.neverServe(network.self, modelProtocol, "error"));
    await endOfEpoch(simulation, 0);
    await simulation.until(({ epoch, step }) => epoch === 1 && step === 16);
    expect(eventsOf(late, "modelReceived")).toEqual([]);
    for (const serve of undo) serve();
    await endOfEpoch(simulation, 1);
    expect(stepsHeld(simulation, late)).toEqual(range(13, 24));
    expect(eventsOf(late, "stranded")).toEqual([]);
    // so that the next epoch finds it ready at once
    await simulation.until(({ epoch, step }) => epoch === 2 && step === 27);
    expect(eventsOf(late, "modelReceived")).toHaveLength(1);
    expect(eventsOf(late, "trained")).not.toEqual([]);
    await simulation.stop();
  });

  test("an engine that fails once to apply a round takes the epoch's start and replays; one that goes on failing waits", async () => {
    const failing = (times: number): NonNullable<Plant["engine"]> => {
      let left = times;
      return (engine, number, stateNow) => {
        if (number !== 0) return engine;
        const beginRound: Engine["beginRound"] = async (round) => {
          if (stateNow().step >= 6 && left-- > 0) throw new Error("the device is lost");
          await engine.beginRound(round);
        };
        return new Proxy(engine, {
          get: (target, key) => {
            if (key === "beginRound") return beginRound;
            const value = Reflect.get(target, key, target) as unknown;
            return typeof value === "function" ? (value.bind(target) as unknown) : value;
          },
        });
      };
    };
    const once = await started({ plant: { engine: failing(1) } });
    const [client] = once.clients;
    await endOfEpoch(once, 0);
    expect(eventsOf(client, "error")).toMatchObject([{ action: "engine: begin" }]);
    expect(eventsOf(client, "stranded")).toEqual([]);
    expect(stepsHeld(once, client).at(-1)).toBe(12);
    expect(eventsOf(client, "trained").map(({ step }) => step)).toEqual(expect.arrayContaining(range(8, 10)));
    expect(eventsOf(client, "epochModel").at(-1)).toMatchObject({ step: 12 });
    expect(exits(once)).toEqual([]);
    await once.stop();

    const always = await started({ plant: { engine: failing(1_000) } });
    await endOfEpoch(always, 0);
    expect(eventsOf(always.clients[0], "stranded")).toHaveLength(1);
    expect(eventsOf(always.clients[0], "left")).toEqual([]);
    await always.stop();
  });

  test("the host puts another engine in place: epoch's start, replay, same parameters", async () => {
    const simulation = await started();
    await simulation.until(({ step, runState }) => step === 6 && runState === "RoundTrain");
    const [client] = simulation.clients;
    await simulation.pass(20);
    await client.engine.importStart();
    await client.engine.startEpoch();
    client.client.engineReset("its worker died");
    await endOfEpoch(simulation, 0);
    expect(eventsOf(client, "stranded")).toEqual([]);
    expect(stepsHeld(simulation, client).at(-1)).toBe(12);
    expect(eventsOf(client, "epochModel").at(-1)).toMatchObject({ step: 12 });
    await simulation.stop();
  });

  test("twelve rounds behind: it says so, witnesses, and trains in the next epoch", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 16 } });
    const [frozen] = simulation.clients;
    frozen.process.stop();
    await simulation.until(({ step }) => step === 15);
    frozen.process.resume();
    await endOfEpoch(simulation, 0);
    expect(eventsOf(frozen, "stranded")).toHaveLength(1);
    expect(eventsOf(frozen, "stranded")[0].reason).toMatch(/rounds back, and members keep the last 8/);
    expect(frozen.client.state.stage.name).toBe("stranded");
    await endOfEpoch(simulation, 1);
    expect(eventsOf(frozen, "resync")).toHaveLength(1);
    expect(stepsHeld(simulation, frozen).slice(-18)).toEqual(range(19, 36));
    expect(eventsOf(frozen, "trained").some(({ step }) => step > 18)).toBe(true);
    await simulation.stop();
  });

  test("an epoch that ends while it is away: the tail is replayed, or the model taken from peers", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 5 } });
    const [frozen] = simulation.clients;
    frozen.process.stop();
    await simulation.until(({ runState }) => runState === "Cooldown");
    frozen.process.resume();
    await endOfEpoch(simulation, 0);
    await endOfEpoch(simulation, 1);
    const { step } = simulation.core.state();
    expect(stepsHeld(simulation, frozen)).toContain(step - 1);
    expect(eventsOf(frozen, "stranded")).toEqual([]);
    await simulation.stop();
  });

  test("stopped while it replays, it leaves", async () => {
    const simulation = await started();
    const [frozen] = simulation.clients;
    frozen.process.stop();
    await simulation.until(({ step }) => step === 9);
    for (const { network } of simulation.clients) simulation.hub.neverServe(network.self, recordProtocol);
    frozen.process.resume();
    await simulation.pass(100);
    expect(eventsOf(frozen, "replay")).toHaveLength(1);
    let left = false;
    void frozen.client.stop().then(() => (left = true));
    await simulation.pass(3_500);
    expect(left).toBe(true);
    await simulation.stop();
  });
});
