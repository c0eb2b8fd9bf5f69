import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { beforeAll, describe, expect, it } from "vitest";
import { createDawn } from "../device/dawn.node.ts";
import { useTestDriver } from "../device/testDevice.node.ts";
import { LocalEngine } from "./localEngine.ts";
import { runPlan } from "./runPlan.ts";
import { SteadyEngine } from "./steadyEngine.ts";

describe("LocalEngine", () => {
  const plan = runPlan(loadRunConfig("test", "/").config);
  const sequences = [Int32Array.from({ length: plan.sequenceTokens }, (_, i) => (i * 37) % 256)];
  const round = { results: [], applyLearningRate: null, decayLearningRate: null, pipeline: plan.pipeline, lookaheadLearningRate: null };
  const create = async (options: { portionMs?: number; longestDispatchMs?: number; onDeath?: (error: Error) => void }) =>
    LocalEngine.create({
      gpu: await createDawn(["enable-dawn-features=disable_workgroup_init"]),
      plan,
      microBatchSequences: 4,
      onDeath: () => undefined,
      ...options,
    });
  beforeAll(() => useTestDriver());

  it("takes fewer sequences at once where a dispatch would take too long, and trains the same run", async () => {
    const whole = await create({});
    const cut = await create({ portionMs: 5, longestDispatchMs: 1e-6 });
    expect([whole.microBatchSequences, cut.microBatchSequences]).toEqual([4, 1]);
    expect(cut.longestDispatch.label).not.toBe("");
    const payloads: string[] = [];
    for (const engine of [whole, cut]) {
      await engine.startEpoch();
      await engine.beginRound(round);
      const { payload, loss } = await engine.train({ sequences, learningRate: 1e-3 });
      engine.checkPayload(payload);
      expect(Math.abs(loss! - Math.log(256))).toBeLessThan(0.2);
      payloads.push(toHex(payload));
    }
    expect(toHex(await cut.parameterHash())).toBe(toHex(await whole.parameterHash()));
    await Promise.all([whole.stop(), cut.stop()]);
  });

  it("is replaced by a fresh one with the run's start when its device is lost in the middle of a round", async () => {
    const made: LocalEngine[] = [];
    const resets: string[] = [];
    const warnings: string[] = [];
    const steady = await SteadyEngine.create({
      start: async (onDeath) => {
        const engine = await create({ portionMs: 5, onDeath });
        made.push(engine);
        return engine;
      },
      onWarning: (message) => warnings.push(message),
      advice: "Look there.",
    });
    steady.onReset = (reason) => resets.push(reason);
    const start = toHex(await steady.parameterHash());
    await steady.beginRound(round);
    const training = steady.train({ sequences, learningRate: 1e-3 });
    const failed = expect(training).rejects.toMatchObject({ code: "device-lost" });
    made[0].device.gpu.destroy();
    await failed;
    expect(resets).toEqual([expect.stringContaining("the GPU was lost")]);
    expect(warnings).toEqual([expect.stringContaining("started again (1 of at most 3 times)")]);
    expect(toHex(await steady.parameterHash())).toBe(start);
    expect((await steady.train({ sequences, learningRate: 1e-3 })).tokens).toBe(plan.sequenceTokens);
    await steady.stop();
    expect(made).toHaveLength(2);
    expect(resets).toHaveLength(1);
  });

  it("is over once when its device's memory is full, and gives back what it held", async () => {
    const deaths: Error[] = [];
    const engine = await create({ onDeath: (error) => deaths.push(error) });
    // as the driver's refusal of a buffer arrives; filling the machine's memory until there is one would end other programs
    class GPUOutOfMemoryError extends Error {}
    engine.device.gpu.dispatchEvent(Object.assign(new Event("uncapturederror"), { error: new GPUOutOfMemoryError("no room") }));
    await expect(engine.parameterHash()).rejects.toMatchObject({ code: "out-of-memory" });
    await engine.device.gpu.lost; // disposed
    await expect(engine.parameterHash()).rejects.toThrow();
    expect(deaths).toEqual([expect.objectContaining({ code: "out-of-memory" })]);
  });
});
