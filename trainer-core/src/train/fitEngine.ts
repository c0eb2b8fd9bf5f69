/** An engine that fits its adapter: as large as `fit` chose, and smaller where the driver then gives less. */
import { factsOf } from "../device/countingGpu.ts";
import type { Device } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { TrainingEngine } from "./engine.ts";
import type { EngineSettings } from "./engineSettings.ts";
import { offerToOne, spreadOf } from "../parallel/parallelism.ts";
import { fit } from "./fit.ts";
import { smallerMicroBatch } from "./microBatch.ts";
import type { RunPlan } from "./runPlan.ts";

export interface FittedEngine {
  /** the first holds the parameters */
  devices: readonly Device[];
  engine: TrainingEngine;
  microBatchSequences: number;
  recomputation: boolean;
  /** what was chosen and why, one a line, for the operator */
  sentences: readonly string[];
}

/**
 * `open` is called again where a device has run out of memory: nothing more can be made on that one. Devices that
 * failed are disposed. Errors: those of `open`, DeviceError too-large, and out-of-memory where not even the smallest fits.
 */
export async function fitEngine(open: () => Promise<readonly Device[]>, plan: RunPlan, settings: EngineSettings): Promise<FittedEngine> {
  let devices = await open();
  const close = () => devices.forEach((device) => device.dispose());
  try {
    const {
      microBatchSequences: first,
      recomputation,
      sentences,
    } = await fit({
      plan,
      settings: { ...settings, offer: settings.offer && offerToOne(settings.offer, spreadOf(settings)) },
      adapter: factsOf(devices[0]),
    });
    const told = [...new Set(devices.flatMap(({ faults }) => faults.map((fault) => `warning: ${fault}`))), ...sentences];
    const { profile: _, offer: __, ...rest } = settings;
    for (let choice = { microBatchSequences: first, recomputation }; ;) {
      const [device, ...otherDevices] = devices;
      try {
        const engine = await TrainingEngine.create(device, plan, { ...rest, ...choice, otherDevices });
        return { devices, engine, ...choice, sentences: told };
      } catch (error) {
        const next = error instanceof DeviceError && error.code === "out-of-memory" ? less(choice, settings) : null;
        if (next === null) throw error;
        told.push(
          `micro-batch ${choice.microBatchSequences}: ${(error as Error).message}; micro-batch ${next.microBatchSequences}${next.recomputation ? " with activation recomputation" : ""} is tried`,
        );
        choice = next;
        close();
        devices = await open();
      }
    }
  } catch (error) {
    close();
    throw error;
  }
}

type Choice = { microBatchSequences: number; recomputation: boolean };

function less({ microBatchSequences, recomputation }: Choice, settings: EngineSettings): Choice | null {
  const smaller = smallerMicroBatch(microBatchSequences);
  if (smaller !== null) return { microBatchSequences: smaller, recomputation };
  return settings.recomputation === "auto" && !recomputation ? { microBatchSequences, recomputation: true } : null;
}
