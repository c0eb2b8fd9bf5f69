/** Real devices, destroyed in the middle of real work. */
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { afterEach, describe, expect, it } from "vitest";
import { calmPolling, createDawn } from "../device/dawn.node.ts";
import { useTestDriver } from "../device/testDevice.node.ts";
import type { BeginRound, Engine } from "../round/ports.ts";
import { LocalEngine } from "./localEngine.ts";
import { ResilientEngine } from "./resilientEngine.ts";
import { runPlan } from "./runPlan.ts";

const plan = runPlan(loadRunConfig("test", "/").config);
const learningRate = Math.fround(5e-3);
const ROUNDS = 5;

const text = (round: number): Int32Array[] =>
  Array.from({ length: 2 }, (_, n) => Int32Array.from({ length: plan.sequenceTokens }, (_, t) => 97 + ((n + t * round) % 7)));

const engines: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
});

async function localEngine(onDeath: (error: Error) => void): Promise<LocalEngine> {
  useTestDriver();
  const gpu = await createDawn(["enable-dawn-features=disable_workgroup_init"]);
  const engine = await LocalEngine.create({ gpu, plan, microBatchSequences: 1, onDeath });
  calmPolling(engine.device.gpu);
  return engine;
}

/** Some rounds of a run with one client; `before` is told of each call. What was sent, and the parameters' hash after each round. */
async function train(engine: Engine, before: (call: string) => void = () => undefined): Promise<string[]> {
  const sent: Uint8Array[] = [];
  const out: string[] = [];
  await engine.startEpoch();
  for (let round = 0; round < ROUNDS; round++) {
    const result = sent[round - 2];
    const begin: BeginRound = {
      results: result ? [result] : [],
      applyLearningRate: result ? learningRate : null,
      decayLearningRate: learningRate,
      pipeline: "overlapped",
      lookaheadLearningRate: round > 0 ? learningRate : null,
    };
    before(`begin ${round}`);
    await engine.beginRound(begin);
    before(`train ${round}`);
    const { payload, residualRoot } = await engine.train({ sequences: text(round), learningRate });
    sent.push(payload);
    before(`hash ${round}`);
    out.push(`${toHex(payload)} ${toHex(residualRoot)} ${toHex(await engine.parameterHash())}`);
    // the network's turn: copies are taken now
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  return out;
}

describe("ResilientEngine", () => {
  it("answers every call with the bits of an engine that was never disturbed, though its device is destroyed again and again", async () => {
    const undisturbed = await localEngine(() => undefined);
    engines.push(undisturbed);
    const expected = await train(undisturbed);

    const started: LocalEngine[] = [];
    const warnings: string[] = [];
    const resets: string[] = [];
    const engine = await ResilientEngine.create({
      start: async (onDeath) => {
        started.push(await localEngine(onDeath));
        return started.at(-1)!;
      },
      onWarning: (message) => warnings.push(message),
      advice: "Look there.",
      copyEveryRounds: 2,
    });
    engine.onReset = (reason) => resets.push(reason);
    engines.push(engine);

    const deaths = ["train 1", "begin 3"]; // before the first copy; after one, while results are applied
    const actual = await train(engine, (call) => {
      if (!deaths.includes(call)) return;
      // in the middle of the call's work: what is submitted next is never done
      const { gpu } = started.at(-1)!.device;
      const submit = gpu.queue.submit.bind(gpu.queue);
      let submits = 0;
      gpu.queue.submit = (buffers) => {
        submit(buffers);
        if (++submits === 2) gpu.destroy();
      };
    });
    expect(started).toHaveLength(1 + deaths.length);
    expect(actual).toEqual(expected);
    expect(resets).toEqual([]);
    expect(warnings.filter((w) => w.includes("nothing is lost"))).toHaveLength(deaths.length);
    const { copies, bytes, milliseconds } = engine.copyFigures;
    expect(copies).toBeGreaterThanOrEqual(1);
    // a call's own error is handed on, and nothing is made again
    const short = [new Int32Array(plan.sequenceTokens - 1)];
    await expect(engine.train({ sequences: short, learningRate })).rejects.toMatchObject({ code: "bad-sequence" });
    expect(await engine.parameterHash()).toHaveLength(32);
    expect(engine.copyFigures.restored).toBe(deaths.length);
    // master, residual, and what is owed
    const elements = plan.layouts.reduce((sum, layout) => sum + layout.elements, 0);
    expect(bytes).toBeGreaterThan(8 * elements);
    console.log(`a copy of ${elements} parameters: ${bytes} bytes in ${milliseconds.toFixed(1)} ms`);
  });
});
