import { describe, expect, it } from "vitest";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { createTestDevice } from "../device/testDevice.node.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { tensorRoot } from "../compress/merkle.ts";
import { TrainingEngine } from "./engine.ts";
import { runPlan } from "./runPlan.ts";

const planOf = (preset: string) => runPlan(loadRunConfig(preset, process.cwd()).config);

/** Text that can be learned: a cycle of bytes, another phase in each sequence. */
const cycles = (count: number, tokens: number): Int32Array[] =>
  Array.from({ length: count }, (_, n) => Int32Array.from({ length: tokens }, (_, t) => 97 + ((n + t) % 7)));

describe("TrainingEngine", () => {
  it("allocates llama2-20m and starts it from the preset's weights", async () => {
    const plan = planOf("llama2-20m");
    const device = await createTestDevice();
    const engine = await TrainingEngine.create(device, plan, { microBatchSequences: 1 });
    expect(engine.trainer.parameters.elementCount).toBeGreaterThan(19_000_000);
    const start = initialWeights(plan.llama, plan.start.kind === "random" ? plan.start.seed : 0);
    const expected = tensorRoot(
      plan.layouts,
      [...start.values()].map((tensor) => tensor.data),
    );
    expect(toHex(await engine.parameterHash())).toBe(toHex(expected));
    device.dispose();
  });

  it.each(["overlapped", "sync"] as const)("learns alone through its own results, pipeline %s", async (pipeline) => {
    const plan = { ...planOf("test"), pipeline };
    const device = await createTestDevice();
    const engine = await TrainingEngine.create(device, plan, { microBatchSequences: 2 });
    const text = cycles(4, plan.sequenceTokens);
    const before = await engine.evaluate(text);
    const lag = pipeline === "overlapped" ? 2 : 1;
    const learningRate = Math.fround(5e-3);
    const sent: Uint8Array[] = [];
    const hashes = new Set<string>();
    await engine.startEpoch();
    for (let round = 0; round < 30; round++) {
      const result = sent[round - lag];
      await engine.beginRound({
        results: result ? [result] : [],
        applyLearningRate: result ? learningRate : null,
        decayLearningRate: null,
        pipeline,
        lookaheadLearningRate: pipeline === "overlapped" && round > 0 ? learningRate : null,
      });
      const { loss, payload, tokens } = await engine.train({ sequences: text, learningRate });
      expect(loss).not.toBeNull();
      expect(tokens).toBe(4 * plan.sequenceTokens);
      expect(payload.byteLength).toBe(plan.payloadBytes);
      plan.checkPayload(payload);
      sent.push(payload);
      hashes.add(toHex(await engine.parameterHash()));
    }
    expect(hashes.size).toBe(30 - lag + 1);
    expect(await engine.evaluate(text)).toBeLessThan(before - 1.5);
    device.dispose();
  });

  it("takes over another engine's parameters bit for bit, and refuses a model of other sizes before it changes anything", async () => {
    const plan = planOf("test");
    const device = await createTestDevice();
    const [a, b] = [
      await TrainingEngine.create(device, plan, { microBatchSequences: 1 }),
      await TrainingEngine.create(device, { ...plan, start: { kind: "random", seed: 99 } }, { microBatchSequences: 1 }),
    ];
    const hash = toHex(await a.parameterHash());
    expect(toHex(await b.parameterHash())).not.toBe(hash);
    await b.importParameters(await a.exportParameters());
    expect(toHex(await b.parameterHash())).toBe(hash);
    const wrong = await a.exportParameters();
    wrong.set("model.norm.weight", new Float32Array(3));
    await expect(b.importParameters(wrong)).rejects.toMatchObject({
      code: "bad-parameters",
      message: expect.stringContaining("model.norm.weight has 32 elements, got 3"),
    });
    expect(toHex(await b.parameterHash())).toBe(hash);
    device.dispose();
  });

  it("refuses an optimizer that exchanges nothing, with what to use instead", () => {
    const { config } = loadRunConfig("test", process.cwd());
    const adamW = { AdamW: { betas: [0.9, 0.95] as [number, number], weight_decay: 0.1, eps: 1e-8, clip_grad_norm: 1 } };
    const changed = { ...config, model: { LLM: { ...config.model.LLM, optimizer: adamW } } };
    expect(() => runPlan(changed)).toThrow(/AdamW exchanges nothing; use Distro/);
  });
});
