import { describe, expect, test } from "vitest";
import { modelProtocol } from "../../src/protocol/messages.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { member } from "./keys.node.ts";
import { type Scenario, type SimulatedClient, Simulation } from "./simulation.ts";

const calm: Scenario = {
  seed: 7,
  clients: 4,
  adversaries: [],
  pipeline: "overlapped",
  epochs: 2,
  faults: {},
  config: { roundsPerEpoch: 4 },
};

function eventsOf<T extends TelemetryEvent["type"]>({ events }: SimulatedClient, type: T): Extract<TelemetryEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TelemetryEvent, { type: T }> => event.type === type);
}

/** Parameter hashes of a step, by client that reported one. */
function hashesAt(simulation: Simulation, step: number): string[] {
  return simulation.clients.flatMap((client) =>
    eventsOf(client, "parameterHash").flatMap((event) => (event.step === step ? [event.parameterHash] : [])),
  );
}

function statesOf(simulation: Simulation): string[] {
  return simulation.core.state().clients.map(({ state }) => state);
}

describe("a client's life", () => {
  test.each(["overlapped", "sync"] as const)("%s: every result that was agreed is applied before the epoch ends", async (pipeline) => {
    const simulation = new Simulation({ ...calm, pipeline });
    simulation.start();
    await simulation.until(({ epoch }) => epoch === 1);
    await simulation.pass(100);
    const lag = pipeline === "overlapped" ? 2 : 1;
    for (const client of simulation.clients) {
      const began = eventsOf(client, "roundBegan");
      expect(began.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
      // four training rounds, two that drain
      expect(began.flatMap(({ appliedStep }) => appliedStep ?? [])).toEqual([1, 2, 3, 4]);
      for (const { step, appliedStep } of began) if (appliedStep !== null) expect(appliedStep).toBe(step - lag);
      expect(eventsOf(client, "epochModel")).toHaveLength(1);
    }
    expect(new Set(hashesAt(simulation, 6)).size).toBe(1);
    expect(hashesAt(simulation, 6)).toHaveLength(4);
    await simulation.stop();
  });

  test("who comes late takes the agreed model from peers and trains from the next epoch on", async () => {
    const simulation = new Simulation(calm);
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    const late = simulation.add(4, null);
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(100);
    expect(eventsOf(late, "resync")).toHaveLength(1);
    expect(eventsOf(late, "modelReceived")).toHaveLength(1);
    expect(eventsOf(late, "trained").length).toBeGreaterThan(1);
    expect(hashesAt(simulation, 12)).toHaveLength(5);
    expect(new Set(hashesAt(simulation, 12)).size).toBe(1);
    expect(simulation.core.state().clients.map(({ state }) => state)).toEqual(Array(5).fill("Healthy"));
    await simulation.stop();
  });

  test("a newcomer refuses a model that does not hash to the agreed one, and asks others", async () => {
    const simulation = new Simulation({ ...calm, seed: 8, adversaries: ["forger"] });
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    // only the forger and one honest peer answer: the newcomer cannot go by the majority
    for (const number of [1, 2]) {
      simulation.hub.neverServe(member(number).identity.peer.publicKey, modelProtocol, "error");
    }
    const late = simulation.add(4, null);
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(100);
    expect(eventsOf(late, "rejected").filter(({ what }) => what === "model")).not.toEqual([]);
    expect(eventsOf(late, "modelReceived")).toHaveLength(1);
    expect(eventsOf(late, "trained").length).toBeGreaterThan(1);
    expect(new Set(hashesAt(simulation, 12)).size).toBe(1);
    expect(hashesAt(simulation, 12)).toHaveLength(5);
    await simulation.stop();
  });

  test("parameters that went wrong are noticed at the epoch's end and replaced", async () => {
    const simulation = new Simulation(calm);
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    const [broken] = simulation.clients;
    const parameters = await broken.engine.exportParameters();
    parameters.get("vector")![0] += 0.5;
    await broken.engine.importParameters(parameters);
    await simulation.until(({ epoch }) => epoch === 1);
    await simulation.pass(100);
    expect(new Set(hashesAt(simulation, 6)).size).toBe(2);
    expect(eventsOf(broken, "epochLost")).toHaveLength(1);
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(100);
    expect(eventsOf(broken, "resync")).toHaveLength(1);
    expect(new Set(hashesAt(simulation, 12)).size).toBe(1);
    expect(hashesAt(simulation, 12)).toHaveLength(4);
    await simulation.stop();
  });

  test("cut off from its peers for some rounds, a client catches up round by round", async () => {
    const simulation = new Simulation({ ...calm, config: { roundsPerEpoch: 8 } });
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    const keys = [0, 1, 2, 3].map((number) => member(number).identity.peer.publicKey);
    simulation.hub.partition([keys.slice(1), [keys[0]]]);
    await simulation.until(({ step }) => step === 6);
    simulation.hub.heal();
    await simulation.until(({ epoch }) => epoch === 1);
    await simulation.pass(200);
    const [behind] = simulation.clients;
    expect(eventsOf(behind, "behind").length).toBeGreaterThan(0);
    expect(eventsOf(behind, "stranded")).toEqual([]);
    for (let step = 1; step <= 10; step++) {
      expect(hashesAt(simulation, step), `step ${step}`).toHaveLength(4);
      expect(new Set(hashesAt(simulation, step)).size, `step ${step}`).toBe(1);
    }
    await simulation.stop();
  });

  test("a client that nobody hears of any more is dropped, and the others go on", async () => {
    const simulation = new Simulation({ ...calm, config: { roundsPerEpoch: 8 } });
    simulation.start();
    await simulation.until(({ step }) => step === 2);
    // its process stops: it neither sends nor answers, and stays connected to nothing
    simulation.hub.kill(member(0).identity.peer.publicKey);
    await simulation.until(({ epoch }) => epoch === 1);
    expect(statesOf(simulation).filter((state) => state === "Dropped")).toHaveLength(1);
    expect(simulation.core.state().parameterHashEpoch).toBe(0);
    await simulation.stop();
  });

  test("stopping leaves the run at once; the others finish the epoch", async () => {
    const simulation = new Simulation(calm);
    simulation.start();
    await simulation.until(({ step, runState }) => step === 2 && runState === "RoundTrain");
    const [leaver, ...others] = simulation.clients;
    const before = simulation.virtual.now();
    let leftAfterMs = -1;
    void leaver.client.stop().then(() => (leftAfterMs = simulation.virtual.now() - before));
    await simulation.until(({ epoch }) => epoch === 1);
    await simulation.pass(100);
    expect(leftAfterMs).toBeGreaterThanOrEqual(0);
    expect(leftAfterMs).toBeLessThan(3_000);
    expect(statesOf(simulation).sort()).toEqual(["Healthy", "Healthy", "Healthy", "Withdrawn"]);
    for (const other of others) expect(eventsOf(other, "epochModel")).toHaveLength(1);
    await simulation.stop();
  });

  test("stopping with drain finishes the round first", async () => {
    const simulation = new Simulation(calm);
    simulation.start();
    await simulation.until(({ step, runState }) => step === 2 && runState === "RoundTrain");
    const [leaver] = simulation.clients;
    await simulation.pass(40); // its batch is under way
    let left = false;
    void leaver.client.stop({ drain: true }).then(() => (left = true));
    await simulation.until(({ step }) => step === 3);
    expect(eventsOf(leaver, "trained").map(({ step }) => step)).toContain(2);
    await simulation.pass(500);
    expect(left).toBe(true);
    await simulation.stop();
  });

  test("a pause drains the pipeline and ends in agreed parameters", async () => {
    const simulation = new Simulation({ ...calm, config: { roundsPerEpoch: 100 } });
    simulation.start();
    await simulation.until(({ step, runState }) => step === 4 && runState === "RoundTrain");
    const drained = simulation.core.pauseAndDrain(60_000);
    await simulation.until(({ runState }) => runState === "Paused");
    expect(await drained).toBe(true);
    await simulation.pass(100);
    for (const client of simulation.clients) {
      expect(eventsOf(client, "epochModel").map(({ step }) => step)).toEqual([6]);
      expect(eventsOf(client, "roundBegan").flatMap(({ appliedStep }) => appliedStep ?? [])).toEqual([1, 2, 3, 4]);
    }
    await simulation.stop();
  });
});
