import { type RunConfig, serializeRunConfig } from "@starling/config";
import { loadRunConfig, presetNames } from "@starling/config/presets.node";
import { describe, expect, test } from "vitest";
import { configGroups, readConfig } from "./configView.ts";

/** Every value that stands in a configuration, by its key. */
function leaves(value: unknown, key = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [key];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, key === "" ? name : `${key}.${name}`));
}

describe.each(presetNames())("preset %s", (name) => {
  const { config } = loadRunConfig(name, "/");

  test("every value is shown once, with what the schema says of it", () => {
    const groups = configGroups(config);
    const rows = groups.flatMap((group) => group.rows);
    // a model's own configuration is one value; an enum shows its variant as one more
    const wanted = new Set(leaves(config).map((key) => key.replace(/^(model\.LLM\.checkpoint\.Random\.config)\..*/, "$1")));
    const shown = rows.map((row) => row.key);
    expect(new Set(shown).size).toBe(shown.length);
    for (const key of wanted) expect(shown).toContain(key);
    for (const row of rows) {
      expect(row.doc, row.key).not.toBe("");
      expect(row.value, row.key).not.toMatch(/undefined|\[object/);
    }
    expect(rows.find(({ key }) => key === "config.warmup_time")).toMatchObject({ value: String(config.config.warmup_time), unit: "s" });
  });

  test("the learning rate is the schedule's", () => {
    const read = readConfig(serializeRunConfig(config));
    expect(read.view.problem).toBeNull();
    expect(read.view.model).toMatch(/^Llama with \d/);
    const [schedule] = Object.values(config.model.LLM.lr_schedule) as { base_lr: number; warmup_steps: number }[];
    expect(read.learningRate(schedule!.warmup_steps, null)).toBeCloseTo(Math.fround(schedule!.base_lr), 8);
    expect(read.learningRate(0, null)).toBeLessThan(schedule!.base_lr);
  });
});

test("a text that is no configuration says what is wrong, and breaks nothing", () => {
  const read = readConfig("[config\n");
  expect(read.view).toMatchObject({ groups: [], problem: expect.stringContaining("not valid TOML") });
  expect(read.learningRate(1, null)).toBeNull();
});

test("a cold start's ramp shows in the learning rate", () => {
  const { config } = loadRunConfig("test", "/");
  const cold: RunConfig = { ...config, model: { LLM: { ...config.model.LLM, cold_start_warmup_steps: 4 } } };
  const read = readConfig(serializeRunConfig(cold));
  const usual = read.learningRate(100, null)!;
  expect(read.learningRate(101, 100)).toBeLessThan(usual);
  expect(read.learningRate(110, 100)).toBe(usual);
});
