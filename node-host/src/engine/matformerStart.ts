/** What of the model a client holds, and from which folder it starts: the options `--matformer-tier`, `--matformer-load-strategy`, `--checkpoint`. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CheckpointError } from "@starling/trainer-core/checkpoint/checkpointError";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readTierCheckpoint, readTierOrigin, tierDirectory } from "@starling/trainer-core/checkpoint/matformerTiers";
import { valuesOf } from "@starling/trainer-core/checkpoint/modelTensors";
import { readCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { tierRefusal, type MatformerPart } from "@starling/trainer-core/model/matformer";
import type { Engine } from "@starling/trainer-core/round/ports";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import { fromHex } from "@starling/sdk/bytes";
import type { TrainingOptions } from "../compose.ts";
import { HostError } from "../errors.ts";

export interface MatformerStart {
  part: MatformerPart;
  /** the folder to start from; undefined: the run's own start */
  checkpoint: string | undefined;
}

type StartOptions = Pick<TrainingOptions, "matformerTier" | "matformerLoadStrategy" | "checkpoint">;

/** Errors: HostError bad-option for options and checkpoint that do not go together. */
export async function matformerStart({
  matformerTier: tier,
  matformerLoadStrategy: strategy,
  checkpoint,
}: StartOptions): Promise<MatformerStart> {
  if (checkpoint === undefined) return { part: { tier, sliced: tier > 0 && strategy === "sliced" }, checkpoint };
  const folder = resolve(checkpoint);
  const origin = await readTierOrigin(directoryFiles(folder)).catch((cause: unknown) => {
    if (cause instanceof CheckpointError) throw new HostError("bad-option", `--checkpoint ${cause.message}`, { cause });
    throw cause;
  });
  if (origin !== null) {
    const is = `--checkpoint ${folder} holds tier ${origin.tier} of a model alone`;
    if (strategy === "universal")
      throw new HostError("bad-option", `${is}: --matformer-load-strategy universal needs the whole model's folder`);
    if (origin.tier !== tier)
      throw new HostError(
        "bad-option",
        `${is}, and cannot be cut a second time: train with --matformer-tier ${origin.tier}, or name the whole model's folder`,
      );
    return { part: { tier, sliced: true }, checkpoint: folder };
  }
  if (tier === 0 || strategy === "universal") return { part: { tier, sliced: false }, checkpoint: folder };
  const sliced = tierDirectory(folder, tier);
  if (existsSync(join(sliced, "config.json"))) return { part: { tier, sliced: true }, checkpoint: sliced };
  if (strategy === "auto") return { part: { tier, sliced: false }, checkpoint: folder };
  throw new HostError(
    "bad-option",
    `--matformer-load-strategy sliced: ${sliced} is not there; write it with: starling export-matformer-tiers --checkpoint ${folder} --tiers ${tier}`,
  );
}

/** Errors: HostError bad-option where the run's model cannot have that tier. */
export function checkTier({ llama, distro }: RunPlan, tier: number, option = "--matformer-tier"): void {
  const refusal = tierRefusal(llama.intermediateSize, distro.compression_chunk, tier);
  if (refusal !== null) throw new HostError("bad-option", `${option} ${tier}: ${refusal}`);
}

/** Puts the checkpoint's parameters into the engine. Errors: CheckpointError, HostError bad-option. */
export async function importCheckpoint(engine: Engine, folder: string, { distro }: RunPlan): Promise<void> {
  const files = directoryFiles(folder);
  if ((await readTierOrigin(files)) === null) {
    const { parameters } = await readCheckpoint(files);
    return engine.importParameters(valuesOf(parameters));
  }
  const { parameters, baseHash } = await readTierCheckpoint(files);
  const partOf = baseHash === null || baseHash.chunk !== distro.compression_chunk ? null : fromHex(baseHash.parameterHash, 32);
  if (partOf === null) {
    throw new HostError(
      "bad-option",
      `--checkpoint ${folder}: it does not say which model it is a part of in this run; write it again with: starling export-matformer-tiers --compression-chunk ${distro.compression_chunk}`,
    );
  }
  return engine.importParameters(valuesOf(parameters), partOf);
}
