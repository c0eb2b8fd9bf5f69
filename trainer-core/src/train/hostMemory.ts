/** What a run takes of this machine's memory beside the adapter's: an estimate, since it is the process's and its libraries'. */
import { elementCount, llamaParameters } from "../model/parameters.ts";
import type { RunPlan } from "./runPlan.ts";

const MIB = 2 ** 20;
/** Node, libp2p, the wasm machine (measured: 230 to 340 MiB resident with the `test` preset). */
const PROCESS_BYTES = 300 * MIB;
/** results kept for those who are late, and the two rounds under way */
const KEPT_ROUNDS = 10;

export interface MemoryNeed {
  adapterBytes: number;
  /** beside the adapter's */
  hostBytes: number;
  /** largest buffer that must be bound at once */
  bindingBytes: number;
}

/**
 * The model that is served, the one that comes, and the copy from which a lost device is made again: with its residual, and twice while
 * the next one is taken.
 */
export function hostBytes({ llama, payloadBytes }: RunPlan, batchesPerRound: number): number {
  const modelBytes = llamaParameters(llama).reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  return PROCESS_BYTES + 6 * modelBytes + KEPT_ROUNDS * batchesPerRound * payloadBytes;
}
