/**
 * `npm run sim -- --seed S --epochs N`: whole runs on a virtual clock, with faults drawn from the seed (docs/simulator.md).
 * Exit code 1: an invariant broke, and the command that shows it again is printed.
 */
import { defineOptions, helpText, parseOptions } from "@starling/config";
import { failureText, replayCommand, Totals } from "../trainer-core/test/sim/report.ts";
import { scenarioOf } from "../trainer-core/test/sim/scenarios.ts";
import { runSeed } from "../trainer-core/test/sim/seedRun.ts";
import { runMain } from "./runMain.ts";

const options = defineOptions({
  seed: { type: "integer", unit: "", min: 1, max: 2 ** 31, optional: true, env: null, doc: "First seed. Left out: one from the clock." },
  seeds: { type: "integer", unit: "seeds", min: 1, max: 1_000_000, default: 1, env: null, doc: "Seeds to run, one after the other." },
  epochs: {
    type: "integer",
    unit: "epochs",
    min: 2,
    max: 100_000,
    default: 10,
    env: null,
    doc: "Epochs of a run of few clients. Larger runs are shorter: their work grows with the square of the clients.",
  },
  clients: { type: "integer", unit: "clients", min: 3, max: 256, optional: true, env: null, doc: "Left out: drawn from the seed." },
  json: { type: "boolean", default: false, env: null, doc: "One JSON object a line, for each seed, instead of text." },
});

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes("--help")) {
    console.log(
      `npm run sim -- [options]\n\nRuns of the real round client, machine and protocol on a virtual clock.\n\n${helpText(options)}`,
    );
    return 0;
  }
  const { seeds, epochs, clients, json, ...given } = parseOptions(options, argv);
  const first = given.seed ?? 1 + (Date.now() % 1_000_000);
  const say = (text: string): void => void (json || console.log(text));
  const totals = new Totals();
  for (let seed = first; seed < first + seeds; seed++) {
    const replay = replayCommand({ seed }, { epochs, clients });
    const onRejection = (error: unknown): void => {
      console.error(`seed ${seed}: a promise was rejected and nobody heard: ${error instanceof Error ? error.stack : String(error)}`);
      console.error(`replay: ${replay}`);
      process.exit(1);
    };
    process.on("unhandledRejection", onRejection);
    const scenario = scenarioOf(seed, { epochs, clients });
    const { adversaries, pipeline } = scenario;
    say(`seed ${seed}: ${scenario.clients} clients, ${pipeline}, dishonest: ${adversaries.join(", ") || "none"}; ${replay}`);
    const outcome = await runSeed(scenario, { onEpoch: seeds === 1 ? say : undefined });
    process.off("unhandledRejection", onRejection);
    totals.add(outcome);
    if (json) console.log(JSON.stringify(outcome));
    if (outcome.violation !== null) {
      say(failureText(outcome, { epochs, clients }));
      return 1;
    }
  }
  say(totals.table());
  return 0;
}

runMain("sim", main);
