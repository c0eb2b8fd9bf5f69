/** Tasks asked of a small model, against log-probabilities of full forwards in f64. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { Generator } from "../generate/generator.ts";
import { Inference } from "../generate/inference.ts";
import { someWeights, untied } from "../generate/testModel.ts";
import { textModel } from "../generate/textModel.ts";
import { uploadWeights } from "../generate/weights.ts";
import { llamaTwin } from "../model/llamaTwin.ts";
import type { InferenceRequest } from "../round/ports.ts";
import { evaluateTasks } from "./evaluateTasks.ts";
import { idleTasks } from "./idleTasks.ts";
import { parseQuestions, type Question } from "./questions.ts";
import { Task, type TaskOptions, type TaskResult } from "./task.ts";

const config = { ...untied, vocabSize: 256, maxPositionEmbeddings: 512 };
const contextTokens = 96;
const text = textModel(config, null);
const questionsOf = (name: string) => parseQuestions(readFileSync(new URL(`./fixtures/${name}.jsonl`, import.meta.url), "utf8"), name);
const task = (name: string, change: Partial<TaskOptions> = {}) =>
  new Task({ name, questions: questionsOf(name), text, contextTokens, fewshot: 0, ...change });

/** What a plain reading of the rule gives: every text whole (its beginning cut off where it is too long), scored in f64. */
function plainly(questions: readonly Question[], fewshot: number): { acc: number; accNorm: number } {
  const weights = someWeights(config);
  let [right, rightNorm] = [0, 0];
  for (const [n, { context, choices, answer }] of questions.entries()) {
    const examples = questions.filter((_, i) => i !== n).slice(0, fewshot);
    const before = [...examples.map((e) => `${e.context} ${e.choices[e.answer]}`), context].join("\n\n");
    const scores = choices.map((choice) => {
      const all = [...new TextEncoder().encode(`${before} ${choice}`)];
      const tokens = Int32Array.from(all.slice(-(contextTokens + 1)));
      const scored = new TextEncoder().encode(` ${choice}`).length;
      const labels = tokens.map((token, i) => (i >= tokens.length - scored ? token : -100));
      return -llamaTwin(config, weights, [tokens], [labels]).losses.reduce((a, b) => a + b, 0);
    });
    const best = (values: number[]) => values.indexOf(Math.max(...values));
    if (best(scores) === answer) right++;
    if (best(scores.map((score, i) => score / choices[i].length)) === answer) rightNorm++;
  }
  return { acc: right / questions.length, accNorm: rightNorm / questions.length };
}

describe("tasks", () => {
  let device: Device;
  let inference: Inference;
  beforeAll(async () => {
    device = await createTestDevice("software");
    const { weight } = uploadWeights(device, someWeights(config));
    inference = new Inference(await Generator.create(device, config, { weight, contextTokens }));
  });
  afterAll(() => device.dispose());

  test("figures are those of full forwards; longer texts lose their beginning", { timeout: 60_000 }, async () => {
    const results = await evaluateTasks(inference, [task("hellaswag"), task("arc"), task("piqa", { fewshot: 2 })]);
    expect(results).toEqual([
      { name: "hellaswag", asked: 3, total: 3, ...plainly(questionsOf("hellaswag"), 0) },
      { name: "arc", asked: 3, total: 3, ...plainly(questionsOf("arc"), 0) },
      { name: "piqa", asked: 4, total: 4, ...plainly(questionsOf("piqa"), 2) },
    ]);
  });

  test("in idle time: piece by piece over many rounds, the same figures, told at half and at the end, then again", async () => {
    const [expected] = await evaluateTasks(inference, [task("piqa")]);
    const told: TaskResult[] = [];
    const work = idleTasks([task("piqa"), task("arc", { maxDocs: 1 })], (result) => told.push(result));
    let requests = 0;
    const infer = async (request: InferenceRequest) => {
      requests++;
      return requests <= 2 ? ({ kind: "preparing" } as const) : inference.answer(request);
    };
    expect(await work.piece(infer, 1)).toBeGreaterThan(0); // not ready: later
    for (let n = 0; told.length < 5; n++) {
      expect(n).toBeLessThan(200);
      await work.piece(infer, n);
    }
    expect(told.map(({ name, asked, total }) => [name, asked, total])).toEqual([
      ["piqa", 2, 4],
      ["piqa", 4, 4],
      ["arc", 1, 1],
      ["piqa", 2, 4],
      ["piqa", 4, 4],
    ]);
    expect(told[1]).toEqual(expected);
    expect(told[4]).toEqual(expected);
  });

  test("a short task is asked once a round", async () => {
    const told: TaskResult[] = [];
    const work = idleTasks([task("piqa", { maxDocs: 1 }), task("arc", { maxDocs: 1 })], (result) => told.push(result));
    const infer = (request: InferenceRequest) => inference.answer(request);
    for (const step of [1, 2]) {
      for (let n = 0; (await work.piece(infer, step)) !== null; n++) expect(n).toBeLessThan(100);
      expect(told.map(({ name }) => name)).toEqual(["piqa", "arc", "piqa", "arc"].slice(0, 2 * step));
    }
  });

  test("a signal ends it between two pieces, with what was asked so far", async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, onQuestion: () => abort.abort() };
    const results = await evaluateTasks(inference, [task("piqa"), task("arc")], options);
    expect(results).toMatchObject([{ name: "piqa", asked: 1, total: 4 }]);
  });
});
