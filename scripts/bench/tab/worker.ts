/** A tab's engine that runs the bench's rounds; made as the page's trainer makes it, but that nothing is cut: Node's must compute the same. */
import { LocalEngine } from "@starling/trainer-core/train/localEngine";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import type { FromBenchWorker, ToBenchWorker } from "./messages.ts";
import { BenchRounds } from "./rounds.ts";

const tell = (message: FromBenchWorker): void => self.postMessage(message);
let engine: LocalEngine;
let bench: BenchRounds;

async function answer(request: ToBenchWorker): Promise<void> {
  switch (request.type) {
    case "create": {
      const { runConfig, profile, microBatchSequences, portionMs, clients } = request;
      const plan = runPlan(runConfig);
      engine = await LocalEngine.create({
        gpu: navigator.gpu,
        plan,
        profile,
        microBatchSequences,
        ...(portionMs !== null && { portionMs }),
        onDeath: ({ message }) => tell({ type: "failed", message }),
      });
      bench = new BenchRounds(engine, plan, clients);
      const { adapter, compileMs: createMs, longestDispatch, microBatchSequences: taken } = engine;
      return tell({ type: "created", adapter, createMs, longestDispatch, microBatchSequences: taken });
    }
    case "run": {
      const { pacer } = engine.device;
      pacer?.takeLongestMs();
      const ran = await bench.run(request.rounds);
      return tell({ type: "ran", ...ran, longestPortionMs: pacer?.takeLongestMs() ?? 0 });
    }
  }
}

self.addEventListener("message", ({ data }: MessageEvent<ToBenchWorker>) => {
  answer(data).catch((error: Error) => tell({ type: "failed", message: error.message }));
});
