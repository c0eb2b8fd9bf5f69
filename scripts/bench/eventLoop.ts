/** How long the client's main thread, where the network lives, is held up while its engine trains in the worker thread. */
import type { KernelProfile } from "@starling/shaders";
import { RemoteEngine } from "@starling/node-host/engine/remoteEngine";
import { watchEventLoop } from "@starling/node-host/platform/eventLoopLag";
import { setTimeout as sleep } from "node:timers/promises";
import type { Workload } from "./workload.ts";

export interface EventLoopLag {
  /** 99th percentile in ms while the worker trains */
  trainingP99Ms: number;
  /** the same while nothing runs in this process: what the rest of the machine does to it */
  idleP99Ms: number;
  rounds: number;
}

const IDLE_MS = 3_000;
/** the lag is sampled every 10 ms: a percentile wants some hundreds of samples, however fast the rounds are */
const LEAST_TRAINING_MS = 3_000;

/** At least `rounds` rounds through the worker that clients use. Errors: HostError engine. */
export async function eventLoopLag(workload: Workload, profile: KernelProfile, rounds: number): Promise<EventLoopLag> {
  const { runConfig, plan, microBatchSequences, clients } = workload;
  const engine = await RemoteEngine.create({ runConfig, plan, settings: { profile, microBatchSequences } });
  try {
    let results: Uint8Array[] = [];
    const train = async (round: number) => {
      const sequences = await workload.batch(round);
      await engine.beginRound(workload.beginRound(round, results));
      const { payload } = await engine.train({ sequences, learningRate: workload.learningRate(round) });
      results = [...results, payload].slice(-clients);
    };
    await engine.startEpoch();
    let round = 0;
    for (; round < clients; round++) await train(round);

    const lag = watchEventLoop();
    await sleep(IDLE_MS);
    const idleP99Ms = lag();
    const first = round;
    const startedMs = performance.now();
    for (; round - first < rounds || performance.now() - startedMs < LEAST_TRAINING_MS; round++) await train(round);
    return { trainingP99Ms: lag(), idleP99Ms, rounds: round - first };
  } finally {
    await engine.stop();
  }
}
