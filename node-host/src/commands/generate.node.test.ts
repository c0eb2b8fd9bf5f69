/** `generate` and `evaluate` over a checkpoint's folder, in this process, on the software adapter. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluateOptions, generateOptions, parseOptions } from "@starling/config";
import { testCheckpoint, testModel } from "@starling/trainer-core/checkpoint/testCheckpoint";
import { checkpointFiles } from "@starling/trainer-core/checkpoint/writeCheckpoint";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { evaluate } from "./evaluate.ts";
import { generate } from "./generate.ts";

describe("a checkpoint's folder", () => {
  let folder = "";
  let tasks = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-generate-"));
    const model = { ...testModel, vocabSize: 256, numLayers: 1, maxPositionEmbeddings: 256 };
    // in shards, as large models come
    for (const file of checkpointFiles(testCheckpoint(7, model), 20_000)) {
      writeFileSync(join(folder, file.name), Buffer.concat([...file.pieces()]));
    }
    tasks = join(folder, "piqa.jsonl");
    const rows = ["up", "down", "left"].map((word, n) => ({ goal: `Go ${word}.`, sol1: `${word} it is`, sol2: "no", label: n % 2 }));
    writeFileSync(tasks, rows.map((row) => JSON.stringify(row)).join("\n"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What `run` writes to stdout. */
  async function printed(run: () => Promise<number>): Promise<{ code: number; text: string }> {
    let text = "";
    const spy = vi.spyOn(process.stdout, "write").mockImplementation((piece) => ((text += String(piece)), true));
    try {
      return { code: await run(), text };
    } finally {
      spy.mockRestore();
    }
  }
  const write = (...args: string[]) =>
    printed(() => generate(parseOptions(generateOptions, ["--checkpoint", folder, "--device", "software", ...args])));

  it("continues a text: the same for a seed, as JSON or as it comes", { timeout: 120_000 }, async () => {
    const args = ["--prompt", "The sea", "--max-new-tokens", "12", "--seed", "5"];
    const asJson = await write(...args, "--json");
    expect(asJson.code).toBe(0);
    const said = JSON.parse(asJson.text) as Record<string, unknown>;
    expect(said).toMatchObject({ prompt: "The sea", promptTokens: 7, newTokens: 12, ended: "length", seed: 5 });
    const plain = await write(...args);
    expect(plain.text).toBe(`The sea${said["text"] as string}\n`);
    writeFileSync(join(folder, "prompt.txt"), "The sea");
    const other = await write("--prompt-file", join(folder, "prompt.txt"), "--max-new-tokens", "12", "--seed", "6", "--json");
    expect((JSON.parse(other.text) as Record<string, unknown>)["text"]).not.toBe(said["text"]);
  });

  it("answers the questions of a file", { timeout: 120_000 }, async () => {
    const options = parseOptions(evaluateOptions, [
      "--checkpoint",
      folder,
      "--device",
      "software",
      "--eval-tasks",
      `piqa=${tasks}`,
      "--json",
    ]);
    const { code, text } = await printed(() => evaluate(options));
    expect(code).toBe(0);
    const said = JSON.parse(text) as { complete: boolean; tasks: { acc: number }[] };
    expect(said).toMatchObject({ complete: true, tasks: [{ name: "piqa", asked: 3, total: 3 }] });
    expect([0, 1 / 3, 2 / 3, 1]).toContain(said.tasks[0].acc);
  });

  it("says what is wrong with what it was given", async () => {
    await expect(write()).rejects.toMatchObject({ code: "bad-option", message: expect.stringContaining("--prompt TEXT") });
    await expect(write("--prompt", "a", "--prompt-file", "b")).rejects.toMatchObject({ code: "bad-option" });
    await expect(write("--prompt-file", join(folder, "none"))).rejects.toThrow(/cannot be read/);
    await expect(write("--prompt", "")).rejects.toThrow(/the prompt is empty/);
    await expect(write("--prompt", "x".repeat(300))).rejects.toThrow(/300 tokens, the model reads at most 256/);
    const missing = parseOptions(generateOptions, ["--checkpoint", join(folder, "none"), "--prompt", "a"]);
    await expect(generate(missing)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("config.json is missing"),
    });
  });
});
