/** Measures the tiles of matrix products on this device (shaders/src/lab): for adapters that nobody has measured yet. */
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { GPU_SHAPES, SOFTWARE_SHAPES, sweepTiles } from "@starling/shaders/lab/sweep";
import { timeOf } from "@starling/shaders/lab/timeOf";
import { measuredEntry, tuningOf, type TuningEntry } from "@starling/shaders/lab/tuning";
import type { Device } from "./device.ts";
import { wrongTensorProduct } from "./openDevice.ts";

export interface TuneOptions {
  /** ms in all */
  budgetMs: number;
  /** timed runs of a tile; the shortest counts */
  repeats?: number;
  onMeasured?: (line: string) => void;
}

/** A GPU that had nothing to do runs at a sixth of its clock at first: the first tile must not pay for that. */
const WARM_UP_MS = 250;

export { adapterKey, type TuningEntry } from "@starling/shaders/lab/tuning";

/** Times the tiles of the device's profile. It must have nothing else to do meanwhile. */
export async function measureTiles(device: Device, { budgetMs, repeats = 3, onMeasured }: TuneOptions): Promise<TuningEntry> {
  const buffers = new Map<number, GPUBuffer[]>();
  const operands = (elements: number): GPUBuffer[] => {
    let made = buffers.get(elements);
    if (!made) {
      made = ["a", "b", "c"].map((name) => device.buffer(`tiles ${name}`, elements * 4));
      buffers.set(elements, made);
    }
    return made;
  };
  const uniform = device.uniform("tiles sizes", 48);
  let isWarm = device.profile === "software";
  const time = async ({ spec, constants, grid, sizes }: KernelCall, elements: number): Promise<number> => {
    const [a, b, c] = operands(elements);
    device.write(uniform, sizes!);
    const dispatch = await device.dispatch(spec, constants, [uniform, a, b, a, c], grid);
    const run = async (times: number) => {
      const start = performance.now();
      device.run(Array<typeof dispatch>(times).fill(dispatch));
      await device.idle();
      return performance.now() - start;
    };
    if (!isWarm) {
      isWarm = true;
      await run(1);
      for (const end = performance.now() + WARM_UP_MS; performance.now() < end;) await run(1); // a slow one is not held up by it
    }
    return timeOf(run, repeats);
  };
  try {
    return await sweepTiles({
      profile: device.profile,
      adapter: device.features,
      limits: device.tileLimits,
      shapes: device.profile === "software" ? SOFTWARE_SHAPES : GPU_SHAPES,
      budgetMs,
      now: () => performance.now(),
      time,
      onMeasured,
    });
  } finally {
    uniform.destroy();
    for (const made of buffers.values()) for (const buffer of made) buffer.destroy();
  }
}

/** What a run measured, kept from one to the next; null: nothing yet. */
export interface TuningStore {
  read(adapter: Device["adapter"]): Promise<TuningEntry | null>;
  write(adapter: Device["adapter"], entry: TuningEntry): Promise<void>;
}

/**
 * Gives the device its tiles: those of the committed table, of the store, or measured now and stored. A software adapter keeps what it
 * has: measuring costs more there than it gains. Call it before plans are built.
 */
export async function tuneProducts(device: Device, store: TuningStore, options: TuneOptions): Promise<void> {
  if (device.profile === "software" || device.adapter.isFallbackAdapter || measuredEntry(device.adapter)?.[device.profile]) return;
  const stored = await store.read(device.adapter);
  const entry = stored?.[device.profile] ? stored : { ...stored, ...(await measureTiles(device, options)) };
  // of nothing reached in time, nothing is kept: the next start has the pipelines already, in the driver's cache
  if (entry !== stored && Object.keys(entry[device.profile] ?? {}).length > 0) await store.write(device.adapter, entry);
  const before = device.tuning;
  device.tuning = tuningOf(entry, device.tileLimits);
  // the fastest may be fast because it is wrong
  if ((await wrongTensorProduct(device)) !== null) device.tuning = before;
}
