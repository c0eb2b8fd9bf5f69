import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../errors.ts";
import type { FieldSpec } from "../fieldSpec.ts";
import { chainConfigIssues } from "./chainRules.ts";
import { toMachineConfig } from "./machineConfig.ts";
import { runConfigForm, runConfigMarkdown } from "./renderRun.ts";
import { parseRunConfig, readRunConfig, readRunDraft, serializeRunConfig } from "./runConfig.ts";
import { runSchema } from "./runSchema.ts";
import { isTable, variantOf, type JsonObject, type Spec, type VariantSpec } from "./schema.ts";

/** As the existing system's coordinator saves it: config and state in one file. */
const STATE_TOML = `
run_id = "test"
run_state = "WaitingForMembers"
pending_pause = false

[config]
warmup_time = 30
cooldown_time = 30
epoch_time = 120
max_round_train_time = 30
round_witness_time = 1
min_clients = 2
init_min_clients = 3
verification_percent = 0
witness_nodes = 1
global_batch_size_start = 8
global_batch_size_end = 16
global_batch_size_warmup_tokens = 1000000
total_steps = 25000
waiting_for_members_extra_time = 3

[model.LLM]
architecture = "HfLlama"
data_type = "Pretraining"
max_seq_len = 2048
cold_start_warmup_steps = 0

[model.LLM.checkpoint.Hub]
repo_id = "some/model"

[model.LLM.data_location.Http]
token_size_in_bytes = "TwoBytes"
shuffle = "DontShuffle"

[model.LLM.data_location.Http.location.Gcp]
bucket_name = "some-bucket"
filter_directory = "folder"

[model.LLM.lr_schedule.Cosine]
base_lr = 4.0e-4
warmup_init_lr = 0.0
warmup_steps = 250
total_steps = 25000
final_lr = 4.0e-5

[model.LLM.optimizer.Distro]
clip_grad_norm = 1.0
compression_decay = 0.999
compression_chunk = 64
compression_topk = 8
quantize_1bit = true

[progress]
epoch = 0
step = 1
epoch_start_data_index = 0

[epoch_state]
rounds_head = 0
first_round = true
`;

type Document = { [key: string]: unknown };

function base(): Document {
  return parse(STATE_TOML) as Document;
}

/** Sets a dotted key; undefined removes it. */
function set(document: Document, key: string, value: unknown): Document {
  const path = key.split(".");
  const last = path.pop() as string;
  let table = document;
  for (const name of path) table = table[name] as Document;
  if (value === undefined) delete table[last];
  else table[last] = value;
  return document;
}

function issuesAfter(edits: readonly (readonly [string, unknown])[]): { key: string; text: string }[] {
  const document = base();
  for (const [key, value] of edits) set(document, key, value);
  return readRunConfig(document).issues.map((issue) => ({ key: issue.key, text: issue.message }));
}

const LLM = "model.LLM";
const DISTRO = `${LLM}.optimizer.Distro`;
const HTTP = `${LLM}.data_location.Http`;
const WSD = {
  base_lr: 1e-3,
  warmup_init_lr: 0,
  warmup_steps: 1,
  stable_steps: 1,
  cosine_decay_steps: 1,
  cosine_decay_final_lr: 1e-4,
  linear_decay_steps: 1,
  linear_decay_final_lr: 1e-5,
};
const NANO = { hidden_size: 64, intermediate_size: 192, vocab_size: 256, num_hidden_layers: 2, num_attention_heads: 4 };

describe("a state.toml of the existing system", () => {
  test("parses; its state is ignored and our keys get their defaults", () => {
    const config = parseRunConfig(STATE_TOML, { source: "state.toml" });
    expect(config.run_id).toBe("test");
    expect(config).not.toHaveProperty("progress");
    expect(config.config.result_share).toBe(0.9);
    expect(config.config.pipeline).toBe("overlapped");
    const data = variantOf(config.model.LLM.data_location);
    expect(data.kind === "Http" && data.value.location).toEqual({ Gcp: { bucket_name: "some-bucket", filter_directory: "folder" } });
  });

  test("of an older version counts epochs in rounds: epoch_time is what those can take at most", () => {
    const document = set(set(base(), "config.epoch_time", undefined), "config.rounds_per_epoch", 20);
    const { config, issues } = readRunConfig(document);
    expect(issues).toEqual([]);
    expect(config?.config.epoch_time).toBe(30 + 22 * (30 + 1));
    expect(config?.config.rounds_per_epoch).toBe(20);
  });

  test("every enum variant is read in its TOML shape", () => {
    const variants: [string, unknown][] = [
      [`${LLM}.checkpoint`, { Dummy: { repo_id: "a/b", revision: "main" } }],
      [`${LLM}.checkpoint`, { P2P: { repo_id: "a/b" } }],
      [`${LLM}.checkpoint`, { Gcs: { bucket: "b" } }],
      [`${LLM}.checkpoint`, { P2PGcs: { bucket: "b", prefix: "p" } }],
      [`${LLM}.checkpoint`, { Random: { config: { ...NANO, max_position_embeddings: 4096 }, seed: 1 } }],
      [`${LLM}.checkpoint`, { Random: { config: "config.json", seed: 1 } }],
      [`${LLM}.data_location`, "Dummy"],
      [`${LLM}.data_location`, { Server: "127.0.0.1:20001" }],
      [`${LLM}.data_location`, { Server: "[::1]:20001" }],
      [`${LLM}.data_location`, { Local: "data" }],
      [`${LLM}.data_location`, { WeightedHttp: "https://example.org/w.json" }],
      [`${LLM}.data_location`, { Server: "/ip4/127.0.0.1/tcp/20001/p2p/12D3KooWM5J4zS17XR2LHGZgRpmzbeqg4Eibyq8sbRLwRuWxJqsV" }],
      [`${LLM}.data_location`, { Preprocessed: "owner/set" }],
      [`${LLM}.data_location`, { Weighted: { providers: [{ location: { Local: "a" } }, { location: { Preprocessed: "b" } }] } }],
      [`${LLM}.data_location`, { Weighted: { providers: [{ location: { Local: "a" }, weight: 0.5 }] } }],
      [`${HTTP}.location`, { SingleUrl: "https://example.org/x.bin" }],
      [`${HTTP}.location`, { NumberedFiles: { url_template: "http://h/{}.ds", start_index: 0, n_left_pad_zeros: 3, num_files: 4 } }],
      [`${HTTP}.shuffle`, { Seeded: Array.from({ length: 32 }, (_, i) => i) }],
      [`${LLM}.lr_schedule`, { Constant: { base_lr: 1e-3, warmup_init_lr: 0, warmup_steps: 0 } }],
      [`${LLM}.lr_schedule`, { Linear: { base_lr: 1e-3, warmup_init_lr: 0, warmup_steps: 1, total_steps: 2, final_lr: 0 } }],
      [`${LLM}.lr_schedule`, { WarmupStableDecay: WSD }],
      [`${LLM}.optimizer`, { AdamW: { betas: [0.9, 0.95], weight_decay: 0.1, eps: 1e-8 } }],
    ];
    for (const edit of variants) expect(issuesAfter([edit]), JSON.stringify(edit)).toEqual([]);
  });
});

describe("rules that one range cannot say", () => {
  const cases: [edits: [string, unknown][], key: string, message: RegExp][] = [
    [[["config.warmup_time", 120]], "config.warmup_time", /config\.warmup_time = 120: must be less than epoch_time = 120 \(unit: s\)/],
    [[["config.max_round_train_time", 120]], "config.max_round_train_time", /less than epoch_time = 120 \(unit: s\)/],
    [[["config.init_min_clients", 1]], "config.init_min_clients", /at least min_clients = 2 \(unit: clients\)/],
    [[["config.witness_nodes", 3]], "config.witness_nodes", /at most min_clients = 2/],
    [[["config.global_batch_size_end", 7]], "config.global_batch_size_end", /at least global_batch_size_start = 8/],
    [[["config.verification_percent", 5]], "config.verification_percent", /must be 0: results cannot be verified yet.*unit: %/],
    [[["config.warmup_time", 0.0005]], "config.warmup_time", /steps of 1\/1000.*unit: s/],
    [[[`${LLM}.cold_start_warmup_steps`, 4]], `${LLM}.cold_start_warmup_steps`, /at most .* = 3 \(unit: steps\)/],
    [[[`${LLM}.architecture`, "HfDeepseek"]], `${LLM}.architecture`, /must be HfLlama/],
    [[[`${LLM}.checkpoint`, "Ephemeral"]], `${LLM}.checkpoint`, /must say where the model comes from/],
    [
      [[`${LLM}.checkpoint`, { Random: { config: { ...NANO, max_position_embeddings: 64 }, seed: 0 } }]],
      `${LLM}.max_seq_len`,
      /at most the model's max_position_embeddings = 64/,
    ],
    [
      [[`${LLM}.checkpoint`, { Random: { config: { ...NANO, attention_bias: true }, seed: 0 } }]],
      `${LLM}.checkpoint.Random.config.attention_bias`,
      /must be false/,
    ],
    [[[`${LLM}.checkpoint`, { Hub: { repo_id: "" } }]], `${LLM}.checkpoint.Hub.repo_id`, /1 to 64 bytes/],
    [[[`${LLM}.checkpoint`, { Hub: { repo_id: "é".repeat(33) } }]], `${LLM}.checkpoint.Hub.repo_id`, /1 to 64 bytes/],
    [[[`${LLM}.data_location`, { Server: "nowhere" }]], `${LLM}.data_location.Server`, /HOST:PORT/],
    [[[`${LLM}.data_location`, { Server: "host:70000" }]], `${LLM}.data_location.Server`, /HOST:PORT/],
    [
      [[`${LLM}.data_location`, { Weighted: { providers: [{ location: { Local: "a" }, weight: 1 }, { location: { Local: "b" } }] } }]],
      `${LLM}.data_location.Weighted.providers`,
      /a weight on every one/,
    ],
    [[[`${LLM}.data_location`, { Weighted: { providers: [] } }]], `${LLM}.data_location.Weighted.providers`, /list of 1 to 256/],
    [
      [[`${LLM}.data_location`, { Weighted: { providers: [{ location: "Dummy" }] } }]],
      `${LLM}.data_location.Weighted.providers[0].location`,
      /one of Local, Http/,
    ],
    [[[`${LLM}.data_location`, { WeightedHttp: "ftp://x" }]], `${LLM}.data_location.WeightedHttp`, /http/],
    [
      [[`${HTTP}.location`, { NumberedFiles: { url_template: "http://h/x", start_index: 0, n_left_pad_zeros: 0, num_files: 1 } }]],
      `${HTTP}.location.NumberedFiles.url_template`,
      /exactly once/,
    ],
    [
      [[`${HTTP}.location`, { NumberedFiles: { url_template: "http://h/{}{}", start_index: 0, n_left_pad_zeros: 0, num_files: 1 } }]],
      `${HTTP}.location.NumberedFiles.url_template`,
      /exactly once/,
    ],
    [[[`${LLM}.lr_schedule.Cosine.total_steps`, 250]], `${LLM}.lr_schedule.Cosine.total_steps`, /more than warmup_steps = 250/],
    [
      [[`${LLM}.lr_schedule`, { WarmupStableDecay: { ...WSD, cosine_decay_final_lr: 2e-3 } }]],
      `${LLM}.lr_schedule.WarmupStableDecay.cosine_decay_final_lr`,
      /at most base_lr = 0\.001/,
    ],
    [
      [[`${LLM}.lr_schedule`, { WarmupStableDecay: { ...WSD, linear_decay_final_lr: 2e-4 } }]],
      `${LLM}.lr_schedule.WarmupStableDecay.linear_decay_final_lr`,
      /at most cosine_decay_final_lr/,
    ],
    [[[`${LLM}.optimizer`, "Dummy"]], `${LLM}.optimizer`, /Dummy trains nothing/],
    [[[`${DISTRO}.compression_chunk`, 2]], `${DISTRO}.compression_topk`, /at most compression_chunk squared = 4/],
    [[[`${LLM}.optimizer`, { AdamW: { betas: [0.9, 1], weight_decay: 0, eps: 1e-8 } }]], `${LLM}.optimizer.AdamW.betas`, /below 1/],
    [[[`${LLM}.optimizer`, { AdamW: { betas: [0.9], weight_decay: 0, eps: 1e-8 } }]], `${LLM}.optimizer.AdamW.betas`, /list of 2 numbers/],
    [[["verification", { probes: 1 }]], "verification.probes", /not a known key/],
  ];
  test.each(cases)("%j", (edits, key, message) => {
    const issues = issuesAfter(edits);
    expect(issues.map((issue) => issue.key)).toEqual([key]);
    expect(issues[0]?.text).toMatch(message);
  });
});

test("the cold start's limit is counted in whole milliseconds, as the machine counts it", () => {
  const times: [string, unknown][] = [
    ["config.epoch_time", 1],
    ["config.warmup_time", 0.4],
    ["config.max_round_train_time", 0.2],
  ];
  expect(issuesAfter([...times, [`${LLM}.cold_start_warmup_steps`, 3]])).toEqual([]);
  expect(issuesAfter([...times, [`${LLM}.cold_start_warmup_steps`, 4]])).toHaveLength(1);
});

describe("shape", () => {
  const cases: [key: string, value: unknown, issueKey: string, message: RegExp][] = [
    ["config.witnes_nodes", 1, "config.witnes_nodes", /not a known key; did you mean "witness_nodes"\?/],
    ["config.cooldwon_time", 1, "config.cooldwon_time", /did you mean "cooldown_time"/],
    ["config.zzz", 1, "config.zzz", /not a known key$/],
    [`${LLM}.checkpoint`, "Ephemera", `${LLM}.checkpoint`, /did you mean "Ephemeral"/],
    [`${LLM}.checkpoint`, "Hub", `${LLM}.checkpoint`, /needs its data: write \[model\.LLM\.checkpoint\.Hub\]/],
    [`${LLM}.data_location`, "Local", `${LLM}.data_location`, /write \[model\.LLM\.data_location\] Local = \.\.\./],
    [`${LLM}.data_location`, { Dummy: 1 }, `${LLM}.data_location`, /has no data/],
    [`${LLM}.checkpoint`, { Hub: { repo_id: "a" }, P2P: { repo_id: "a" } }, `${LLM}.checkpoint`, /exactly one of/],
    [`${LLM}.checkpoint`, {}, `${LLM}.checkpoint`, /exactly one of/],
    [`${LLM}.checkpoint`, { toString: {} }, `${LLM}.checkpoint`, /must be one of/],
    [`${LLM}.checkpoint`, { Random: { config: 3, seed: 0 } }, `${LLM}.checkpoint.Random.config`, /must be a table, or a path/],
    [`${HTTP}.shuffle`, { Seeded: [1, 2] }, `${HTTP}.shuffle.Seeded`, /list of 32 integers from 0 to 255/],
    ["config", 3, "config", /must be a table with warmup_time/],
    ["model", undefined, "model", /is required: a table with LLM/],
    ["run_id", "x".repeat(33), "run_id", /1 to 32 bytes/],
  ];
  test.each(cases)("%s = %j", (key, value, issueKey, message) => {
    const issues = issuesAfter([[key, value]]);
    expect(issues.map((issue) => issue.key)).toEqual([issueKey]);
    expect(issues[0]?.text).toMatch(message);
  });

  test("all problems are reported at once, in one error that names its source", () => {
    const toml = STATE_TOML.replace("min_clients = 2", "min_clients = 0").replace("compression_decay = 0.999", "compression_decay = 1.0");
    try {
      parseRunConfig(toml, { source: "my.toml" });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const { code, issues, message } = error as ConfigError;
      expect(code).toBe("run-config");
      expect(issues.map(({ key, value, unit }) => [key, value, unit])).toEqual([
        ["config.min_clients", 0, "clients"],
        [`${DISTRO}.compression_decay`, 1, null],
      ]);
      expect(message).toContain("my.toml has 2 problems:\n  config.min_clients = 0: must be an integer from 1 to 256 (unit: clients)");
    }
  });

  test.each(["[config", 'a = "b', "[__proto__]\nx = 1", "x = " + "[".repeat(100), "a".repeat(1 << 21)])(
    "text that is not TOML is a typed error: %#",
    (toml) => {
      expect(() => parseRunConfig(toml, { source: "x" })).toThrow(expect.objectContaining({ name: "ConfigError", code: "toml" }));
    },
  );

  test("an integer beyond what can be held exactly is refused, not rounded", () => {
    const toml = STATE_TOML.replace("= 1000000", "= 18446744073709551615");
    expect(() => parseRunConfig(toml, { source: "x" })).toThrow(ConfigError);
  });
});

// Every single-value key of the schema, broken in every way its range forbids, in a document that uses its variant.
describe("every key's own range", () => {
  const TEXTS: Record<string, string> = { Server: "h:1", SingleUrl: "http://h/x", url_template: "http://h/{}", WeightedHttp: "http://h/w" };

  function sample(spec: Spec | VariantSpec, name: string): unknown {
    switch (spec.type) {
      case "table":
        return Object.fromEntries(Object.entries(spec.fields).map(([key, field]) => [key, sample(field, key)]));
      case "tagged": {
        const [key, variant] = Object.entries(spec.variants).find(([, each]) => each.type !== "unit") as [string, VariantSpec];
        return { [key]: sample(variant, key) };
      }
      case "list":
        return [sample(spec.item, "")];
      case "json":
        return "config.json";
      case "integers":
      case "numbers":
        return Array(spec.minLength ?? 1).fill(spec.min ?? 0);
      case "integer":
        return spec.default ?? spec.min ?? 0;
      case "number":
        return spec.default ?? Math.max(spec.min ?? 0, 0.5);
      case "string":
        return spec.default ?? TEXTS[name] ?? "text";
      case "choice":
        return spec.choices[0];
      default:
        return true;
    }
  }

  function badValues(spec: FieldSpec): unknown[] {
    const bad: unknown[] = [[{}], new Date(0)];
    if (spec.type !== "string" && spec.type !== "choice") bad.push("text");
    if (spec.type !== "boolean") bad.push(true);
    if (spec.type === "choice") bad.push("no such choice");
    if (spec.type === "string")
      bad.push(5, ...(spec.maxBytes === undefined ? [] : ["x".repeat(spec.maxBytes + 1)]), ...(spec.minBytes === undefined ? [] : [""]));
    if (spec.type === "integer" || spec.type === "number") {
      bad.push(NaN, Infinity);
      if (spec.min !== undefined) bad.push(spec.min - 1);
      if (spec.max !== undefined) bad.push(spec.max + 1);
    }
    if (spec.type === "integer") bad.push(1.5);
    if (spec.type === "number") {
      if (spec.above !== undefined) bad.push(spec.above);
      if (spec.below !== undefined) bad.push(spec.below);
    }
    if (spec.type === "integers" || spec.type === "numbers") bad.push([], [NaN], Array(spec.maxLength ?? 0).fill((spec.min ?? 0) - 1));
    return bad;
  }

  interface Leaf {
    key: string;
    spec: FieldSpec;
    /** a document without shape problems around this leaf */
    build: (value: unknown) => JsonObject;
  }

  function leaves(spec: Spec | VariantSpec, key: string, build: (value: unknown) => JsonObject): Leaf[] {
    if (spec.type === "unit" || spec.type === "json") return [];
    if (spec.type === "table") {
      const whole = sample(spec, "") as JsonObject;
      return Object.entries(spec.fields).flatMap(([name, field]) =>
        leaves(field, key === "" ? name : `${key}.${name}`, (value) => build({ ...whole, [name]: value })),
      );
    }
    if (spec.type === "tagged") {
      return Object.entries(spec.variants).flatMap(([name, variant]) =>
        leaves(variant, `${key}.${name}`, (value) => build({ [name]: value })),
      );
    }
    if (spec.type === "list") return leaves(spec.item, `${key}[0]`, (value) => build([value]));
    return [{ key, spec, build }];
  }

  const all = leaves(runSchema, "", (value) => value as JsonObject);
  test("the walk reaches every room of the schema", () => {
    expect(all.length).toBeGreaterThan(70);
  });
  test.each(all.map((leaf) => [leaf.key, leaf] as const))("%s", (key, { spec, build }) => {
    const good = build(sample(spec, key.slice(key.lastIndexOf(".") + 1)));
    expect(readRunConfig(good).config).not.toBeNull();
    for (const value of badValues(spec)) {
      const { issues } = readRunConfig(build(value));
      expect(
        issues.map((issue) => issue.key),
        String(value),
      ).toEqual([key]);
      expect(issues[0]?.message).toContain(key);
    }
    const without = readRunConfig(build(undefined));
    if (spec.default === undefined && spec.optional !== true) expect(without.issues.map((issue) => issue.key)).toEqual([key]);
    else expect(without.config).not.toBeNull();
  });
});

describe("writing", () => {
  test("has nothing to lose in -0, which is read as 0", () => {
    expect(STATE_TOML).toContain("warmup_init_lr = 0.0");
    const read = parseRunConfig(STATE_TOML.replace("warmup_init_lr = 0.0", "warmup_init_lr = -0.0"), { source: "x" });
    expect(read).toStrictEqual(parseRunConfig(STATE_TOML, { source: "x" }));
  });

  test("a written config parses to the same config", () => {
    const config = parseRunConfig(STATE_TOML.replace("warmup_time = 30", "warmup_time = 0.3"), { source: "x" });
    expect(parseRunConfig(serializeRunConfig(config), { source: "again" })).toEqual(config);
  });

  test("an inlined model config survives, but for its nulls", () => {
    const rope = { rope_type: "linear", factor: 2.5 };
    const inline = {
      ...NANO,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 4096,
      rope_scaling: rope,
      bos_token_id: null,
      eos_token_id: [1, 2],
    };
    const { config } = readRunConfig(set(base(), `${LLM}.checkpoint`, { Random: { config: inline, seed: 5 } }));
    const again = parseRunConfig(serializeRunConfig(config as NonNullable<typeof config>), { source: "again" });
    const { bos_token_id: _, ...rest } = inline;
    expect(again.model.LLM.checkpoint).toEqual({ Random: { config: rest, seed: 5 } });
  });

  test("floats stay floats and integers integers: the existing system's reader tells them apart", () => {
    const toml = serializeRunConfig(parseRunConfig(STATE_TOML, { source: "x" }));
    expect(toml).toMatch(/^warmup_init_lr = 0\.0$/m);
    expect(toml).toMatch(/^clip_grad_norm = 1\.0$/m);
    expect(toml).toMatch(/^warmup_time = 30$/m);
    expect(toml).toMatch(/^compression_topk = 8$/m);
  });

  test("the machine gets whole milliseconds and basis points", () => {
    const edited = set(set(base(), "config.round_witness_time", 0.2), "config.result_share", 0.57);
    const { config } = readRunConfig(edited);
    expect(toMachineConfig(config as NonNullable<typeof config>)).toEqual({
      warmupMs: 30_000n,
      cooldownMs: 30_000n,
      maxRoundTrainMs: 30_000n,
      roundWitnessMs: 200n,
      epochMs: 120_000n,
      waitingForMembersExtraMs: 3000n,
      globalBatchSizeWarmupTokens: 1_000_000n,
      roundsPerEpoch: 0,
      totalSteps: 25_000,
      initMinClients: 3,
      minClients: 2,
      witnessNodes: 1,
      globalBatchSizeStart: 8,
      globalBatchSizeEnd: 16,
      maxSeqLen: 2048,
      coldStartWarmupSteps: 0,
      verificationPercent: 0,
      resultShareBps: 5700,
      stragglerGraceBps: 2500,
      earningRateTotalShared: 0n,
      slashingRatePerClient: 0n,
    });
  });
});

test("docs and form hold every key of the schema", () => {
  const markdown = runConfigMarkdown();
  expect(markdown).toContain("| `config.warmup_time` | a number from 0 to 315360000, in steps of 1/1000 | s | required |");
  expect(markdown).toContain("`model.LLM.optimizer.Distro.compression_topk`");
  const form = JSON.parse(JSON.stringify(runConfigForm())) as { parts: { key: string }[] };
  expect(form.parts.map((part) => part.key)).toEqual(["run_id", "config", "model", "verification"]);
  expect(isTable(form)).toBe(true);
});

describe("a draft of a config", () => {
  const whole = parse(STATE_TOML);

  test("has the issues that reading has, once it is whole", () => {
    for (const change of [{}, { warmup_time: 500 }, { min_clients: 9, witness_nodes: 32 }]) {
      const document = { ...whole, config: { ...(whole["config"] as JsonObject), ...change } };
      expect(readRunDraft(document)).toEqual(readRunConfig(document));
    }
  });

  test("names an impossible combination before the rest is there", () => {
    const { config, issues } = readRunDraft({ config: { warmup_time: 20, epoch_time: 10, min_clients: "two" } });
    expect(config).toBeNull();
    expect(issues.map(({ message }) => message)).toContain("config.warmup_time = 20: must be less than epoch_time = 10 (unit: s)");
    expect(issues.filter(({ key }) => key === "config.min_clients")).toHaveLength(1);
  });

  test("is never more than wrong, whatever is missing", () => {
    const gone = (value: unknown): unknown[] =>
      isTable(value)
        ? Object.keys(value).flatMap((key) => [
            Object.fromEntries(Object.entries(value).filter(([other]) => other !== key)),
            ...gone(value[key]).map((inner) => ({ ...value, [key]: inner })),
          ])
        : Array.isArray(value)
          ? [[]]
          : [null];
    for (const document of gone(whole)) {
      const strict = readRunConfig(document as JsonObject);
      const draft = readRunDraft(document as JsonObject);
      expect(draft.issues.length === 0).toBe(strict.issues.length === 0);
      for (const each of strict.issues) expect(draft.issues).toContainEqual(each);
      // no rule speaks of a value that is not there
      expect(draft.issues.filter(({ value, rule }) => value === undefined && !rule.startsWith("is required"))).toEqual([]);
    }
  });
});

test("what the chain asks besides: whole seconds, and 8192 bytes", () => {
  const config = parseRunConfig(STATE_TOML, { source: "test" });
  expect(chainConfigIssues(config, 8192)).toEqual([]);
  const short = { ...config, config: { ...config.config, round_witness_time: 0.5 } };
  expect(chainConfigIssues(short, 8192).map(({ key }) => key)).toEqual(["config.round_witness_time"]);
  expect(chainConfigIssues(config, 100)[0]?.message).toContain("name the model's checkpoint");
});
