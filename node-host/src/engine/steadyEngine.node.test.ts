import type { Worker } from "node:worker_threads";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainError } from "@starling/trainer-core/train/errors";
import { HostError } from "../errors.ts";
import { RemoteEngine } from "./remoteEngine.ts";
import { MAX_RESTARTS, SteadyEngine, WINDOW_MS, type SteadyEngineOptions } from "@starling/trainer-core/train/steadyEngine";

describe("SteadyEngine", () => {
  const { config: runConfig } = loadRunConfig("test", "/");
  const plan = runPlan(runConfig);
  const workers: Worker[] = [];
  const resets: string[] = [];
  const warnings: string[] = [];
  let engine: SteadyEngine;

  beforeAll(async () => {
    useBundledSoftwareDriver();
    process.on("worker", (worker) => workers.push(worker));
    engine = await SteadyEngine.create({
      start: (onDeath) => RemoteEngine.create({ runConfig, plan, settings: { profile: "software", microBatchSequences: 1 }, onDeath }),
      onWarning: (message) => warnings.push(message),
      advice: "Look there.",
    });
    engine.onReset = (reason) => resets.push(reason);
  });
  afterAll(() => engine.stop());

  it("starts a new engine with the run's start when the thread dies; what was under way fails, what comes later is answered", async () => {
    const start = toHex(await engine.parameterHash());
    const parameters = await engine.exportParameters();
    await engine.importParameters(new Map([...parameters].map(([name, values]) => [name, values.map((v) => v * 2)])));
    expect(toHex(await engine.parameterHash())).not.toBe(start);
    // first: a thread that ends while it waits for its GPU takes the process with it
    const ended = workers.at(-1)!.terminate();
    const open = engine.evaluate([Int32Array.from({ length: plan.sequenceTokens }, () => 1)]);
    await Promise.all([ended, expect(open).rejects.toMatchObject({ code: "engine" })]);
    expect(resets).toEqual([expect.stringContaining("thread ended")]);
    expect(warnings).toEqual([expect.stringMatching(/started again \(1 of at most 3 times\)/)]);
    expect(toHex(await engine.parameterHash())).toBe(start);
    await engine.importParameters(parameters);
    await engine.importStart();
    expect(toHex(await engine.parameterHash())).toBe(start);
  });
});

describe("SteadyEngine's patience", () => {
  /** An engine that is nothing but its death. */
  function mortal(options: Partial<SteadyEngineOptions> = {}) {
    const deaths: ((error: HostError) => void)[] = [];
    const start: SteadyEngineOptions["start"] = async (onDeath) => {
      deaths.push(onDeath);
      return { parameterHash: async () => new Uint8Array(32), stop: async () => undefined } as unknown as RemoteEngine;
    };
    return { deaths, engine: SteadyEngine.create({ start, onWarning: () => undefined, advice: "Look there.", ...options }) };
  }
  const lost = new HostError("engine", "the GPU was lost");

  it("ends with a sentence after too many deaths in a short time, and not before", async () => {
    let nowMs = 0;
    const { deaths, engine } = mortal({ nowMs: () => nowMs });
    const steady = await engine;
    let givenUp: TrainError | null = null;
    steady.onGivenUp = (error) => (givenUp = error);
    for (let i = 0; i < 3 * MAX_RESTARTS; i++) {
      nowMs += WINDOW_MS / 2;
      deaths.at(-1)!(lost);
      expect(await steady.parameterHash()).toHaveLength(32);
    }
    nowMs += WINDOW_MS;
    for (let i = 0; i <= MAX_RESTARTS; i++) {
      expect(givenUp).toBe(null);
      deaths.at(-1)!(lost);
    }
    expect(givenUp).toMatchObject({
      code: "engine-lost",
      message: expect.stringMatching(/lost 4 times within 10 minutes.*the GPU was lost/),
    });
    await expect(steady.parameterHash()).rejects.toBe(givenUp);
  });

  it("gives up when the next one cannot be started", async () => {
    let first = true;
    const { deaths, engine } = mortal();
    const steady = await SteadyEngine.create({
      start: async (onDeath) => {
        if (!first) throw new Error("no adapter is left");
        first = false;
        deaths.push(onDeath);
        return (await engine) as unknown as RemoteEngine;
      },
      onWarning: () => undefined,
      advice: "Look there.",
    });
    const givenUp = new Promise<TrainError>((resolve) => (steady.onGivenUp = resolve));
    deaths.at(-1)!(lost);
    expect((await givenUp).message).toMatch(/the GPU was lost.*cannot be started again: no adapter is left/);
    await expect(steady.parameterHash()).rejects.toMatchObject({ code: "engine-lost" });
  });
});
