/** Hugging Face transformers as a judge, where a Python has it: `STARLING_PYTHON`, else `python3`. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Mean loss in nats a token of (B, T) tokens, or null where transformers and torch are not installed. */
export async function transformersLoss(checkpoint: string, tokens: readonly (readonly number[])[]): Promise<number | null> {
  const python = process.env["STARLING_PYTHON"] ?? "python3";
  try {
    await run(python, ["-c", "import torch, transformers"], { timeout: 120_000 });
  } catch {
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), "starling-transformers-"));
  try {
    const file = join(folder, "tokens.json");
    writeFileSync(file, JSON.stringify(tokens));
    const { stdout } = await run(python, [join(import.meta.dirname, "transformers_loss.py"), checkpoint, file], { timeout: 120_000 });
    return Number(stdout.trim().split("\n").at(-1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
