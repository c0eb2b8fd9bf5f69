/** PyTorch on the same machine, where python3 has it with CUDA: torchLlama.py beside this. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GpuSize } from "./sizes.ts";

interface TorchRun {
  parameters: number;
  stepMs: number[];
  tokensPerSecond: number;
  loss: number;
}

export type TorchReport =
  | { absent: string }
  | { torch: string; device: string; productTflops: number; eager: TorchRun; compiled: TorchRun | { absent: string } };

/** `device` cpu: to try the script where there is no GPU. */
export function runTorch(
  size: GpuSize,
  microBatchSequences: number,
  steps: number,
  device: "cuda" | "cpu",
  timeoutMs: number,
): TorchReport {
  const script = join(dirname(fileURLToPath(import.meta.url)), "torchLlama.py");
  if (!existsSync(script)) return { absent: `${script} is not there` };
  const settings = JSON.stringify({ ...size, microBatchSequences, steps, device });
  const ran = spawnSync("python3", [script, settings], { encoding: "utf8", timeout: timeoutMs, maxBuffer: 1 << 26 });
  if (ran.error) return { absent: `python3: ${ran.error.message}` };
  const last = ran.stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(last) as TorchReport;
  } catch {
    return { absent: `torchLlama.py ended with ${ran.status}: ${ran.stderr.trim().split("\n").at(-1) ?? ""}` };
  }
}
