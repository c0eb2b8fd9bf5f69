import { describe, expect, test } from "vitest";
import { initialWeights } from "../model/initialWeights.ts";
import { llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { jsonFile, textFile, type CheckpointFile } from "./checkpointFiles.ts";
import { readCheckpoint, readParameters } from "./readCheckpoint.ts";
import { safetensorsFile } from "./safetensors.ts";
import { filesInMemory, testCheckpoint, testModel } from "./testCheckpoint.ts";
import { checkpointFiles } from "./writeCheckpoint.ts";

const parametersOnly = (parameters: ParameterMap) => filesInMemory([safetensorsFile("model.safetensors", parameters)]);

describe("reading a checkpoint", () => {
  test("gives back what was written: config, parameters, state, tokenizer", async () => {
    const checkpoint = { ...testCheckpoint(17), tokenizerJson: '{"é": 1}' };
    const loaded = await readCheckpoint(filesInMemory(checkpointFiles(checkpoint)));
    expect(loaded).toEqual(checkpoint);
    expect([...loaded.parameters.keys()]).toEqual(llamaParameters(testModel).map(({ name }) => name));
  });

  test("shards above the limit, none beside a single file, and reads them back", async () => {
    const checkpoint = testCheckpoint(5);
    const files = checkpointFiles(checkpoint, 8192);
    const names = files.map(({ name }) => name);
    expect(names).toContain("model-00001-of-00003.safetensors");
    expect(names).toContain("model.safetensors.index.json");
    expect(names).not.toContain("model.safetensors");
    for (const file of files) if (file.name.endsWith(".safetensors")) expect(file.sizeBytes).toBeLessThan(8192 + 2048);
    expect(await readCheckpoint(filesInMemory(files))).toEqual({ ...checkpoint, tokenizerJson: null });
    expect(checkpointFiles(checkpoint).map(({ name }) => name)).toEqual(["config.json", "model.safetensors", "starling.json"]);
  });

  test("a checkpoint of another program has no state", async () => {
    const files = checkpointFiles(testCheckpoint(1)).filter(({ name }) => name !== "starling.json");
    expect((await readCheckpoint(filesInMemory(files))).state).toBeNull();
  });

  test("values too small to be equal on all adapters become +0", async () => {
    const weights = initialWeights(testModel, 0);
    weights.get("model.norm.weight")!.data.set([1e-40, -0, -1e-38, 0.5]);
    const read = await readParameters(parametersOnly(weights), testModel);
    expect([...read.get("model.norm.weight")!.data.subarray(0, 4)].map((v) => Object.is(v, -0))).toEqual([false, false, false, false]);
    expect([...read.get("model.norm.weight")!.data.subarray(0, 4)]).toEqual([0, 0, 0, 0.5]);
  });

  test("tied embeddings tolerate an output projection; it is left out", async () => {
    const tied = { ...testModel, tieWordEmbeddings: true };
    const read = await readParameters(parametersOnly(initialWeights(testModel, 0)), tied);
    expect([...read.keys()]).toEqual(llamaParameters(tied).map(({ name }) => name));
  });

  test("names everything that does not fit the model", async () => {
    const weights = initialWeights(testModel, 0);
    weights.delete("model.norm.weight");
    weights.set("model.layers.2.mlp.up_proj.weight", { shape: [1], data: new Float32Array(1) });
    weights.set("lm_head.weight", { shape: [16, 64], data: new Float32Array(1024) });
    weights.set("model.layers.0.self_attn.rotary_emb.inv_freq", { shape: [1], data: new Float32Array(1) });
    await expect(readParameters(parametersOnly(weights), testModel)).rejects.toMatchObject({
      code: "wrong-model",
      message:
        "memory does not fit its config.json or the run's model: missing: model.norm.weight; not part of the model: " +
        "model.layers.2.mlp.up_proj.weight; lm_head.weight is [16,64], must be [64,16]",
    });
  });

  test("refuses values that are not finite", async () => {
    const weights = initialWeights(testModel, 0);
    weights.get("lm_head.weight")!.data[700] = Number.NaN;
    await expect(readParameters(parametersOnly(weights), testModel)).rejects.toMatchObject({
      code: "wrong-model",
      message: expect.stringContaining("NaN"),
    });
  });

  const replaced = (file: CheckpointFile) => filesInMemory([...checkpointFiles(testCheckpoint(1), 8192), file]);
  const index = (weight_map: unknown) => jsonFile("model.safetensors.index.json", { weight_map });
  test.each<[string, CheckpointFile, string, RegExp]>([
    ["a config that is not JSON", textFile("config.json", "{"), "bad-format", /config.json is not JSON/],
    ["a config of another model", jsonFile("config.json", { model_type: "gpt2" }), "wrong-model", /config.json/],
    ["an index without a map", index(null), "bad-format", /weight_map/],
    ["an index that leads out of the checkpoint", index({ a: "../x.safetensors" }), "bad-format", /not a shard's file name/],
    ["an index that names a shard that is not there", index({ a: "x.safetensors" }), "missing-file", /x.safetensors/],
    ["an index that places a tensor wrongly", index({ a: "model-00001-of-00003.safetensors" }), "bad-format", /does not hold it/],
    ["a state that is not JSON", textFile("starling.json", "x"), "bad-format", /starling.json/],
    ["a state of a newer format", jsonFile("starling.json", { format: 2 }), "bad-format", /format must be 1/],
    [
      "a state with a hash cut off",
      jsonFile("starling.json", { format: 1, run_id: "a", step: 1, epoch: 1, parameter_hash: "ab" }),
      "bad-format",
      /64 hex/,
    ],
    ["a state with a negative step", jsonFile("starling.json", { format: 1, run_id: "a", step: -1 }), "bad-format", /step must be/],
  ])("refuses %s", async (_name, file, code, message) => {
    await expect(readCheckpoint(replaced(file))).rejects.toMatchObject({
      name: "CheckpointError",
      code,
      message: expect.stringMatching(message),
    });
  });

  test("says which file is missing", async () => {
    await expect(readCheckpoint(filesInMemory([]))).rejects.toMatchObject({
      code: "missing-file",
      message: expect.stringContaining("config.json"),
    });
    const noTensors = filesInMemory(checkpointFiles(testCheckpoint(1)).filter(({ name }) => name !== "model.safetensors"));
    await expect(readCheckpoint(noTensors)).rejects.toMatchObject({
      code: "missing-file",
      message: expect.stringContaining("model.safetensors"),
    });
  });

  test("stops when aborted", async () => {
    const files = filesInMemory(checkpointFiles(testCheckpoint(1)));
    await expect(readCheckpoint(files, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
  });
});
