/** ms that a timed run takes at least: an adapter's answer comes up to a millisecond late, and a GPU has made a product by then twenty times. */
const LEAST_MS = 10;
const MOST_TIMES = 1024;

/**
 * ms of one of many equal runs in a row, the shortest of `repeats` such rows. `run` computes so many times and says how many ms it took
 * until the answer came; its first call, for one, is not counted: it may still compile.
 */
export async function timeOf(run: (times: number) => Promise<number>, repeats: number): Promise<number> {
  await run(1);
  let times = 1;
  let ms = await run(times);
  while (ms < LEAST_MS && times < MOST_TIMES) {
    times = Math.min(MOST_TIMES, times * Math.min(16, Math.max(2, Math.ceil(LEAST_MS / ms))));
    ms = await run(times);
  }
  for (let n = 1; n < repeats; n++) ms = Math.min(ms, await run(times));
  return ms / times;
}
