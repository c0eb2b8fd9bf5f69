/** Engines that spread the model differently exchange results: their gradients differ in rounding, their master parameters in nothing. */
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { afterAll, expect, it } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { TrainingEngine } from "../train/engine.ts";
import { runPlan } from "../train/runPlan.ts";

let devices: Device[] = [];
afterAll(() => devices.forEach((device) => device.dispose()));

it("train together with equal parameter hashes, and learn", { timeout: 400_000 }, async () => {
  const plan = { ...runPlan(loadRunConfig("test", process.cwd()).config), pipeline: "sync" as const };
  const [device, other] = (devices = [await createTestDevice("software"), await createTestDevice("software")]);
  const engines = await Promise.all([
    TrainingEngine.create(device, plan, { microBatchSequences: 1, dataParallelism: 2, otherDevices: [other] }),
    TrainingEngine.create(device, plan, { microBatchSequences: 1, tensorParallelism: 2, otherDevices: [other] }),
  ]);
  const share = (round: number, member: number) =>
    [0, 1, 2].map((n) => Int32Array.from({ length: plan.sequenceTokens }, (_, t) => 97 + ((round + 3 * member + n + t) % 7)));
  const losses: number[] = [];
  let results: Uint8Array[] = [];
  for (const engine of engines) await engine.startEpoch();
  for (let round = 0; round < 6; round++) {
    const learningRate = Math.fround(5e-3);
    const sent: Uint8Array[] = [];
    for (const [member, engine] of engines.entries()) {
      await engine.beginRound({
        results,
        applyLearningRate: results.length > 0 ? learningRate : null,
        decayLearningRate: null,
        pipeline: "sync",
        lookaheadLearningRate: null,
      });
      const { loss, payload } = await engine.train({ sequences: share(round, member), learningRate });
      plan.checkPayload(payload);
      losses.push(loss!);
      sent.push(payload);
    }
    results = sent;
    const [first, second] = await Promise.all(engines.map((engine) => engine.parameterHash()));
    expect(toHex(second), `round ${round}`).toBe(toHex(first));
  }
  expect(losses.at(-1)).toBeLessThan(losses[0] - 0.1);
  // both begin alike: the same batch has the same loss, however it is computed
  const [a, b] = await Promise.all(engines.map((engine) => engine.evaluate(share(0, 0))));
  expect(b).toBeCloseTo(a, 5);
  for (const engine of engines) await engine.dispose();
});
