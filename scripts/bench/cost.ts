/** What a piece of work took. CPU time is the whole process's: on a software adapter the "GPU" is among its threads. */
export interface Cost {
  wallMs: number;
  cpuMs: number;
}

/** Runs `work` and waits for it. CPU time says what the work needs even where other processes take the cores away. */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore); // microseconds
  return { wallMs, cpuMs: (user + system) / 1000 };
}
