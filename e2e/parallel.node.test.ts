/** A run of two members that spread the model over devices differently: after every round both hold the same parameters. */
import { afterEach, expect, it } from "vitest";
import { LiveRun } from "./src/liveRun.ts";

/** on two cores that others use too; a stop for a run that hangs */
const LIMIT_MS = 400_000;
const ROUNDS = 3;

let run: LiveRun | null = null;
afterEach(() => run?.stop());

it("two devices side by side and two that share the model train one run with equal hashes", { timeout: 2 * LIMIT_MS }, async () => {
  run = new LiveRun({ clients: 2, config: {} });
  await run.startServer();
  run.startClient(1, ["--data-parallelism", "2", "--micro-batch-size", "1"]);
  run.startClient(2, ["--tensor-parallelism", "2", "--adapter", "0"]);
  const { clients } = run;
  const trained = () => clients.map((client) => client.told("trained").filter(({ loss }) => loss !== null).length);
  await run.until(`both have trained ${ROUNDS} rounds`, LIMIT_MS, () => Math.min(...trained()) >= ROUNDS);
  await run.until(`${ROUNDS} rounds of equal hashes`, LIMIT_MS, () => run!.equalSteps().steps.length >= ROUNDS);
  expect(run.equalSteps().different).toEqual([]);
  for (const client of clients) expect(client.of("engine")[0]?.["adapter"]).toMatch(/^2 devices of /);
});
