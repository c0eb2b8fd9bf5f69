import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { llamaTwin } from "../model/llamaTwin.ts";
import type { InferenceAnswer, InferenceRequest } from "../round/ports.ts";
import { generate } from "./generate.ts";
import { Generator } from "./generator.ts";
import { Inference } from "./inference.ts";
import { chanceOf } from "./sampler.ts";
import { someWeights, untied } from "./testModel.ts";
import { uploadWeights } from "./weights.ts";

const text = Array.from({ length: 40 }, (_, i) => (i * i * 7 + 3 * i) % untied.vocabSize);

describe("Inference", () => {
  let device: Device;
  let generator: Generator;
  let inference: Inference;
  beforeAll(async () => {
    device = await createTestDevice("software");
    const { weight } = uploadWeights(device, someWeights(untied));
    generator = await Generator.create(device, untied, { weight, contextTokens: 40, pieceTokens: 8 });
    inference = new Inference(generator);
  });
  afterAll(() => device.dispose());

  /** The answer, and the pieces it took. */
  const ask = async (request: InferenceRequest): Promise<{ answer: InferenceAnswer; pieces: number }> => {
    for (let pieces = 1; ; pieces++) {
      const answer = await inference.answer(request);
      if (answer.kind !== "more") return { answer, pieces };
    }
  };
  /** Sum over a full forward in f64. */
  const scoreOf = (tokens: readonly number[], from: number): number => {
    const sequence = Int32Array.from(tokens);
    const labels = sequence.map((token, i) => (i >= from ? token : -100));
    const { losses } = llamaTwin(untied, someWeights(untied), [sequence], [labels]);
    return -losses.reduce((a, b) => a + b, 0);
  };
  const score = (tokens: readonly number[], from: number): InferenceRequest => ({ kind: "score", tokens, from });

  test("token by token it writes what `generate` writes, and goes over a prompt once", async () => {
    const prompt = text.slice(0, 19);
    const sampler = { temperature: 0.8, topP: 0.9 };
    const { tokens } = await generate(generator, { tokens: prompt, maxNewTokens: 6, seed: 3, ...sampler });
    inference.weightsChanged();
    const written: number[] = [];
    const pieces: number[] = [];
    for (let n = 0; n < 6; n++) {
      const request = { kind: "next", tokens: [...prompt, ...written], ...sampler, chance: chanceOf(3, n), vocabulary: 41 } as const;
      const { answer, pieces: taken } = await ask(request);
      expect(answer.kind).toBe("next");
      if (answer.kind === "next") written.push(answer.token);
      pieces.push(taken);
    }
    expect(written).toEqual(tokens);
    expect(pieces).toEqual([3, 1, 1, 1, 1, 1]);
  });

  test("scores are those of full forwards, whatever was asked before; what two texts share is not computed twice", async () => {
    inference.weightsChanged();
    const other = [...text.slice(0, 30), 3, 4, 5];
    const asked: [tokens: readonly number[], from: number, pieces: number][] = [
      [text.slice(0, 33), 30, 4], // 32 tokens go in, 8 at a time
      [other, 30, 1], // the first 29 are there
      [text, 1, 5],
      [text.slice(0, 2), 1, 1],
    ];
    for (const [tokens, from, expectedPieces] of asked) {
      const { answer, pieces } = await ask(score(tokens, from));
      expect(answer.kind).toBe("score");
      if (answer.kind === "score") expect(Math.abs(answer.logProbability - scoreOf(tokens, from))).toBeLessThan(1e-4);
      expect(pieces).toBe(expectedPieces);
    }
  });

  test("a text that others interrupt, or weights that change, begins again and comes out the same", async () => {
    const request = score(text, 20);
    const { answer } = await ask(request);
    await inference.answer(request);
    await inference.answer(request);
    await ask(score([5, 6, 7], 1));
    expect(await ask(request)).toMatchObject({ answer: { kind: "score" } });
    await inference.answer(request);
    inference.weightsChanged();
    const { answer: again, pieces } = await ask(request);
    expect([again, pieces]).toEqual([answer, 5]);
  });

  test("refuses texts that do not fit", async () => {
    await expect(
      inference.answer(
        score(
          Array.from({ length: 42 }, () => 1),
          1,
        ),
      ),
    ).rejects.toMatchObject({ code: "bad-prompt" });
    await expect(inference.answer(score([1, 2], 2))).rejects.toMatchObject({ code: "bad-setting" });
    await expect(inference.answer(score([1, 2], 0))).rejects.toMatchObject({ code: "bad-setting" });
    await expect(inference.answer(score([1, 41], 1))).rejects.toMatchObject({ code: "bad-prompt" });
  });
});
