/** Waiting that ends with a signal, and the pace of trying again. */
import { ChainError } from "./chainError.ts";

/** @throws ChainError `aborted` */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(aborted(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

export function aborted(signal?: AbortSignal): ChainError {
  if (signal?.reason instanceof ChainError) return signal.reason;
  return new ChainError("aborted", "aborted by its caller", { cause: signal?.reason });
}

/** Doubles with every failure, up to the most, and is spread by half so that clients do not come all at once. */
export function backOffMs(failures: number, firstMs: number, mostMs: number, random: () => number = Math.random): number {
  const most = Math.min(firstMs * 2 ** Math.min(failures, 20), mostMs);
  return most * (0.5 + random() / 2);
}

/** One signal of several; undefined ones do not count. */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
