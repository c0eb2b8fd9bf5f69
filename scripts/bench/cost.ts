/** What a piece of work took. CPU time says what the work needs even where other processes take the cores away. */
export interface Cost {
  wallMs: number;
  /** all threads of this process: on a software adapter the "GPU" is among them */
  cpuMs: number;
  /** the thread that drives the engine alone, its waiting for the GPU included */
  hostCpuMs: number;
}

export const NO_COST: Readonly<Cost> = { wallMs: 0, cpuMs: 0, hostCpuMs: 0 };

export function addCosts(a: Cost, b: Cost): Cost {
  return { wallMs: a.wallMs + b.wallMs, cpuMs: a.cpuMs + b.cpuMs, hostCpuMs: a.hostCpuMs + b.hostCpuMs };
}

/** Runs `work` and waits for it. */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const processBefore = process.cpuUsage();
  const threadBefore = process.threadCpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  return { wallMs, cpuMs: milliseconds(process.cpuUsage(processBefore)), hostCpuMs: milliseconds(process.threadCpuUsage(threadBefore)) };
}

/** Node counts in microseconds. */
function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
