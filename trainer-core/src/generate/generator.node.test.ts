/** The cached forward pass on both profiles against the whole model in f64; train/infer.node.test.ts holds it against the training plan's. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { BASE_PROFILES } from "@starling/shaders";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { llamaTwin } from "../model/llamaTwin.ts";
import { expectClose } from "../model/testing.ts";
import { generate, prefill } from "./generate.ts";
import { Generator } from "./generator.ts";
import { someWeights, tied, untied } from "./testModel.ts";
import { uploadWeights } from "./weights.ts";

const TOKENS = 29;
const text = Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3 * i) % untied.vocabSize);

/** Logits (tokens, vocabulary) of a full forward in f64. */
const fullForward = (config: LlamaConfig, tokens: readonly number[]) => {
  const sequence = Int32Array.from(tokens);
  return llamaTwin(config, someWeights(config), [sequence], [sequence]).logits;
};

function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

describe.each(BASE_PROFILES)("Generator, profile %s", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());

  /** What no kernel of a profile decides; barriers are slow on a software adapter. */
  const testOnce = test.runIf(profile === "software");

  const withGenerator = async (config: LlamaConfig, run: (generator: Generator) => Promise<void>) => {
    const weights = uploadWeights(device, someWeights(config));
    const generator = await Generator.create(device, config, { weight: weights.weight, contextTokens: 48, pieceTokens: 8 });
    await run(generator);
    generator.dispose();
    weights.dispose();
  };

  test.each([
    ["untied, grouped queries, llama3 rope", untied],
    ["tied", tied],
  ])("every position's logits are those of a full forward: %s", async (_, config) => {
    const expected = fullForward(config, text);
    const row = (t: number) => expected.subarray(t * config.vocabSize, (t + 1) * config.vocabSize);
    await withGenerator(config, async (generator) => {
      // a prompt of two whole pieces and a part, then token by token
      const prompt = 19;
      expectClose(await prefill(generator, text.slice(0, prompt)), row(prompt - 1), 1e-5, "after the prompt");
      for (let t = prompt; t < TOKENS; t++) {
        expectClose(await generator.appendForLogits([text[t]]), row(t), 1e-5, `position ${t}`);
      }
      // going back, and on from there
      generator.truncate(5);
      expectClose(await generator.appendForLogits(text.slice(5, 9)), row(8), 1e-5, "after going back");
    });
  });

  test("scores are the log-probabilities of a full forward", async () => {
    const logits = fullForward(untied, text);
    await withGenerator(untied, async (generator) => {
      generator.append(text.slice(0, 4));
      const targets = [text[5], -1, text[7], text[8]];
      const scores = await generator.appendForScores(text.slice(4, 8), targets);
      const expected = targets.map((target, i) => {
        const row = logits.subarray((4 + i) * untied.vocabSize, (5 + i) * untied.vocabSize);
        return target < 0 ? 0 : row[target] - Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
      });
      expectClose(scores, expected, 1e-5, "scores");
    });
  });

  test("greedy text is the argmax of full forwards", async () => {
    const prompt = text.slice(0, 11);
    await withGenerator(untied, async (generator) => {
      const { tokens, ended } = await generate(generator, { tokens: prompt, maxNewTokens: 10, temperature: 0, topP: 1, seed: 1 });
      expect(ended).toBe("length");
      const all = [...prompt];
      for (const token of tokens) {
        expect(token).toBe(argmax(fullForward(untied, all).subarray(-untied.vocabSize)));
        all.push(token);
      }
    });
  });

  testOnce("tensors that cannot be bound at once are read in shards", async () => {
    const wide = { ...untied, vocabSize: 301, intermediateSize: 300, numLayers: 1 };
    for (const config of [wide, { ...wide, tieWordEmbeddings: true }]) {
      const expected = fullForward(config, text);
      const row = (t: number) => expected.subarray(t * 301, (t + 1) * 301);
      // 18 columns of 4 bytes: 128 rows of 301
      const small = Object.create(device, { bindingLimitBytes: { value: 150 * 18 * 4 } }) as Device;
      small.bufferOf = device.bufferOf.bind(device);
      const weights = uploadWeights(small, someWeights(config));
      expect(weights.weight("model.embed_tokens.weight").shards?.map(({ rows }) => rows)).toEqual([128, 128, 45]);
      const generator = await Generator.create(device, config, { weight: weights.weight, contextTokens: 48, pieceTokens: 8 });
      expectClose(await prefill(generator, text.slice(0, 13)), row(12), 1e-5, "after the prompt");
      expectClose(await generator.appendForLogits([text[13]]), row(13), 1e-5, "one more");
      const [score] = await generator.appendForScores([text[14]], [300]);
      expect(Math.abs(score - (row(14)[300] - Math.log(row(14).reduce((sum, v) => sum + Math.exp(v), 0))))).toBeLessThan(1e-4);
      generator.dispose();
      weights.dispose();
    }
  });

  testOnce("the same seed writes the same text; a stop token, a full context and a signal end it", async () => {
    await withGenerator(untied, async (generator) => {
      const request = { tokens: text.slice(0, 5), maxNewTokens: 30, temperature: 1, topP: 0.9, seed: 7 };
      const seen: number[] = [];
      const first = await generate(generator, { ...request, onToken: (token) => seen.push(token) });
      expect(first.tokens).toHaveLength(30);
      expect(seen).toEqual(first.tokens);
      expect((await generate(generator, request)).tokens).toEqual(first.tokens);
      expect((await generate(generator, { ...request, seed: 8 })).tokens).not.toEqual(first.tokens);
      const stop = first.tokens[12];
      const stopped = await generate(generator, { ...request, stopTokens: [stop] });
      expect(stopped).toEqual({ tokens: first.tokens.slice(0, first.tokens.indexOf(stop)), ended: "stop" });
      const full = await generate(generator, { ...request, maxNewTokens: 1000 });
      expect([full.tokens.length, full.ended]).toEqual([48 - 5 + 1, "context"]);
      const few = await generate(generator, { ...request, vocabulary: 3 });
      expect(Math.max(...few.tokens)).toBeLessThan(3);
      const abort = new AbortController();
      let written = 0;
      const ended = generate(generator, { ...request, signal: abort.signal, onToken: () => void (++written === 3 && abort.abort()) });
      await expect(ended).rejects.toMatchObject({ name: "GenerateError", code: "aborted" });
      expect(written).toBe(3);
    });
  });

  testOnce("refuses what it cannot do, and goes on", async () => {
    await withGenerator(untied, async (generator) => {
      const request = { tokens: [1], maxNewTokens: 2, temperature: 0, topP: 1, seed: 0 };
      const refused = async (change: Partial<typeof request>, code: string, message: RegExp) =>
        expect(generate(generator, { ...request, ...change })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
      await refused({ tokens: [] }, "bad-prompt", /1 to 48 tokens.*has 0/);
      await refused({ tokens: Array.from({ length: 49 }, () => 1) }, "bad-prompt", /it has 49/);
      await refused({ tokens: [41] }, "bad-prompt", /token 41 is outside the model's vocabulary of 41/);
      await refused({ tokens: [-1] }, "bad-prompt", /token -1/);
      await refused({ temperature: -1 }, "bad-setting", /temperature.*got -1/);
      await refused({ topP: 0 }, "bad-setting", /top-p.*got 0/);
      await refused({ maxNewTokens: 0 }, "bad-setting", /got 0/);
      expect((await generate(generator, request)).tokens).toHaveLength(2);
    });
  });

  testOnce("what does not fit is said, leaves nothing behind and harms nobody else on the device", async () => {
    const { weight, dispose } = uploadWeights(device, someWeights(untied));
    const before = device.memory;
    const long = { ...untied, maxPositionEmbeddings: 1 << 28 };
    await expect(Generator.create(device, long, { weight })).rejects.toMatchObject({ code: "too-large" });
    expect(device.memory).toEqual(before);
    const { popErrorScope } = device.gpu;
    device.gpu.popErrorScope = async () => (await popErrorScope.call(device.gpu), { message: "no room" }) as GPUError;
    const failed = Generator.create(device, untied, { weight });
    await expect(failed).rejects.toMatchObject({ code: "out-of-memory", message: expect.stringContaining("no room") });
    device.gpu.popErrorScope = popErrorScope;
    expect(device.memory).toEqual(before);
    (await Generator.create(device, untied, { weight })).dispose();
    device.assertHealthy();
    dispose();
  });

  testOnce("what was made is freed", async () => {
    const once = () =>
      withGenerator(untied, async (generator) => {
        await generate(generator, { tokens: [1, 2, 3], maxNewTokens: 3, temperature: 0, topP: 1, seed: 0 });
        await generator.appendForScores([4, 5], [5, 6]);
      });
    await once(); // leaves the device's buffers for readback, which are used again
    const before = device.memory;
    await once();
    expect(device.memory).toEqual(before);
  });
});
