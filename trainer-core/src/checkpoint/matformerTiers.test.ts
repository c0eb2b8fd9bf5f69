import { describe, expect, test } from "vitest";
import { toHex } from "@starling/sdk/bytes";
import { tensorRoot } from "../compress/merkle.ts";
import { readTextFile, type CheckpointFile, type CheckpointFiles } from "./checkpointFiles.ts";
import { MANIFEST_FILE, readTierCheckpoint, readTierOrigin, tierCheckpointFiles, tierDirectory } from "./matformerTiers.ts";
import { modelTensors } from "./modelTensors.ts";
import { readCheckpoint } from "./readCheckpoint.ts";
import { filesInMemory, testCheckpoint, testModel } from "./testCheckpoint.ts";
import { checkpointFiles } from "./writeCheckpoint.ts";

const whole = testCheckpoint(7);
const texts = new Map([["tokenizer.json", '{"a": 1}']]);
const tierFiles = (tier: number, maxShardBytes?: number) => tierCheckpointFiles(whole, tier, { chunk: 8, maxShardBytes, texts });

/** The same files, one with a byte changed. */
function damaged(files: CheckpointFile[], name: string): CheckpointFiles {
  return filesInMemory(
    files.map((file) => {
      if (file.name !== name) return file;
      const bytes = Buffer.concat([...file.pieces()]);
      bytes[bytes.length - 1] ^= 1;
      return { ...file, pieces: () => [bytes] };
    }),
  );
}

describe("a tier's checkpoint", () => {
  test.each([
    ["one file", undefined, "model.safetensors"],
    ["shards", 4096, "model-00005-of-00005.safetensors"],
  ])("in %s is an ordinary narrower model, and loads back as the part that it is", async (_, maxShardBytes, name) => {
    const files = tierFiles(2, maxShardBytes);
    expect(files.map((file) => file.name)).toContain(name);
    const memory = filesInMemory(files);
    const ordinary = await readCheckpoint(memory);
    expect(ordinary.config).toEqual({ ...testModel, intermediateSize: 6 });
    expect(ordinary.tokenizerJson).toBe('{"a": 1}');
    const part = await readTierCheckpoint(memory);
    expect(part).toMatchObject({ tier: 2, base: testModel, baseHash: { chunk: 8 } });
    const gate = part.parameters.get("model.layers.1.mlp.gate_proj.weight")!;
    expect(gate.shape).toEqual([6, 16]);
    expect(gate.data).toEqual(whole.parameters.get("model.layers.1.mlp.gate_proj.weight")!.data.slice(0, 96));
    const down = part.parameters.get("model.layers.1.mlp.down_proj.weight")!;
    const from = whole.parameters.get("model.layers.1.mlp.down_proj.weight")!.data;
    expect(down.shape).toEqual([16, 6]);
    expect(down.data).toEqual(Float32Array.from({ length: 96 }, (_, i) => from[Math.floor(i / 6) * 24 + (i % 6)]));
  });

  test("names the whole model's hash, and the sha256 of every file but itself", async () => {
    const files = tierFiles(1);
    const manifest = JSON.parse((await readTextFile(filesInMemory(files), MANIFEST_FILE))!) as Record<string, unknown>;
    const layouts = modelTensors(testModel, 8).map(({ layout }) => layout);
    expect(manifest).toMatchObject({
      schema_version: 1,
      matformer_base_intermediate_size: 24,
      base_parameter_hash: toHex(
        tensorRoot(
          layouts,
          [...whole.parameters.values()].map(({ data }) => data),
        ),
      ),
      common_files: ["tokenizer.json"],
      tiers: [{ tier: 1, intermediate_size: 12, files: ["config.json", "model.safetensors"] }],
    });
    expect(Object.keys(manifest["sha256"] as object)).toEqual(files.map(({ name }) => name).filter((name) => name !== MANIFEST_FILE));
  });

  test("that is damaged is refused by the file's name", async () => {
    await expect(readTierCheckpoint(damaged(tierFiles(1), "model.safetensors"))).rejects.toMatchObject({
      code: "bad-format",
      message: expect.stringContaining("model.safetensors is damaged"),
    });
  });

  test("is told from a whole model, and one that contradicts itself is refused", async () => {
    const files = filesInMemory(checkpointFiles(whole));
    expect(await readTierOrigin(files)).toBe(null);
    await expect(readTierCheckpoint(files)).rejects.toMatchObject({ code: "wrong-model" });
    expect(await readTierOrigin(filesInMemory(tierFiles(2)))).toEqual({ tier: 2, baseIntermediateSize: 24 });
    const config = JSON.stringify({ intermediate_size: 6, matformer_tier: 1, matformer_base_intermediate_size: 24 });
    const odd = filesInMemory([{ name: "config.json", sizeBytes: config.length, pieces: () => [Buffer.from(config)] }]);
    await expect(readTierOrigin(odd)).rejects.toThrow(/matformer_tier 1.*intermediate_size 6.*expected/);
  });

  test("cannot be made of tier 0, nor of a width that has no such half", () => {
    expect(() => tierFiles(0)).toThrow(/tier 0 is the whole model/);
    expect(() => tierFiles(4)).toThrow(/tier 4 needs an intermediate_size divisible by 2\^4, the model has 24/);
    expect(tierDirectory("/a/b/", 2)).toBe("/a/b-tier2");
  });
});
