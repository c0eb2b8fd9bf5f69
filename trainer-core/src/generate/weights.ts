import type { Device } from "../device/device.ts";
import type { ParameterMap } from "../model/parameters.ts";

/** A checkpoint's tensors on a device, f32, each in a buffer of its own. */
export interface DeviceWeights {
  /** Throws RangeError for a name the model does not have. */
  weight(name: string): GPUBuffer;
  dispose(): void;
}

/** Errors: DeviceError too-large, after which nothing is left on the device. */
export function uploadWeights(device: Device, parameters: ParameterMap): DeviceWeights {
  const buffers = new Map<string, GPUBuffer>();
  const dispose = (): void => {
    for (const buffer of buffers.values()) buffer.destroy();
  };
  try {
    for (const [name, { data }] of parameters) buffers.set(name, device.bufferOf(name, data));
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    weight(name) {
      const buffer = buffers.get(name);
      if (buffer === undefined) throw new RangeError(`the checkpoint has no tensor ${name}`);
      return buffer;
    },
    dispose,
  };
}
