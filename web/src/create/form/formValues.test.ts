import { readFileSync } from "node:fs";
import { parseRunConfig, readTomlDocument, serializeRunConfig } from "@starling/config";
import { presetNames } from "@starling/config/presets.node";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { describe, expect, test } from "vitest";
import { adoptValues, documentOf, RUN_FORM, valuesOfDocument, type FormValues } from "./formValues.ts";
import { pathOfIssue } from "./issuePath.ts";
import { MAX_CHAIN_TOML_BYTES, resolveRun } from "./resolveRun.ts";

const presetToml = (name: string): string => readFileSync(new URL(`../../../../config/runs/${name}/config.toml`, import.meta.url), "utf8");
const valuesOf = (toml: string): FormValues => valuesOfDocument(readTomlDocument(toml, { source: "test" }));
const nano = (): FormValues => valuesOf(presetToml("nano-shakespeare"));

/** The values with one input, named by path, changed. */
function typed(values: FormValues, path: string, text: string): FormValues {
  const copy = structuredClone(values);
  const names = path.split(".");
  let at = copy;
  for (const name of names.slice(0, -1)) at = at[name] as FormValues;
  at[names.at(-1)!] = text;
  return copy;
}

const WEIGHTED = `
[model.LLM.data_location.Weighted]
[[model.LLM.data_location.Weighted.providers]]
weight = 2.5
location = { Local = "a" }
[[model.LLM.data_location.Weighted.providers]]
weight = 1
[model.LLM.data_location.Weighted.providers.location.Http]
location = { NumberedFiles = { url_template = "https://example.org/{}.bin", start_index = 0, n_left_pad_zeros = 3, num_files = 4 } }
token_size_in_bytes = "TwoBytes"
shuffle = { Seeded = [${Array.from({ length: 32 }, (_, i) => i).join(", ")}] }
`;

describe("a config through the form", () => {
  test.each(presetNames())("preset %s comes back as it was", (name) => {
    const toml = presetToml(name);
    const { config, problems } = resolveRun(valuesOf(toml), { forChain: true });
    expect(problems).toEqual([]);
    expect(config).toEqual(parseRunConfig(toml, { source: name }));
  });

  test("lists, enums in enums and further keys of the model come back too", () => {
    const toml =
      presetToml("test").replace(/\[model\.LLM\.data_location\][^[]*/, WEIGHTED) +
      '\n[model.LLM.checkpoint.Random.config.rope_scaling]\nrope_type = "linear"\nfactor = 2.0\n';
    const { config, problems } = resolveRun(valuesOf(toml), { forChain: false });
    expect(problems).toEqual([]);
    expect(config).toEqual(parseRunConfig(toml, { source: "test" }));
    // what is exported reads as the same config
    expect(parseRunConfig(serializeRunConfig(config!), { source: "export" })).toEqual(config);
  });

  test("a variant that is left and chosen again has what was typed", () => {
    const hub = typed(typed(nano(), "model.LLM.checkpoint.kind", "Hub"), "model.LLM.checkpoint.Hub.repo_id", "a/b");
    expect(resolveRun(hub, { forChain: true }).config?.model.LLM.checkpoint).toEqual({ Hub: { repo_id: "a/b" } });
    const back = typed(hub, "model.LLM.checkpoint.kind", "Random");
    expect(documentOf(back)).toEqual(documentOf(nano()));
  });

  test("what was stored by another version is adopted as far as it fits", () => {
    const values = nano();
    expect(adoptValues(RUN_FORM, JSON.parse(JSON.stringify(values)))).toEqual(values);
    expect(adoptValues(RUN_FORM, null)).toEqual(valuesOfDocument({}));
    expect(adoptValues(RUN_FORM, { config: { warmup_time: 7, gone: "x" }, model: [] })).toEqual(valuesOfDocument({}));
  });
});

describe("problems", () => {
  test("an impossible combination is at its input, in the sentence of the command", () => {
    const values = typed(nano(), "config.warmup_time", "2000");
    const { config, problems } = resolveRun(values, { forChain: true });
    expect(config).toBeNull();
    expect(problems.map(({ path, message }) => [path, message])).toEqual([
      ["config.warmup_time", "config.warmup_time = 2000: must be less than epoch_time = 1800 (unit: s)"],
    ]);
    expect(problems[0]?.rule).toBe("must be less than epoch_time = 1800 (unit: s)");
  });

  test("text where a number belongs is said, not swallowed", () => {
    const { problems } = resolveRun(typed(nano(), "config.total_steps", "12x"), { forChain: true });
    expect(problems).toMatchObject([{ path: "config.total_steps", isMissing: false }]);
    expect(problems[0]?.message).toContain('"12x"');
  });

  test("an empty form misses things, and says nothing else", () => {
    const { problems } = resolveRun(valuesOfDocument({}), { forChain: true });
    expect(problems.length).toBeGreaterThan(15);
    expect(problems.filter(({ isMissing }) => !isMissing)).toEqual([]);
    expect(problems.map(({ path }) => path)).toContain("model.LLM.checkpoint.kind");
    expect(problems.every(({ path }) => path !== null)).toBe(true);
  });

  test("fractions of a second are for a server only", () => {
    const values = typed(nano(), "config.round_witness_time", "0.5");
    expect(resolveRun(values, { forChain: false }).problems).toEqual([]);
    expect(resolveRun(values, { forChain: true }).problems).toMatchObject([{ path: "config.round_witness_time" }]);
  });

  test("JSON that is none is at its input", () => {
    const values = typed(nano(), "model.LLM.checkpoint.Random.config.$more", "{ rope");
    expect(resolveRun(values, { forChain: true }).problems).toMatchObject([{ path: "model.LLM.checkpoint.Random.config.$more" }]);
  });

  test("keys become paths of inputs", () => {
    expect(pathOfIssue("model.LLM.optimizer")).toBe("model.LLM.optimizer.kind");
    expect(pathOfIssue("model.LLM.data_location.Weighted.providers[1].weight")).toBe("model.LLM.data_location.Weighted.providers.1.weight");
    expect(pathOfIssue("model.LLM.data_location.Weighted.providers")).toBe("model.LLM.data_location.Weighted.providers.root");
    expect(pathOfIssue("model.LLM.checkpoint.Random.config.head_dim")).toBe("model.LLM.checkpoint.Random.config.head_dim");
    expect(pathOfIssue("model.LLM.checkpoint.Random.config.rope_scaling.factor")).toBe("model.LLM.checkpoint.Random.config.$more");
    expect(pathOfIssue("config.warmup_tiem")).toBeNull();
  });
});

test("the account's room is the programs'", () => {
  expect(MAX_CHAIN_TOML_BYTES).toBe(CHAIN_LIMITS.tomlBytes);
});
