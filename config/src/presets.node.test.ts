import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { parseLlamaConfig, type LlamaConfig } from "./llamaConfig.ts";
import { heldOutDirectory, loadRunConfig, localDataDirectory, presetNames, resolveConfigPath } from "./presets.node.ts";
import { parseRunConfig, type RunConfig } from "./run/runConfig.ts";
import { variantOf } from "./run/schema.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "starling-config-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function modelOf(config: RunConfig): LlamaConfig {
  const checkpoint = variantOf(config.model.LLM.checkpoint);
  if (checkpoint.kind !== "Random") throw new Error(`preset starts from ${checkpoint.kind}`);
  return parseLlamaConfig(checkpoint.value.config);
}

describe("presets", () => {
  test.each(presetNames())("%s is valid, self-contained and has its data", (name) => {
    const { config, toml, runId, dataDirectory } = loadRunConfig(name, scratch);
    expect(runId).toBe(name);
    expect(parseRunConfig(toml, { source: "toml" })).toEqual(config);
    const train = join(localDataDirectory(config, dataDirectory) ?? "", "train.txt");
    expect(readFileSync(train).length).toBe(893_276);
    expect(heldOutDirectory(config, dataDirectory)).not.toBeNull();
    const model = modelOf(config);
    expect(model.vocabSize).toBeGreaterThanOrEqual(256);
    expect(model.headDim * model.numHeads).toBe(model.hiddenSize);
  });

  test("llama2-20m has about 20 million parameters", () => {
    const m = modelOf(loadRunConfig("llama2-20m", scratch).config);
    const attention = 2 * m.hiddenSize * m.headDim * (m.numHeads + m.numKvHeads);
    const layer = attention + 3 * m.hiddenSize * m.intermediateSize + 2 * m.hiddenSize;
    const parameters = 2 * m.vocabSize * m.hiddenSize + m.numLayers * layer + m.hiddenSize;
    expect(parameters).toBe(19_794_176);
  });

  test("the paths that document 000 names lead to presets", () => {
    for (const [path, preset] of [
      ["./config/test", "test"],
      ["./config/consilience-match-llama2-20m-fineweb-pretrain-dev/", "llama2-20m"],
    ] as const) {
      expect(resolveConfigPath(path, ROOT)).toBe(resolveConfigPath(preset, scratch));
    }
  });
});

test("the two parts of the text are the text that the attribution names", () => {
  const data = join(ROOT, "config/data/shakespeare");
  const hash = createHash("sha256")
    .update(readFileSync(join(data, "train/train.txt")))
    .update(readFileSync(join(data, "heldout/heldout.txt")));
  expect(readFileSync(join(data, "ATTRIBUTION.md"), "utf8")).toContain(hash.digest("hex"));
});

describe("resolving", () => {
  const preset = resolveConfigPath("test", scratch);

  test("a file, a folder with config.toml, a folder with state.toml, a preset that a path hides", () => {
    const text = readFileSync(preset, "utf8");
    for (const name of ["one/config.toml", "two/state.toml", "test/state.toml"]) {
      mkdirSync(join(scratch, name, ".."), { recursive: true });
      writeFileSync(join(scratch, name), text);
    }
    writeFileSync(join(scratch, "one/state.toml"), text);
    const resolved = (path: string): string =>
      resolveConfigPath(path, scratch).slice(resolveConfigPath("one", scratch).length - "one/config.toml".length);
    expect(resolved("one/state.toml")).toBe("one/state.toml");
    expect(resolved("one")).toBe("one/config.toml");
    expect(resolved("./two/")).toBe("two/state.toml");
    expect(resolved("test")).toBe("test/state.toml");
  });

  test("what is not there is a typed error that says what there is", () => {
    mkdirSync(join(scratch, "empty"));
    const notFound = (message: RegExp) => expect.objectContaining({ code: "not-found", message: expect.stringMatching(message) });
    expect(() => resolveConfigPath("nano-shakespear", scratch)).toThrow(notFound(/did you mean "nano-shakespeare"/));
    expect(() => resolveConfigPath("empty", scratch)).toThrow(notFound(/that folder holds no config\.toml or state\.toml/));
  });

  test("a config.json named by path is inlined and checked; the folder names a run without run_id", () => {
    const folder = join(scratch, "my run");
    cpSync(join(preset, ".."), folder, { recursive: true });
    const inline = /\[model\.LLM\.checkpoint\.Random\.config\][^[]*/;
    const text = readFileSync(preset, "utf8")
      .replace(inline, "")
      .replace(/^run_id.*$/m, "")
      .replace("seed = 7", 'seed = 7\nconfig = "model.json"');
    writeFileSync(join(folder, "config.toml"), text);
    const { vocabSize: _, ...model } = modelOf(loadRunConfig("test", scratch).config);
    const json = {
      vocab_size: 300,
      hidden_size: model.hiddenSize,
      intermediate_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: 16,
    };

    expect(() => loadRunConfig("my run", scratch)).toThrow(expect.objectContaining({ code: "not-found" }));
    writeFileSync(join(folder, "model.json"), "{");
    expect(() => loadRunConfig("my run", scratch)).toThrow(expect.objectContaining({ code: "model-config" }));
    writeFileSync(join(folder, "model.json"), JSON.stringify({ ...json, max_position_embeddings: 8 }));
    expect(() => loadRunConfig("my run", scratch)).toThrow(/max_seq_len = 16: must be at most the model's max_position_embeddings = 8/);
    writeFileSync(join(folder, "model.json"), JSON.stringify(json));
    const { config, runId, toml } = loadRunConfig("my run", scratch);
    expect(runId).toBe("my-run");
    expect(modelOf(config).vocabSize).toBe(300);
    expect(modelOf(parseRunConfig(toml, { source: "toml" }))).toEqual(modelOf(config));
  });
});
