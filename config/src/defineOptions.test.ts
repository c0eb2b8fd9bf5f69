import { describe, expect, test } from "vitest";
import { defineOptions, givenText, parseOptions } from "./defineOptions.ts";
import { docs } from "./docs.ts";
import { ConfigError } from "./errors.ts";
import { nearestName } from "./nearest.ts";
import { clientOptions, localTestnetOptions, programs, serverOptions } from "./programs.ts";
import { docsMarkdown, helpText, optionsJson } from "./renderOptions.ts";

const set = defineOptions({
  numClients: { type: "integer", min: 1, max: 9, unit: "clients", default: 3, doc: "Clients." },
  share: { type: "number", above: 0, max: 1, optional: true, doc: "Share | part." },
  tui: { type: "boolean", default: true, doc: "View." },
  tiers: { type: "integers", min: 0, default: [0], doc: "Tiers." },
  profile: { type: "choice", choices: ["auto", "gpu"], default: "auto", doc: "Profile." },
  path: { type: "string", minBytes: 1, unit: "path", aliases: ["--state"], env: "RUN_PATH", doc: "Path." },
  secret: { type: "string", optional: true, env: null, doc: "Not by environment." },
});

function problems(argv: readonly string[], env: Record<string, string> = {}): string[] {
  try {
    parseOptions(set, argv, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe("options");
    return error.issues.map((issue) => issue.message);
  }
  return [];
}

describe("parseOptions", () => {
  test("command line, then environment, then default", () => {
    const env = { NUM_CLIENTS: "5", RUN_PATH: "'quoted by docker'", SHARE: "", SECRET: "ignored" };
    expect(parseOptions(set, ["--num-clients", "7"], env)).toEqual({
      numClients: 7,
      share: undefined,
      tui: true,
      tiers: [0],
      profile: "auto",
      path: "quoted by docker",
      secret: undefined,
    });
    expect(parseOptions(set, [], env).numClients).toBe(5);
  });

  test("one letter, several words, several variables, and a value that only the environment may hold", () => {
    const chain = defineOptions({
      wallet: { type: "string", optional: true, aliases: ["-w"], envAliases: ["WALLET_PATH"], doc: "Wallet." },
      key: {
        type: "string",
        optional: true,
        secret: true,
        check: (text: string) => (text === "good" ? null : "must be good"),
        doc: "Key.",
      },
      added: { type: "strings", many: true, default: [], doc: "Words." },
    });
    const argv = ["--added", "a", "b,c", "-w", "file"];
    expect(parseOptions(chain, argv, { KEY: "good" })).toEqual({ wallet: "file", key: "good", added: ["a", "b", "c"] });
    expect(givenText(chain, argv, "wallet")).toBe("file");
    expect(parseOptions(chain, [], { WALLET_PATH: "two" }).wallet).toBe("two");
    expect(parseOptions(chain, [], { WALLET_PATH: "two", WALLET: "one" }).wallet).toBe("one");
    expect(() => parseOptions(chain, ["--key", "good"])).toThrow("--key: is not a known option");
    expect(() => parseOptions(chain, [], { KEY: "bad" })).toThrow(/KEY: must be good$/);
    expect(() => parseOptions(chain, ["-w"])).toThrow("-w: needs a value");
    expect(helpText(chain)).toContain("  KEY=<text>");
    expect(helpText(chain)).toContain("  --wallet, -w <text>");
  });

  test("all spellings of a value", () => {
    const parsed = parseOptions(set, [
      "--state=a=b",
      "--share",
      ".5e0",
      "--tiers",
      "0, 1,2",
      "--profile=gpu",
      "--num-clients",
      "1",
      "--num-clients",
      "2",
    ]);
    expect(parsed).toMatchObject({ path: "a=b", share: 0.5, tiers: [0, 1, 2], profile: "gpu", numClients: 2 });
  });

  test("a boolean stands alone, takes a value, and leaves the next option alone", () => {
    const tui = (...argv: string[]): boolean => parseOptions(set, ["--path", "x", ...argv]).tui;
    expect(tui("--tui")).toBe(true);
    expect(tui("--tui", "false")).toBe(false);
    expect(tui("--tui=false")).toBe(false);
    expect(tui("--tui", "--num-clients", "1")).toBe(true);
    expect(problems(["--path", "x"], { TUI: "maybe" })).toEqual(['TUI = "maybe": must be true or false']);
  });

  test.each([
    [["--path", "x", "--num-clients", "0"], "--num-clients = 0: must be an integer from 1 to 9 (unit: clients)"],
    [["--path", "x", "--num-clients", "1.5"], "--num-clients = 1.5: must be an integer from 1 to 9 (unit: clients)"],
    [["--path", "x", "--num-clients", "0x5"], '--num-clients = "0x5": must be an integer from 1 to 9 (unit: clients)'],
    [["--path", "x", "--num-clients="], '--num-clients = "": must be an integer from 1 to 9 (unit: clients)'],
    [["--path", "x", "--share", "1e999"], "--share = Infinity: must be a number that is above 0 and at most 1"],
    [["--path", "x", "--share", "-1"], "--share = -1: must be a number that is above 0 and at most 1"],
    [["--path", "x", "--tiers", "0,,1"], '--tiers = [0,"",1]: must be a list of integers that is at least 0'],
    [["--path", "x", "--profile", "fast"], '--profile = "fast": must be one of auto, gpu'],
    [["--path", "x", "--num-client", "4"], '--num-client: is not a known option; did you mean "--num-clients"?'],
    [["--path", "x", "--zzzzzzz", "4"], "--zzzzzzz: is not a known option"],
    [["--path", "x", "stray"], "stray: is not an option: options start with --"],
    [["--path", "x", "--share"], "--share: needs a value: a number that is above 0 and at most 1"],
    [["--path", "x", "--share", "--tui"], "--share: needs a value: a number that is above 0 and at most 1"],
    [[], "--path: is required: text that is not empty; or set RUN_PATH (unit: path)"],
  ])("%j", (argv, message) => {
    expect(problems(argv)).toEqual([message]);
  });

  test("--no- turns a boolean off; bare words are the positional option's, and a mistake where there is none", () => {
    expect(parseOptions(set, ["--path", "p", "--no-tui"]).tui).toBe(false);
    expect(problems(["--path", "p", "--no-share"])).toEqual([expect.stringContaining("is not a known option")]);
    expect(problems(["--path", "p", "word"])).toEqual([expect.stringContaining("is not an option: options start with --")]);
    const words = defineOptions({
      input: { type: "strings", minLength: 1, maxLength: 4, positional: true, doc: "Files." },
      strict: { type: "boolean", default: false, doc: "Strict." },
    });
    expect(parseOptions(words, ["a,b.txt", "--strict", "-"])).toEqual({ input: ["a,b.txt", "-"], strict: true });
    expect(parseOptions(words, ["--input", "a,b"]).input).toEqual(["a", "b"]);
    expect(parseOptions(words, [], { INPUT: "c" }).input).toEqual(["c"]);
    expect(() => parseOptions(words, [])).toThrow(/--input/);
    expect(helpText(words)).toContain("--input, INPUT...");
  });

  test("every problem at once", () => {
    expect(problems(["--num-clients", "0", "--profil", "gpu"], { SHARE: "2" })).toHaveLength(4);
  });
});

test("an option set that contradicts itself fails when it is defined", () => {
  const define = (specs: Parameters<typeof defineOptions>[0]) => () => defineOptions(specs);
  const broken = expect.objectContaining({ code: "definition" });
  expect(define({ a: { type: "integer", max: 3, default: 4, doc: "" } })).toThrow(broken);
  expect(define({ a: { type: "boolean", doc: "" }, b: { type: "boolean", flag: "--a", doc: "" } })).toThrow(broken);
  expect(define({ a: { type: "boolean", doc: "" }, b: { type: "boolean", env: "A", doc: "" } })).toThrow(broken);
});

test("help, docs and JSON show flag, aliases, environment, rule, unit and default", () => {
  expect(helpText(set)).toContain(
    "  --num-clients <n>\n        Clients. [an integer from 1 to 9; unit: clients; default: 3; env: NUM_CLIENTS]",
  );
  expect(helpText(set)).toContain("--path, --state <path>");
  expect(docsMarkdown(set)).toContain("| `--share` | `SHARE` | a number that is above 0 and at most 1 |  | none | Share \\| part. |");
  expect(JSON.parse(JSON.stringify(optionsJson(set)))[0]).toEqual({
    key: "numClients",
    label: "num clients",
    type: "integer",
    doc: "Clients.",
    rule: "an integer from 1 to 9",
    unit: "clients",
    default: 3,
    required: false,
    min: 1,
    max: 9,
    choices: null,
    flag: "--num-clients",
    aliases: [],
    env: "NUM_CLIENTS",
  });
});

describe("the programs", () => {
  test("take the invocations of document 000", () => {
    expect(
      parseOptions(localTestnetOptions, [
        "--num-clients",
        "3",
        "--config-path",
        "./config/consilience-match-llama2-20m-fineweb-pretrain-dev/",
      ]).numClients,
    ).toBe(3);
    const argv = "--headless --headless-exit-after-secs 60 --num-clients 2 --config-path ./config/test --tui false --no-nvtop";
    expect(parseOptions(localTestnetOptions, argv.split(" "))).toMatchObject({
      headless: true,
      headlessExitAfterSecs: 60,
      numClients: 2,
      configPath: "./config/test",
      tui: false,
      serverPort: 20_000,
      clientKeepSteps: 3,
    });
  });

  test("refuse tiers out of range, bad devices, latencies and addresses with the form", () => {
    const message =
      (argv: string[], options: Parameters<typeof parseOptions>[0] = localTestnetOptions) =>
      () =>
        parseOptions(options, argv);
    expect(message(["--client-matformer-tiers", "0,17"])).toThrow(/from 0 to 16/);
    expect(parseOptions(localTestnetOptions, ["--client-matformer-tiers", "0,1,2"]).clientMatformerTiers).toEqual([0, 1, 2]);
    expect(message(["--matformer-load-strategy", "half"], clientOptions)).toThrow(/auto, universal.*sliced/);
    expect(message(["--client-device", "cuda"])).toThrow(/must be auto, software or gpu/);
    expect(message(["--fault-latency-ms", "fast"])).toThrow(/BASE or BASE-JITTER/);
    expect(message(["--server-addr", "nowhere"], clientOptions)).toThrow(/HOST:PORT/);
    expect(parseOptions(clientOptions, ["--server-addr", "/ip4/1.2.3.4/tcp/5", "--device", "gpu"]).device).toBe("gpu");
    expect(parseOptions(serverOptions, ["--state", "test"]).configPath).toBe("test");
  });

  test("appear in the docs page with every option", () => {
    const page = docs();
    for (const { verb, options } of programs) {
      expect(page).toContain(`## \`starling ${verb}\``);
      for (const option of options.options) expect(page).toContain(option.secret ? `| \`${option.env}\`` : `| \`${option.flag}\``);
    }
  });
});

test.each([
  ["witnes_nodes", ["witness_nodes", "min_clients"], "witness_nodes"],
  ["NumClients", ["num_clients"], "num_clients"],
  ["epcoh_time", ["epoch_time", "warmup_time"], "epoch_time"],
  ["banana", ["epoch_time"], null],
  ["", ["x"], "x"],
])("nearest to %s", (name, known, nearest) => {
  expect(nearestName(name, known)).toBe(nearest);
});
