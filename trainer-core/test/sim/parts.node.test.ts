/** Sliced MatFormer clients among whole ones: the run goes on as without them, and they with it. */
import { describe, expect, test } from "vitest";
import { toHex } from "@starling/sdk/bytes";
import { modelProtocol } from "../../src/protocol/messages.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { member } from "./keys.node.ts";
import { partEngine } from "./partEngine.ts";
import { type Scenario, type SimulatedClient, Simulation } from "./simulation.ts";

/** Clients 4 and 5 of six hold a part: the others are just the quorum that parameters are agreed by. */
const isPart = (number: number): boolean => number >= 4;

function scenario(change: Partial<Scenario> = {}): Scenario {
  return {
    ...{ seed: 21, clients: 6, adversaries: [], pipeline: "overlapped", epochs: 3, faults: {} },
    config: { roundsPerEpoch: 4 },
    plant: { engine: (engine, number) => (isPart(number) ? partEngine(engine) : engine) },
    ...change,
  };
}

function eventsOf<T extends TelemetryEvent["type"]>({ events }: SimulatedClient, type: T): Extract<TelemetryEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TelemetryEvent, { type: T }> => event.type === type);
}

/** Everybody holds the agreed parameters, whether or not he can know it. */
async function expectAgreed(simulation: Simulation): Promise<void> {
  const agreed = toHex(simulation.core.state().parameterHash);
  expect(agreed).not.toMatch(/^0+$/);
  for (const { engine } of simulation.clients) expect(toHex(await engine.parameterHash())).toBe(agreed);
}

describe("clients that hold a part of the model", () => {
  test.each(["overlapped", "sync"] as const)("%s: train in every epoch, vote on no hash and put no model up", async (pipeline) => {
    const simulation = new Simulation(scenario({ pipeline }));
    simulation.start();
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(100);
    await expectAgreed(simulation);
    for (const client of simulation.clients) {
      expect(eventsOf(client, "error")).toEqual([]);
      expect(eventsOf(client, "trained").length).toBeGreaterThan(5);
      expect(eventsOf(client, "epochLost")).toEqual([]);
      expect(eventsOf(client, "modelReceived")).toEqual([]);
      if (!isPart(client.number)) continue;
      expect(client.client.state.model).toBe(null);
      expect(eventsOf(client, "parameterHash")).toEqual([]);
      expect(eventsOf(client, "epochModel")).toEqual([]);
      for (const { parameterHash } of eventsOf(client, "witnessSent")) expect(parameterHash).toBe(null);
    }
    await simulation.stop();
  });

  test("whose part went wrong notice it by the agreed leaves, and take the model from who has all of it", async () => {
    const simulation = new Simulation(scenario());
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    const broken = simulation.clients[4];
    const parameters = await broken.engine.exportParameters();
    parameters.get("vector")![0] += 0.5;
    await broken.engine.importParameters(parameters);
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(100);
    expect(eventsOf(broken, "resync")).toHaveLength(1);
    expect(eventsOf(broken, "modelReceived")).toHaveLength(1);
    expect(eventsOf(simulation.clients[5], "resync")).toEqual([]);
    await expectAgreed(simulation);
    await simulation.stop();
  });

  test("that was killed comes again, while only one whole client answers", async () => {
    const simulation = new Simulation(scenario());
    simulation.start();
    await simulation.until(({ step }) => step === 3);
    for (const number of [1, 2, 3]) simulation.hub.neverServe(member(number).identity.peer.publicKey, modelProtocol, "error");
    const again = simulation.clients[5];
    simulation.kill(again);
    await simulation.pass(300);
    const restarted = simulation.add(5, null);
    await simulation.until(({ epoch }) => epoch === 3);
    await simulation.pass(100);
    expect(eventsOf(restarted, "trained").length).toBeGreaterThan(1);
    await expectAgreed(simulation);
    await simulation.stop();
  });
});
