/** A checkpoint's model on this machine's adapter, for the commands that only infer. */
import { resolve } from "node:path";
import type { LlamaConfig } from "@starling/config";
import { CheckpointError } from "@starling/trainer-core/checkpoint/checkpointError";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import type { Device, KernelProfile } from "@starling/trainer-core/device/device";
import { adapterName } from "@starling/trainer-core/device/features";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import { textModelOf, type TextModel } from "@starling/trainer-core/generate/textModel";
import { uploadWeights, type DeviceWeights } from "@starling/trainer-core/generate/weights";
import { progress } from "../chain/print.ts";
import { HostError } from "../errors.ts";
import { chooseAdapter, type DeviceChoice } from "../platform/adapter.ts";

export interface ModelOptions {
  checkpoint: string;
  device: string;
  kernelProfile: KernelProfile | "auto";
}

export interface OpenModel extends AsyncDisposable {
  device: Device;
  adapter: string;
  config: LlamaConfig;
  text: TextModel;
  weight: DeviceWeights["weight"];
}

/** Errors: HostError (bad-option, no-adapter), DeviceError, TokenizerError, GenerateError. */
export async function openModel({ checkpoint, device: choice, kernelProfile }: ModelOptions, signal: AbortSignal): Promise<OpenModel> {
  const files = directoryFiles(resolve(checkpoint));
  const loaded = await readCheckpoint(files, signal).catch((cause: unknown) => {
    if (cause instanceof CheckpointError && cause.code !== "aborted")
      throw new HostError("bad-option", `--checkpoint ${cause.message}`, { cause });
    throw cause;
  });
  const text = await textModelOf(files, loaded.config, loaded.tokenizerJson);
  progress((await chooseAdapter(choice as DeviceChoice)).sentence);
  // zero-filling workgroup memory makes barrier kernels compile 6x slower on a software adapter; ours write before they read
  const device = await openDevice(await createDawn(DAWN_FLAGS), { profile: kernelProfile });
  for (const fault of device.faults) progress(`warning: ${fault}`);
  calmPolling(device.gpu);
  try {
    const { weight, dispose } = uploadWeights(device, loaded.parameters);
    return {
      device,
      adapter: adapterName(device.adapter),
      config: loaded.config,
      text,
      weight,
      [Symbol.asyncDispose]: async () => {
        dispose();
        device.dispose();
      },
    };
  } catch (error) {
    device.dispose();
    throw error;
  }
}
