/** The engine's thread, killed in the middle of its work. */
import type { Worker } from "node:worker_threads";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { ResilientEngine } from "@starling/trainer-core/train/resilientEngine";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteEngine } from "./remoteEngine.ts";
import { END } from "./rpc.ts";

describe("ResilientEngine over a thread", () => {
  const { config: runConfig } = loadRunConfig("test", "/");
  const plan = runPlan(runConfig);
  const workers: Worker[] = [];
  const resets: string[] = [];
  let engine: ResilientEngine<RemoteEngine>;

  beforeAll(async () => {
    if (process.env["STARLING_TEST_ADAPTER"] !== "system") useBundledSoftwareDriver();
    process.on("worker", (worker) => workers.push(worker));
    engine = await ResilientEngine.create({
      start: (onDeath) => RemoteEngine.create({ runConfig, plan, settings: { profile: "software", microBatchSequences: 1 }, onDeath }),
      onWarning: () => undefined,
      advice: "Look there.",
      copyEveryRounds: 1,
    });
    engine.onReset = (reason) => resets.push(reason);
  });
  afterAll(() => engine.stop());

  /** One round from the run's start; what is sent, and the parameters after it. */
  async function round(kill: boolean): Promise<string[]> {
    const learningRate = Math.fround(1e-2);
    await engine.startEpoch();
    const begin = { applyLearningRate: null, decayLearningRate: learningRate, pipeline: plan.pipeline, lookaheadLearningRate: null };
    await engine.beginRound({ ...begin, results: [] });
    const sequences = [Int32Array.from({ length: plan.sequenceTokens }, (_, t) => 97 + (t % 7))];
    const trained = engine.train({ sequences, learningRate });
    if (kill) setTimeout(() => workers.at(-1)!.postMessage(END), 3);
    const { payload, residualRoot } = await trained;
    return [payload, residualRoot, await engine.parameterHash()].map(toHex);
  }

  it("answers what was asked of the thread that died, from the copy that was taken before", async () => {
    const doubled = new Map([...(await engine.exportParameters())].map(([name, values]) => [name, values.map((v) => v * 2)]));
    await engine.importParameters(doubled);
    const expected = await round(false);
    await engine.importParameters(doubled);
    // a copy is taken in the quiet that follows, and crosses the threads
    await expect.poll(() => engine.copyFigures.copies).toBeGreaterThan(0);
    const before = workers.length;
    expect(await round(true)).toEqual(expected);
    expect(workers.length).toBe(before + 1);
    expect(engine.copyFigures.restored).toBe(1);
    expect(resets).toEqual([]);
  });

  it("is stopped in the middle of training: the call is rejected, and Dawn does not end the process", async () => {
    const learningRate = Math.fround(1e-2);
    const sequences = [new Int32Array(plan.sequenceTokens)];
    const rejected = expect(engine.train({ sequences, learningRate })).rejects.toThrow(Error);
    await new Promise((resolve) => setTimeout(resolve, 10)); // the loss is being waited for
    await engine.stop();
    await rejected;
  });
});
