import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** The command as a process, since what it prints and how it exits is what it is. */
function starling(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, ["--disable-warning=ExperimentalWarning", main, "memory", ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, out: stdout + stderr }),
    ),
  );
}

describe("starling memory", () => {
  it("shows what each micro-batch needs of an adapter that is not here, and takes the largest that fits", async () => {
    const asked = ["--config-path", "llama2-20m", "--adapter-memory", "0.45", "--micro-batch-size", "32"];
    const { code, out } = await starling(...asked, "--json");
    expect(code, out).toBe(0);
    const { rows, chosen, sentences } = JSON.parse(out) as {
      rows: { microBatchSequences: number; activationRecomputation: boolean; adapterBytes: number; fits: boolean }[];
      chosen: { microBatchSequences: number; adapterBytes: number };
      sentences: string[];
    };
    const kept = rows.filter((row) => !row.activationRecomputation);
    expect(kept.map((row) => row.microBatchSequences)).toEqual([1, 2, 4, 8, 16, 32]);
    for (const [i, row] of rows.filter((r) => r.activationRecomputation).entries()) {
      expect(row.adapterBytes).toBeLessThan(kept[i]!.adapterBytes);
    }
    expect(chosen.microBatchSequences).toBe(Math.max(...kept.filter((row) => row.fits).map((row) => row.microBatchSequences)));
    expect(chosen.microBatchSequences).toBeLessThan(32);
    expect(sentences[0]).toMatch(/^this model at micro-batch 32 needs [\d.]+ [GM]B, adapter offers 450 MB, micro-batch \d+ fits$/);
  });

  it("says in one sentence which file or option is wrong", async () => {
    const missing = await starling("--config-path", "test", "--adapter-memory", "1", "--checkpoint", "/nowhere");
    expect(missing.out).toMatch(/^starling: --checkpoint: \/nowhere\/config.json tells no model: ENOENT[^\n]*\n$/);
    expect(missing.code).toBe(2);
    const uneven = await starling("--config-path", "test", "--adapter-memory", "1", "--tensor-parallelism", "64");
    expect(uneven.out).toMatch(/^starling: [^\n]+\n$/);
    expect(uneven.code).toBe(2);
    const elsewhere = await starling("--config-path", "test", "--device", "software", "--adapter", "Radeon");
    expect(elsewhere.out).toMatch(/no adapter is meant by "Radeon"; there are 0: SwiftShader/);
    expect(elsewhere.code).toBe(3);
  });

  it("exits with 1 where nothing fits", async () => {
    const { code, out } = await starling("--config-path", "llama2-20m", "--adapter-memory", "0.1");
    expect(out).toMatch(/too much/);
    expect(out).toMatch(/not even micro-batch 1 with activation recomputation fits/);
    expect(code).toBe(1);
  });
});
