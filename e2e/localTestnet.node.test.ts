/** The main job as its user runs it: `starling local-testnet start`, real processes, real network, real GPU code. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPython, pythonLoss } from "@starling/trainer-core/checkpoint/pythonLoss.node";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { heldOutSequences } from "@starling/trainer-core/data/dataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { transformersLoss } from "./src/transformers.ts";
import { processesWith, REPOSITORY, starling } from "./src/processes.ts";

interface Result {
  clients: number;
  rounds: number;
  lossFirst: number;
  lossLast: number;
  tokens: number;
  tokensPerSecond: number;
  parameterHashes: Record<string, string>;
  checkpoint: string;
}

describe("starling local-testnet start", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "starling-e2e-"));
    // document 000 names the config relative to where it is called
    cpSync(join(REPOSITORY, "config"), join(cwd, "config"), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.includes("node_modules"),
    });
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it("trains headless as document 000 calls it, and prints one JSON object: equal hashes, a lower loss, a checkpoint that Python reads", async (context) => {
    const run = starling(
      [
        "local-testnet",
        "start",
        "--headless",
        "--headless-exit-after-secs",
        "45",
        "--num-clients",
        "2",
        "--config-path",
        "./config/test",
        "--tui",
        "false",
        "--server-port",
        "0",
      ],
      { cwd },
    );
    const { code } = await run.ended;
    expect(code, run.stderr.join("\n")).toBe(0);
    expect(run.stdout).toHaveLength(1);
    const result = JSON.parse(run.stdout[0]) as Result;
    expect(Object.keys(result).sort()).toEqual([
      "checkpoint",
      "clients",
      "lossFirst",
      "lossLast",
      "parameterHashes",
      "rounds",
      "tokens",
      "tokensPerSecond",
    ]);
    expect(result.clients).toBe(2);
    expect(result.rounds).toBeGreaterThan(4);
    expect(result.tokens).toBe(result.rounds * 6 * 16);
    // a model that knows nothing of 256 bytes has ln 256
    expect(Math.abs(result.lossFirst - Math.log(256))).toBeLessThan(0.1);
    expect(result.lossLast).toBeLessThan(result.lossFirst - 0.3);
    expect(Object.keys(result.parameterHashes).sort()).toEqual(["client-1", "client-2"]);
    expect(new Set(Object.values(result.parameterHashes)).size).toBe(1);
    const state = JSON.parse(readFileSync(join(result.checkpoint, "starling.json"), "utf8")) as { parameter_hash: string };
    expect(state.parameter_hash).toBe(result.parameterHashes["client-1"]);
    for (const file of ["config.json", "model.safetensors"]) expect(existsSync(join(result.checkpoint, file))).toBe(true);
    expect(await processesWith(cwd)).toEqual([]);

    // the same weights and tokens in another language, in float64
    const python = await findPython();
    if (python === null) return void context.skip("no Python with numpy and safetensors");
    const heldOut = createDataProvider(
      { Local: join(REPOSITORY, "config/data/shakespeare/heldout") },
      { maxSeqLen: 16, vocabSize: 256, localFiles },
    );
    const tokens = (await heldOutSequences(heldOut, 2048)).map((sequence) => [...sequence]);
    const { loss } = await pythonLoss(python, result.checkpoint, tokens);
    expect(Math.abs(loss - result.lossLast)).toBeLessThan(1e-4);
    const judged = await transformersLoss(result.checkpoint, tokens);
    if (judged === null) console.log("transformers is not installed: only numpy judged the checkpoint");
    else expect(Math.abs(judged - result.lossLast)).toBeLessThan(1e-4);
  });

  it("ends every process within 8 s of Ctrl-C and says where the checkpoint is", async () => {
    // without `start`, as the document's first invocation has it
    const run = starling(["local-testnet", "--num-clients", "2", "--config-path", "config/test", "--server-port", "0"], { cwd });
    await run.line((line) => /round 3\//.test(line), 60_000);
    const atMs = performance.now();
    run.process.kill("SIGINT");
    await run.ended;
    expect(performance.now() - atMs).toBeLessThan(8_000);
    const last = run.stdout.at(-1) ?? "";
    expect(last).toMatch(/^checkpoint: /);
    expect(existsSync(join(last.slice("checkpoint: ".length), "model.safetensors"))).toBe(true);
    expect(await processesWith(cwd)).toEqual([]);
  });

  it.each([
    ["too few clients", ["--num-clients", "1", "--config-path", "config/test"], /num-clients 1.*init_min_clients is 2/],
    ["no such config", ["--config-path", "nano-shakespear"], /nano-shakespear.*did you mean "nano-shakespeare"/s],
    ["an unknown option", ["--num-client", "3"], /--num-client.*did you mean "--num-clients"/s],
    ["a MatFormer tier", ["--client-matformer-tiers", "0,1"], /client-matformer-tiers.*MatFormer/s],
  ])("refuses %s with a sentence and exit code 2", async (_, args, message) => {
    const run = starling(["local-testnet", "start", ...args], { cwd });
    expect((await run.ended).code).toBe(2);
    expect(run.stderr.join("\n")).toMatch(message);
  });
});
