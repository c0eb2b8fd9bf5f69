/** The main job as its user runs it: `starling local-testnet start`, real processes, real network, real GPU code. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
    cpSync(join(REPOSITORY, "config"), join(cwd, "config"), { recursive: true, verbatimSymlinks: true, filter: (path) => !path.includes("node_modules") });
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it("trains headless as document 000 calls it, and prints one JSON object: equal hashes, a lower loss, a checkpoint", async () => {
    const run = starling(
      ["local-testnet", "start", "--headless", "--headless-exit-after-secs", "45", "--num-clients", "2", "--config-path", "./config/test", "--tui", "false", "--server-port", "0"],
      { cwd },
    );
    const { code } = await run.ended;
    expect(code, run.stderr.join("\n")).toBe(0);
    expect(run.stdout).toHaveLength(1);
    const result = JSON.parse(run.stdout[0]) as Result;
    expect(Object.keys(result).sort()).toEqual(["checkpoint", "clients", "lossFirst", "lossLast", "parameterHashes", "rounds", "tokens", "tokensPerSecond"]);
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
  });

  it("ends every process within 8 s of Ctrl-C and says where the checkpoint is", async () => {
    const run = starling(["local-testnet", "start", "--num-clients", "2", "--config-path", "config/test", "--server-port", "0"], { cwd });
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
