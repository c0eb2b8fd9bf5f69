/**
 * Time of each kernel of a training step. Where the adapter has timestamp queries: a pass for each dispatch, its begin and end
 * written by the adapter (`EXACT_TIMESTAMPS`, or they come in steps of 65 us); elsewhere each dispatch is waited for.
 */
import type { Device, Dispatch } from "@starling/trainer-core/device/device";

export interface KernelTime {
  kernel: string;
  /** dispatches of it in a step */
  dispatches: number;
  /** of all of them together */
  ms: number;
  share: number;
}

export interface KernelProfileReport {
  method: "timestamp-query" | "waits";
  totalMs: number;
  kernels: KernelTime[];
}

/** For createDawn, beside its other flags. */
export const EXACT_TIMESTAMPS = "disable-dawn-features=timestamp_quantization";

/** Most queries a set may have. */
const MAX_QUERIES = 4096;
const NANOSECONDS = 1e-6;

/** Times `lists`, the dispatches of one step in order, `repeats` times; medians. Whatever they compute is computed again. */
export async function profileKernels(
  device: Device,
  lists: readonly (readonly Dispatch[])[],
  repeats: number,
): Promise<KernelProfileReport> {
  const dispatches = lists.flat();
  const useTimestamps = device.features.timestamps;
  const times: number[][] = dispatches.map(() => []);
  for (let n = 0; n <= repeats; n++) {
    const once = useTimestamps ? await timestamped(device, dispatches) : await waitedFor(device, dispatches);
    if (n > 0) once.forEach((ms, d) => times[d].push(ms)); // the first warms up
  }
  const byKernel = new Map<string, { dispatches: number; ms: number }>();
  dispatches.forEach(({ label }, d) => {
    const sum = byKernel.get(label) ?? { dispatches: 0, ms: 0 };
    const sorted = times[d].sort((a, b) => a - b);
    byKernel.set(label, { dispatches: sum.dispatches + 1, ms: sum.ms + sorted[sorted.length >> 1] });
  });
  const totalMs = [...byKernel.values()].reduce((sum, { ms }) => sum + ms, 0);
  const kernels = [...byKernel].map(([kernel, { dispatches, ms }]) => ({ kernel, dispatches, ms, share: ms / totalMs }));
  return { method: useTimestamps ? "timestamp-query" : "waits", totalMs, kernels: kernels.sort((a, b) => b.ms - a.ms) };
}

async function timestamped({ gpu }: Device, dispatches: readonly Dispatch[]): Promise<number[]> {
  const out: number[] = [];
  for (let at = 0; at < dispatches.length; at += MAX_QUERIES / 2) {
    const part = dispatches.slice(at, at + MAX_QUERIES / 2);
    const bytes = part.length * 16;
    const querySet = gpu.createQuerySet({ type: "timestamp", count: part.length * 2 });
    const resolved = gpu.createBuffer({ size: bytes, usage: 0x200 | 0x4 }); // QUERY_RESOLVE | COPY_SRC
    const staging = gpu.createBuffer({ size: bytes, usage: 0x1 | 0x8 }); // MAP_READ | COPY_DST
    const encoder = gpu.createCommandEncoder();
    part.forEach((d, n) => {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * n, endOfPassWriteIndex: 2 * n + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      pass.setPipeline(d.pipeline);
      pass.setBindGroup(0, d.bindGroup);
      pass.dispatchWorkgroups(d.grid[0], d.grid[1], d.grid[2]);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, part.length * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(1);
    const stamps = new BigUint64Array(staging.getMappedRange());
    for (let n = 0; n < part.length; n++) out.push(Number(stamps[2 * n + 1] - stamps[2 * n]) * NANOSECONDS);
    staging.unmap();
    for (const used of [querySet, resolved, staging]) used.destroy();
  }
  return out;
}

async function waitedFor(device: Device, dispatches: readonly Dispatch[]): Promise<number[]> {
  const out: number[] = [];
  await device.idle();
  for (const d of dispatches) {
    const started = performance.now();
    device.run([d]);
    await device.idle();
    out.push(performance.now() - started);
  }
  return out;
}
