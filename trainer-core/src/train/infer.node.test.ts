/** Inference beside the training changes nothing that trains: the same rounds with and without it, bit for bit. */
import { expect, it } from "vitest";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { createTestDevice } from "../device/testDevice.node.ts";
import type { InferenceRequest } from "../round/ports.ts";
import { TrainingEngine } from "./engine.ts";
import { runPlan } from "./runPlan.ts";

it("leaves parameters, results and residuals as they are, and reads the master copy", { timeout: 240_000 }, async () => {
  const plan = runPlan(loadRunConfig("test", process.cwd()).config);
  const device = await createTestDevice();
  const text = [0, 1].map((n) => Int32Array.from({ length: plan.sequenceTokens }, (_, t) => 97 + ((n + t) % 7)));
  const score = { kind: "score", tokens: [...text[0]], from: 1 } as const;

  const train = async (infers: boolean): Promise<{ facts: string[]; scores: number[]; expected: number[] }> => {
    const engine = await TrainingEngine.create(device, plan, { microBatchSequences: 2, precision: "f32" });
    const ask = async (request: InferenceRequest): Promise<number> => {
      for (;;) {
        const answer = await engine.infer(request);
        if (answer.kind === "score") return answer.logProbability;
        if (answer.kind === "next") return answer.token;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const facts: string[] = [];
    const scores: number[] = [];
    const expected: number[] = [];
    let last: Uint8Array | null = null;
    await engine.startEpoch();
    for (let round = 0; round < 4; round++) {
      const [results, learningRate] = [last ? [last] : [], Math.fround(0.01)];
      const rates = { applyLearningRate: last ? learningRate : null, decayLearningRate: null, lookaheadLearningRate: learningRate };
      await engine.beginRound({ results, pipeline: plan.pipeline, ...rates });
      // between a round's begin and its training the look-ahead is in the compute weights
      if (infers) await ask({ kind: "next", tokens: [97, 98], temperature: 0.6, topP: 0.9, chance: 0.5, vocabulary: 256 });
      const { payload, residualRoot, loss } = await engine.train({ sequences: text, learningRate });
      if (infers) {
        scores.push(await ask(score));
        // by the training plan, over the master copy
        expected.push(-(await engine.evaluate([text[0]])) * (plan.sequenceTokens - 1));
      }
      last = payload;
      facts.push(toHex(payload), toHex(residualRoot), String(loss), toHex(await engine.parameterHash()));
    }
    await engine.dispose();
    return { facts, scores, expected };
  };
  const alone = await train(false);
  const before = device.memory;
  const beside = await train(true);
  expect(beside.facts).toEqual(alone.facts);
  expect(new Set(beside.scores).size).toBeGreaterThan(2); // of the parameters of each round
  for (const [i, value] of beside.scores.entries()) expect(Math.abs(value - beside.expected[i])).toBeLessThan(2e-4);
  expect(device.memory.buffers - before.buffers).toBeLessThanOrEqual(4); // buffers for readback stay with the device
  device.dispose();
});
