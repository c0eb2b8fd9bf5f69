import { loadRunConfig } from "@starling/config/presets.node";
import { expect, test } from "vitest";
import { configDiff } from "./configDiff.ts";

const config = loadRunConfig("test", "/").config;

test("an unchanged configuration changes nothing", () => {
  expect(configDiff(config, structuredClone(config))).toEqual([]);
});

test("changes are named by their key in config.toml", () => {
  const after = structuredClone(config);
  after.config.total_steps = 5;
  after.model.LLM.data_location = { Weighted: { providers: [{ location: { Local: "a" }, weight: 2 }] } };
  expect(configDiff(config, after)).toEqual([
    { key: "config.total_steps", before: "10000", after: "5" },
    { key: "model.LLM.data_location.Weighted.providers[0].location.Local", before: null, after: "a" },
    { key: "model.LLM.data_location.Weighted.providers[0].weight", before: null, after: "2" },
    { key: "model.LLM.data_location.Local", before: "../../data/shakespeare/train", after: null },
  ]);
});

test("the first configuration is all new", () => {
  const changes = configDiff(null, config);
  expect(changes.every(({ before }) => before === null)).toBe(true);
  expect(changes.map(({ key }) => key)).toContain("model.LLM.checkpoint.Random.config.vocab_size");
});
