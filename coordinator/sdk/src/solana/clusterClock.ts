/**
 * The cluster's clock, which programs see in whole seconds and which changes once a slot. What a program sees now is the floor
 * of the true time: the largest difference seen lately between it and our own clock is closest to the truth.
 */
const KEPT = 8;

export const CLOCK_SYSVAR = "SysvarC1ock11111111111111111111111111111111";
/** slot, epoch's start, epoch, schedule's epoch, then the time */
const UNIX_TIMESTAMP_OFFSET = 32;

export class ClusterClock {
  #differences: number[] = [];

  /** `data`: of the Clock sysvar. */
  observe(data: Uint8Array): void {
    if (data.length < UNIX_TIMESTAMP_OFFSET + 8) return;
    const seconds = new DataView(data.buffer, data.byteOffset).getBigInt64(UNIX_TIMESTAMP_OFFSET, true);
    this.#differences = [...this.#differences, Number(seconds) * 1000 - Date.now()].slice(-KEPT);
    const newest = this.#differences.at(-1)!;
    // the clock was set: what was seen before says nothing any more
    if (this.#differences.some((one) => Math.abs(one - newest) > 5_000)) this.#differences = [newest];
  }

  nowMs(): bigint {
    const difference = this.#differences.length === 0 ? 0 : Math.max(...this.#differences);
    return BigInt(Math.floor(Date.now() + difference));
  }

  /** What a program would see now. */
  programNowMs(): bigint {
    return (this.nowMs() / 1000n) * 1000n;
  }
}
