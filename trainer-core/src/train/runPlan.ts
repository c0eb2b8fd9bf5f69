/** What a run config means for the engine and the round client, worked out once and checked: every host starts from this. */
import { MAX_CLIENTS, parseLlamaConfig, variantOf, type DistroConfig, type LlamaConfig, type RunConfig } from "@starling/config";
import type { LearningRateSchedule } from "@starling/sdk/schedule";
import type { TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { leavesSizeBytes, modelTensors, tensorSizeBytes, type ModelTensor } from "../checkpoint/modelTensors.ts";
import { decodeTierResult, type TierSet, tierSet } from "../compress/tiers.ts";
import { resultBytes } from "../compress/wire.ts";
import { llamaParameters } from "../model/parameters.ts";
import { keptRounds } from "../round/states.ts";
import { TrainError } from "./errors.ts";

/** rounds whose results are kept and served, and the two under way */
const STORED_ROUNDS = keptRounds + 2;
/** results of equivocators and the like, which nobody has thrown away yet */
const SMALL_BLOBS_BYTES = 64 * 2 ** 20;

export interface RunPlan {
  llama: LlamaConfig;
  /** where the parameters of epoch 0 come from */
  start: { kind: "random"; seed: number } | { kind: "checkpoint"; location: string };
  distro: DistroConfig;
  pipeline: "overlapped" | "sync";
  schedule: LearningRateSchedule;
  coldStartWarmupSteps: number;
  sequenceTokens: number;
  /** by ascending name */
  tensors: readonly ModelTensor[];
  /** their tile layouts */
  layouts: readonly TileLayout[];
  /** the MatFormer tiers that clients of this run may have */
  tiers: TierSet;
  /** every result of the whole model has exactly this size, those of MatFormer tiers are smaller */
  payloadBytes: number;
  /** what a member's blob store must hold: the model it serves and the one arriving, and the results of the rounds it keeps */
  blobCapacityBytes: number;
  /** Pure: throws WireError when `payload` is not a result for this model and these settings. */
  checkPayload(payload: Uint8Array): void;
}

/**
 * `llamaOfCheckpoint` is needed where the run starts from a checkpoint, whose config.json the host reads.
 * Errors: TrainError unsupported for what this version cannot train, with what to do instead.
 */
export function runPlan(config: RunConfig, llamaOfCheckpoint?: LlamaConfig): RunPlan {
  const { LLM } = config.model;
  const optimizer = variantOf(LLM.optimizer);
  if (optimizer.kind !== "Distro") {
    throw new TrainError(
      "unsupported",
      `model.LLM.optimizer ${optimizer.kind}: clients of a run exchange DisTrO results, ${optimizer.kind} exchanges nothing; use Distro`,
    );
  }
  const distro = optimizer.value;
  const { llama, start } = startOf(config, llamaOfCheckpoint);
  if (LLM.max_seq_len > llama.maxPositionEmbeddings) {
    throw new TrainError(
      "unsupported",
      `model.LLM.max_seq_len = ${LLM.max_seq_len} tokens: the model has ${llama.maxPositionEmbeddings} positions`,
    );
  }
  const tensors = modelTensors(llama, distro.compression_chunk);
  const tiers = tierSet(llamaParameters(llama), distro.compression_chunk);
  const [layouts] = tiers.layouts;
  const wire = { oneBit: distro.quantize_1bit, topk: distro.compression_topk };
  const payloadBytes = resultBytes(layouts, wire);
  const modelBytes = tensors.reduce((sum, tensor) => sum + tensorSizeBytes(tensor), 0);
  return {
    llama,
    start,
    distro,
    pipeline: config.config.pipeline,
    schedule: scheduleOf(config),
    coldStartWarmupSteps: LLM.cold_start_warmup_steps,
    sequenceTokens: LLM.max_seq_len,
    tensors,
    layouts,
    tiers,
    payloadBytes,
    blobCapacityBytes: 2 * (modelBytes + leavesSizeBytes(tensors)) + STORED_ROUNDS * MAX_CLIENTS * payloadBytes + SMALL_BLOBS_BYTES,
    checkPayload: (payload) => void decodeTierResult(payload, tiers, wire),
  };
}

function scheduleOf(config: RunConfig): LearningRateSchedule {
  const { kind, value } = variantOf(config.model.LLM.lr_schedule);
  return { kind, ...value } as LearningRateSchedule;
}

function startOf(config: RunConfig, llamaOfCheckpoint: LlamaConfig | undefined): Pick<RunPlan, "llama" | "start"> {
  const checkpoint = variantOf(config.model.LLM.checkpoint);
  switch (checkpoint.kind) {
    case "Random":
      return { llama: parseLlamaConfig(checkpoint.value.config), start: { kind: "random", seed: checkpoint.value.seed } };
    case "Hub":
    case "Dummy":
    case "P2P":
      if (!llamaOfCheckpoint) {
        throw new TrainError(
          "unsupported",
          `model.LLM.checkpoint ${checkpoint.kind} "${checkpoint.value.repo_id}": the checkpoint's folder was not given; download it and name the folder with --checkpoint`,
        );
      }
      return { llama: llamaOfCheckpoint, start: { kind: "checkpoint", location: checkpoint.value.repo_id } };
    default:
      throw new TrainError(
        "unsupported",
        `model.LLM.checkpoint ${checkpoint.kind}: this version starts from Random or from a local Hub-style folder`,
      );
  }
}
