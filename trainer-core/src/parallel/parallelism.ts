/** How many devices an engine takes, and on which adapters they are. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device } from "../device/device.ts";
import type { EngineSettings, MemoryOffer } from "../train/engineSettings.ts";
import { TrainError } from "../train/errors.ts";
import { choosePrecision, type ChosenPrecision, type Precision } from "../train/precision.ts";
import { ParallelError } from "./errors.ts";

export interface Parallelism {
  /** groups that hold the model; micro-batches are dealt to them */
  data: number;
  /** devices of a group, which share its model */
  tensor: number;
}

export interface Spread extends Parallelism {
  /** of each device, group after group: the adapter's name as Dawn has it; null: the one that is found first */
  adapters: readonly (string | null)[];
}

/**
 * One adapter, or none named: as many logical devices of it as are needed. Several: one device of each; then data parallelism, left out,
 * takes them all. Errors: ParallelError too-few-devices, where adapters and devices do not come out even.
 */
export function spreadOf({
  dataParallelism,
  tensorParallelism = 1,
  adapters = [],
}: Pick<EngineSettings, "dataParallelism" | "tensorParallelism" | "adapters">): Spread {
  const data = dataParallelism ?? Math.max(1, Math.floor(adapters.length / tensorParallelism));
  const devices = data * tensorParallelism;
  if (adapters.length > 1 && adapters.length !== devices) {
    throw new ParallelError(
      "too-few-devices",
      `${adapters.length} adapters are named, but data parallelism ${data} and tensor parallelism ${tensorParallelism} take ${devices}: name ${devices}, or one for all`,
    );
  }
  return {
    data,
    tensor: tensorParallelism,
    adapters: Array.from({ length: devices }, (_, n) => adapters[adapters.length > 1 ? n : 0] ?? null),
  };
}

/** What one device has of the host's offer: its group's part of the share, and its part of an adapter that others are on too. */
export function offerToOne(offer: MemoryOffer, { data, adapters }: Spread): MemoryOffer {
  const devices = adapters.filter((name) => name === adapters[0]).length;
  return {
    ...offer,
    adapterBytes: offer.adapterBytes === null ? null : offer.adapterBytes / devices,
    shareSequences: Math.ceil(offer.shareSequences / data),
  };
}

/**
 * `choosePrecision` for devices that train together: the same on all, so what the least able one can. Devices that share a model compute
 * in f32. Errors: TrainError unsupported.
 */
export function commonPrecision(
  wanted: Precision | "auto",
  devices: readonly Pick<Device, "features" | "adapter">[],
  { tensor }: Pick<Parallelism, "tensor">,
  config: LlamaConfig,
): ChosenPrecision {
  if (devices.length > 1 && tensor > 1) {
    if (wanted === "auto") return { precision: "f32", reason: "devices that share a model exchange f32" };
    if (wanted !== "f32") {
      throw new TrainError(
        "unsupported",
        `precision ${wanted} was asked for, but devices that share a model exchange f32: use --precision f32, or data parallelism`,
      );
    }
  }
  const chosen = devices.map((device) => choosePrecision(wanted, device, config));
  return chosen.find(({ precision }) => precision === "f32") ?? chosen.find(({ precision }) => precision === "packed-f16") ?? chosen[0];
}
