import type { Device } from "../device/device.ts";
import type { ParameterMap, ParameterTensor } from "../model/parameters.ts";
import type { Tensor, TensorShard } from "../model/tensor.ts";

/** A checkpoint's tensors on a device, f32, each in buffers of its own. */
export interface DeviceWeights {
  /** Throws RangeError for a name the model does not have. */
  weight(name: string): Tensor;
  dispose(): void;
}

/** Products bind columns of an activation, one for each row of a shard: at multiples of 256 bytes. */
const SHARD_ALIGN_ROWS = 128;

/** A matrix that cannot be bound at once is cut by rows. Errors: DeviceError too-large, after which nothing is left on the device. */
export function uploadWeights(device: Device, parameters: ParameterMap): DeviceWeights {
  const buffers: GPUBuffer[] = [];
  const upload = (name: string, values: Float32Array<ArrayBuffer>): GPUBuffer => {
    const buffer = device.bufferOf(name, values);
    buffers.push(buffer);
    return buffer;
  };
  const place = (name: string, { shape, data }: ParameterTensor): Tensor => {
    const columns = shape.at(-1) ?? 1;
    const rows = data.length / columns;
    const most = Math.floor(device.bindingLimitBytes / (4 * columns) / SHARD_ALIGN_ROWS) * SHARD_ALIGN_ROWS;
    if (most === 0 || data.byteLength <= device.bindingLimitBytes) return { buffer: upload(name, data), storage: "f32" };
    const shards: TensorShard[] = [];
    for (let firstRow = 0; firstRow < rows; firstRow += most) {
      const count = Math.min(most, rows - firstRow);
      const buffer = upload(`${name} from row ${firstRow}`, data.subarray(firstRow * columns, (firstRow + count) * columns));
      shards.push({ buffer, storage: "f32", firstRow, rows: count });
    }
    return { ...shards[0], shards };
  };
  const dispose = (): void => {
    for (const buffer of buffers) buffer.destroy();
  };
  const tensors = new Map<string, Tensor>();
  try {
    for (const [name, tensor] of parameters) tensors.set(name, place(name, tensor));
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    weight(name) {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new RangeError(`the checkpoint has no tensor ${name}`);
      return tensor;
    },
    dispose,
  };
}
