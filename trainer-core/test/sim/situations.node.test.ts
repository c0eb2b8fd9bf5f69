import { describe, expect, test } from "vitest";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { member } from "./keys.node.ts";
import { type Scenario, type SimulatedClient, Simulation } from "./simulation.ts";

const base: Scenario = {
  seed: 11,
  clients: 4,
  adversaries: [],
  pipeline: "overlapped",
  epochs: 2,
  faults: { delayMs: [1, 30] },
  config: { roundsPerEpoch: 4 },
};
const pipelines = ["overlapped", "sync"] as const;
const badNews: ReadonlySet<string> = new Set(["stranded", "epochLost", "resync", "error", "rejected"]);

function eventsOf<T extends TelemetryEvent["type"]>({ events }: SimulatedClient, type: T): Extract<TelemetryEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TelemetryEvent, { type: T }> => event.type === type);
}

/** Clients that began a step with the same parameters, by step; a second hash of a step is a failure. */
function holdersByStep(clients: readonly SimulatedClient[]): Map<number, number> {
  const known = new Map<number, { hash: string; holders: number }>();
  for (const client of clients) {
    for (const { step, parameterHash } of eventsOf(client, "parameterHash")) {
      const of = known.get(step) ?? { hash: parameterHash, holders: 0 };
      expect(parameterHash, `client ${client.name}, step ${step}`).toBe(of.hash);
      known.set(step, { ...of, holders: of.holders + 1 });
    }
  }
  return new Map([...known].map(([step, { holders }]) => [step, holders]));
}

/** All of them began every step of the run, equal, and none had anything bad to tell. */
function expectUntroubled(simulation: Simulation, clients: readonly SimulatedClient[] = simulation.clients): void {
  const holders = holdersByStep(clients);
  const last = simulation.core.state().step - 1;
  expect([...holders.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  for (const [step, count] of holders) expect(count, `clients in step ${step}`).toBe(clients.length);
  for (const { name, events } of clients) {
    expect(
      events.filter(({ type }) => badNews.has(type)),
      `client ${name}`,
    ).toEqual([]);
  }
}

async function started(change: Partial<Scenario>): Promise<Simulation> {
  const simulation = new Simulation({ ...base, ...change });
  simulation.start();
  await simulation.pass(1);
  return simulation;
}

/** Its process ends, and another one begins with the same keys and nothing else. */
async function restart(simulation: Simulation, number: number): Promise<SimulatedClient> {
  simulation.hub.kill(member(number).identity.peer.publicKey);
  await simulation.pass(300);
  return simulation.add(number, null);
}

describe("a run's situations", () => {
  test("more clients than sequences: who has none still applies and witnesses", async () => {
    const config = { roundsPerEpoch: 6, globalBatchSizeStart: 3, globalBatchSizeEnd: 3 };
    const simulation = await started({ clients: 6, config });
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(200);
    expectUntroubled(simulation);
    const trained = simulation.clients.map((client) => eventsOf(client, "trained").length);
    expect(trained.reduce((sum, count) => sum + count, 0)).toBe(3 * 12);
    await simulation.stop();
  });

  test.each(pipelines)("two witnesses of five, gossip is lost, %s", async (pipeline) => {
    const faults = { dropGossip: 0.2, delayMs: [1, 60] as [number, number] };
    const simulation = await started({ clients: 5, pipeline, faults, config: { roundsPerEpoch: 5, witnessNodes: 2 } });
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(200);
    expectUntroubled(simulation);
    await simulation.stop();
  });

  test.each(pipelines)("a pause in a round and one in a warm-up, each resumed, %s", async (pipeline) => {
    const simulation = await started({ pipeline, config: { roundsPerEpoch: 6 } });
    await simulation.until(({ step, runState }) => step === 4 && runState === "RoundWitness");
    simulation.core.setPaused(true);
    await simulation.until(({ runState }) => runState === "Paused");
    await simulation.pass(5_000);
    simulation.core.setPaused(false);
    await simulation.until(({ runState }) => runState === "Warmup");
    simulation.core.setPaused(true);
    await simulation.pass(3_000);
    simulation.core.setPaused(false);
    await simulation.until(({ epoch }) => epoch === 3);
    await simulation.pass(200);
    expectUntroubled(simulation);
    await simulation.stop();
  });

  test("the last step is reached while the batch grows: everyone ends with the same model", async () => {
    const ramp = { globalBatchSizeStart: 4, globalBatchSizeEnd: 20, globalBatchSizeWarmupTokens: 400n };
    const simulation = await started({ config: { roundsPerEpoch: 4, totalSteps: 14, ...ramp } });
    await simulation.until(({ runState }) => runState === "Finished");
    await simulation.pass(1_000);
    expectUntroubled(simulation);
    const last = simulation.core.state().step - 1;
    for (const client of simulation.clients) expect(eventsOf(client, "epochModel").at(-1)!.step).toBe(last);
    await simulation.stop();
  });

  test("a member leaves in an epoch and comes back", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 6, minClients: 3 } });
    await simulation.until(({ step, runState }) => step === 3 && runState === "RoundTrain");
    const [leaver, ...others] = simulation.clients;
    void leaver.client.stop();
    await simulation.pass(400);
    const back = await restart(simulation, 0);
    await simulation.until(({ epoch }) => epoch === 3);
    await simulation.pass(200);
    expectUntroubled(simulation, others);
    const { step } = simulation.core.state();
    expect(holdersByStep(simulation.clients).get(step - 1)).toBe(4);
    expect(eventsOf(back, "trained")).toHaveLength(12);
    await simulation.stop();
  });

  test("too few are left in an epoch: it ends well, and the run goes on when they are back", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 8, minClients: 3 } });
    await simulation.until(({ step, runState }) => step === 3 && runState === "RoundTrain");
    const stayed = simulation.clients.slice(2);
    for (const { client } of simulation.clients.slice(0, 2)) void client.stop();
    await simulation.until(({ runState }) => runState === "WaitingForMembers");
    expect(simulation.core.state().parameterHashEpoch).toBe(0);
    for (const number of [0, 1]) await restart(simulation, number);
    await simulation.until(({ epoch }) => epoch === 3);
    await simulation.pass(200);
    expectUntroubled(simulation, stayed);
    expect(holdersByStep(simulation.clients).get(simulation.core.state().step - 1)).toBe(4);
    await simulation.stop();
  });

  test.each(pipelines)("one member cannot reach the coordinator for 10 s: it is back in the next epoch, %s", async (pipeline) => {
    const simulation = await started({ pipeline, config: { roundsPerEpoch: 8 } });
    await simulation.until(({ step, runState }) => step === 4 && runState === "RoundTrain");
    const [lost, ...others] = simulation.clients;
    lost.coordinator.cut(true);
    await simulation.pass(10_000);
    lost.coordinator.cut(false);
    // the coordinator gave its connection up, and it tries again every five seconds: longer than an epoch here
    const { epoch: mended } = simulation.core.state();
    await simulation.until(({ epoch }) => epoch === mended + 3);
    await simulation.pass(200);
    expectUntroubled(simulation, others);
    expect(holdersByStep(simulation.clients).get(simulation.core.state().step - 1)).toBe(4);
    await simulation.stop();
  });

  test("nobody can reach the coordinator for 10 s: the run goes on", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 8 } });
    await simulation.until(({ step, runState }) => step === 4 && runState === "RoundTrain");
    for (const { coordinator } of simulation.clients) coordinator.cut(true);
    await simulation.pass(10_000);
    for (const { coordinator } of simulation.clients) coordinator.cut(false);
    const { epoch: before } = simulation.core.state();
    await simulation.until(({ epoch, parameterHashEpoch }) => epoch >= before + 2 && parameterHashEpoch === epoch - 1);
    await simulation.pass(200);
    expect(holdersByStep(simulation.clients).get(simulation.core.state().step - 1)).toBe(4);
    await simulation.stop();
  });

  test("a member talks nonsense for minutes: the others say so now and then, not each time", async () => {
    const simulation = await started({ adversaries: ["flooder"] });
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(11_000);
    const minutes = simulation.virtual.now() / 60_000;
    for (const client of simulation.clients.slice(1)) {
      const told = eventsOf(client, "rejected").filter(({ what }) => what.startsWith("gossip of "));
      expect(told.length).toBeGreaterThan(0);
      expect(told.length).toBeLessThanOrEqual(1 + minutes * 6);
      expect(told.at(-1)!.reason).toMatch(/\(and \d+ more like it\)/);
    }
    holdersByStep(simulation.clients.slice(1));
    await simulation.stop();
  });

  test("training takes longer than a round may: nobody is thrown out, and parameters stay equal", async () => {
    const simulation = await started({ config: { roundsPerEpoch: 5, maxRoundTrainMs: 90n, roundWitnessMs: 100n } });
    await simulation.until(({ epoch }) => epoch === 2);
    await simulation.pass(200);
    expect(holdersByStep(simulation.clients).size).toBeGreaterThan(0);
    expect(simulation.core.state().clients.map(({ state }) => state)).toEqual(Array(4).fill("Healthy"));
    await simulation.stop();
  });

  test.each([
    { lostEpoch: 2, toEpoch: 1 },
    { lostEpoch: 0, toEpoch: null },
  ])("all are killed when epoch $lostEpoch has agreed and none has stored it: back to $toEpoch, steps go on", async (back) => {
    const simulation = await started({});
    await simulation.until(({ epoch, runState }) => epoch === back.lostEpoch && runState === "Cooldown");
    const { parameterHashEpoch, step } = simulation.core.state();
    expect(parameterHashEpoch).toBe(back.lostEpoch);
    const killed = [...simulation.clients];
    for (const client of killed) simulation.kill(client);
    await simulation.pass(3_000);
    for (const { number } of killed) simulation.add(number, null, { fromDisk: true });
    await simulation.until((state) => state.step > step);
    expect(simulation.core.state()).toMatchObject({ epoch: back.lostEpoch + 1, epochStartStep: step });
    await simulation.until(({ epoch }) => epoch === back.lostEpoch + 2);
    await simulation.pass(200);
    expect(simulation.core.state().parameterHashEpoch).toBe(back.lostEpoch + 1);
    expect(holdersByStep(simulation.clients).get(simulation.core.state().step - 1)).toBe(killed.length);
    for (const client of simulation.clients) {
      expect(eventsOf(client, "wentBack")).toEqual([{ type: "wentBack", ...back }]);
      expect(eventsOf(client, "stranded")).toEqual([]);
    }
    await simulation.stop();
  });
});
