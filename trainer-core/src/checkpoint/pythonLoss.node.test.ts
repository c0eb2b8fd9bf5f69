import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { ParameterMap } from "../model/parameters.ts";
import { findPython, pythonLoss } from "./pythonLoss.node.ts";
import { directoryStore } from "./store.node.ts";
import { testCheckpoint, testModel } from "./testCheckpoint.ts";

const python = await findPython();
const root = await mkdtemp(join(tmpdir(), "starling-python-"));
afterAll(() => rm(root, { recursive: true }));

function sha256Of(parameters: ParameterMap): string {
  const hash = createHash("sha256");
  for (const { data } of parameters.values()) hash.update(new Uint8Array(data.buffer));
  return hash.digest("hex");
}

describe.skipIf(python === null)("checkpoints seen from Python", () => {
  const tokens = [0, 1].map((row) => Array.from({ length: 20 }, (_, i) => (i * 7 + row * 5) % testModel.vocabSize));

  test.each([
    ["one file", {}, { ropeScaling: { type: "linear", factor: 2 } }],
    ["shards", { maxShardBytes: 8192 }, {}],
    ["tied embeddings", {}, { tieWordEmbeddings: true, ropeScaling: null }],
  ] as const)("%s: the safetensors library reads the same bits, and the loss of a start is near ln V", async (name, shards, change) => {
    const store = directoryStore(join(root, name), { keepSteps: 1, ...shards });
    const checkpoint = testCheckpoint(1, { ...testModel, ...change });
    const { location } = await store.save(checkpoint);
    expect((await readdir(location)).includes("model.safetensors.index.json")).toBe(name === "shards");
    const answer = await pythonLoss(python!, location, tokens);
    expect(answer.sha256).toBe(sha256Of(checkpoint.parameters));
    expect(answer.targets).toBe(38);
    expect(Math.abs(answer.loss - Math.log(testModel.vocabSize))).toBeLessThan(0.05);
  });

  test("labels of -100 are left out; equal logits give ln V exactly", async () => {
    const checkpoint = testCheckpoint(1);
    checkpoint.parameters.get("lm_head.weight")!.data.fill(0);
    const { location } = await directoryStore(join(root, "flat"), { keepSteps: 1 }).save(checkpoint);
    const labels = tokens.map((row) => row.map((token, i) => (i < 15 ? -100 : token)));
    const answer = await pythonLoss(python!, location, tokens, labels);
    expect(answer.targets).toBe(10);
    expect(answer.loss).toBeCloseTo(Math.log(testModel.vocabSize), 12);
  });
});
