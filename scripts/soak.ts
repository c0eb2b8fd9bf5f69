/**
 * `npm run soak`: 10,000 simulated epochs, with `--hours H` as many more as fit, on every core (`--demo`: soakDemo.ts;
 * `--histories`: soakHistories.ts). A seed that breaks an invariant ends it with exit code 1 and the command that replays it.
 */
import { defineOptions, helpText, parseOptions } from "@starling/config";
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runMain } from "./runMain.ts";
import { soakDemo } from "./soakDemo.ts";
import { soakHistories } from "./soakHistories.ts";
import { failureText, replayCommand, Totals } from "../trainer-core/test/sim/report.ts";
import type { SeedOutcome } from "../trainer-core/test/sim/seedRun.ts";

const options = defineOptions({
  seed: { type: "integer", unit: "", min: 1, max: 2 ** 30, default: 1, env: null, doc: "First seed." },
  epochs: {
    type: "integer",
    unit: "epochs",
    min: 2,
    max: 1_000_000_000,
    default: 10_000,
    env: null,
    doc: "At least so many, over all seeds.",
  },
  hours: { type: "number", unit: "hours", min: 0, max: 10_000, default: 0, env: null, doc: "Go on with further seeds for so long." },
  demo: {
    type: "boolean",
    default: false,
    env: null,
    doc: "Instead of the simulator the demo at test size, in processes, for --hours (0: two): does memory stand still?",
  },
  clients: { type: "integer", unit: "clients", min: 2, max: 32, default: 3, env: null, doc: "Of --demo." },
  histories: {
    type: "integer",
    unit: "histories",
    min: 0,
    max: 2 ** 30,
    default: 0,
    env: null,
    doc: "Instead of the simulator so many random histories of the state machine, native against wasm.",
  },
  onChain: { type: "boolean", default: false, env: null, doc: "Of --histories: native against the Solana program in LiteSVM." },
  folder: { type: "string", unit: "path", minBytes: 1, default: ".starling/soak", env: null, doc: "Of --demo: samples, events, log." },
  workers: { type: "integer", unit: "processes", min: 1, max: 256, optional: true, env: null, doc: "Left out: one for each core." },
});

const epochsOfSeed = 10;
const seedsOfWorker = 10;
const progressMs = 10_000;

class Soak {
  readonly totals = new Totals();
  readonly #workers = new Set<ChildProcess>();
  readonly #isEnough: () => boolean;
  #next: number;
  #failure: string | null = null;

  constructor(firstSeed: number, isEnough: (totals: Totals) => boolean) {
    this.#next = firstSeed;
    this.#isEnough = () => isEnough(this.totals);
  }

  /** Null, or what broke. */
  async run(workers: number): Promise<string | null> {
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
    return this.#failure;
  }

  stop(): void {
    this.#fail("stopped");
  }

  async #work(): Promise<void> {
    while (this.#failure === null && !this.#isEnough()) {
      const first = this.#next;
      this.#next += seedsOfWorker;
      await this.#runSeeds(first);
    }
  }

  /** In a process of its own, which begins with empty caches. */
  async #runSeeds(first: number): Promise<void> {
    const args = ["--seed", first, "--seeds", seedsOfWorker, "--epochs", epochsOfSeed, "--json"].map(String);
    const child = spawn(process.execPath, [join(import.meta.dirname, "sim.ts"), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#workers.add(child);
    let running = first;
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-8_000)));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    for await (const line of createInterface({ input: child.stdout })) {
      const outcome = JSON.parse(line) as SeedOutcome;
      running = outcome.seed + 1;
      this.totals.add(outcome);
      if (outcome.violation !== null) this.#fail(failureText(outcome, { epochs: epochsOfSeed }));
    }
    const code = await ended;
    this.#workers.delete(child);
    if (code !== 0) {
      const replay = replayCommand({ seed: running }, { epochs: epochsOfSeed });
      this.#fail(`seed ${running}: its process ended with ${code}\n${errors}\nreplay: ${replay}`);
    }
  }

  #fail(text: string): void {
    this.#failure ??= text;
    for (const worker of this.#workers) worker.kill();
  }
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes("--help")) {
    console.log(`npm run soak -- [options]\n\nSimulated runs, seed after seed.\n\n${helpText(options)}`);
    return 0;
  }
  const { seed, epochs, hours, workers = availableParallelism(), demo, clients, folder, histories, onChain } = parseOptions(options, argv);
  if (histories > 0) return soakHistories(seed, histories, onChain);
  if (demo) return soakDemo({ hours: hours === 0 ? 2 : hours, clients, folder });
  const beganMs = performance.now();
  const isTimeUp = (): boolean => performance.now() - beganMs >= hours * 3_600_000;
  console.log(`seeds from ${seed} on, ${epochs} epochs${hours > 0 ? ` and ${hours} h` : ""}, ${workers} processes`);
  const soak = new Soak(seed, ({ sums }) => sums.epochs >= epochs && isTimeUp());
  const progress = setInterval(() => {
    const { sums, seeds } = soak.totals;
    const minutes = (performance.now() - beganMs) / 60_000;
    console.log(
      `${minutes.toFixed(1)} min: ${seeds} seeds, ${sums.epochs} epochs, ${(sums.virtualMs / 3_600_000).toFixed(1)} virtual hours`,
    );
  }, progressMs);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => soak.stop());
  const failure = await soak.run(workers);
  clearInterval(progress);
  console.log(soak.totals.table());
  if (failure === null) return 0;
  console.log(failure);
  return 1;
}

runMain("soak", main);
