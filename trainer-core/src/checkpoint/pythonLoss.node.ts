import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const NEEDED = "import numpy, safetensors.numpy";
const ENVIRONMENT = join(import.meta.dirname, "../../../node_modules/.cache/python");

/**
 * A Python with numpy and safetensors, for tests that look at checkpoints from outside: the system's, or one made once under
 * node_modules/.cache. Null, with the reason on stderr, where there is neither Python nor a package index.
 */
export async function findPython(): Promise<string | null> {
  const own = join(ENVIRONMENT, "bin", "python");
  for (const python of [own, "python3"]) {
    if (
      await run(python, ["-c", NEEDED]).then(
        () => true,
        () => false,
      )
    )
      return python;
  }
  try {
    await run("python3", ["-m", "venv", ENVIRONMENT]);
    await run(own, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy", "safetensors"], { timeout: 90_000 });
    await run(own, ["-c", NEEDED]);
    return own;
  } catch (error) {
    process.stderr.write(`no Python with numpy and safetensors, its tests are skipped: ${(error as Error).message.trim()}\n`);
    return null;
  }
}

export interface PythonLoss {
  /** mean over the targets, float64 */
  loss: number;
  targets: number;
  /** hash of all tensors as F32, in ascending name order */
  sha256: string;
}

/** Runs `python/llama_loss.py`; tokens and labels are (B, T), labels default to the tokens. */
export async function pythonLoss(
  python: string,
  checkpointDirectory: string,
  tokens: readonly (readonly number[])[],
  labels?: readonly (readonly number[])[],
): Promise<PythonLoss> {
  const directory = await mkdtemp(join(tmpdir(), "starling-loss-"));
  try {
    const file = join(directory, "tokens.json");
    await writeFile(file, JSON.stringify({ tokens, labels }));
    const script = join(import.meta.dirname, "python", "llama_loss.py");
    const { stdout } = await run(python, [script, checkpointDirectory, file]);
    return JSON.parse(stdout) as PythonLoss;
  } finally {
    await rm(directory, { recursive: true });
  }
}
