/** A local testnet whose clients are killed at random, and whose coordinator is killed once: its supervision keeps the run going. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { processesWith, REPOSITORY, starling, type Running } from "./src/processes.ts";

const CLIENTS = 4;
const KILLS = 3;
/** on two cores that others use too; a stop for a run that hangs */
const LIMIT_MS = 200_000;

let cwd: string;
let run: Running | null = null;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "starling-rolling-"));
});
afterEach(async () => {
  run?.process.kill("SIGTERM");
  await run?.ended;
  rmSync(cwd, { recursive: true, force: true });
});

it(
  `random kills of ${KILLS} clients and one of the coordinator: nobody is ejected, hashes are equal`,
  { timeout: 4 * LIMIT_MS },
  async () => {
    const config = ["--config-path", join(REPOSITORY, "config/runs/test"), "--num-clients", String(CLIENTS), "--server-port", "0"];
    // two are left alone: on a busy machine a client may be killed again before it is up
    const kills = ["--random-kill-num", "1", "--random-kill-interval", "8", "--allowed-to-kill", "1,2", "--fault-seed", "3"];
    const testnet = (run = starling(
      ["local-testnet", "start", ...config, ...kills, "--events-dir", join(cwd, "events"), "--logs", "console"],
      { cwd },
    ));
    await testnet.line((line) => /round 3\//.test(line), LIMIT_MS);

    process.kill(await coordinatorBelow(cwd), "SIGKILL");
    await testnet.line((line) => /server is started again in 1 s/.test(line), 10_000);
    await testnet.line((line) => /the coordinator is back/.test(line), LIMIT_MS);
    const killed = () => testnet.stdout.filter((line) => line.includes("--random-kill-num")).length;
    const deadlineMs = performance.now() + LIMIT_MS;
    const until = async (test: () => boolean) => {
      while (!test() && performance.now() < deadlineMs) await sleep(200);
    };
    await until(() => killed() >= KILLS);
    // and an epoch is agreed after all that
    const before = hashes(cwd, "epochModel").size;
    await until(() => hashes(cwd, "epochModel").size >= before + 2);
    testnet.process.kill("SIGINT");
    const { code } = await testnet.ended;
    const said = [...testnet.stdout, ...testnet.stderr].join("\n");
    expect(code, said).toBe(0);

    const epochs = hashes(cwd, "epochModel");
    const rounds = hashes(cwd, "parameterHash");
    console.log(`${killed()} clients and the coordinator killed: ${rounds.size} rounds, ${epochs.size} epochs agreed`);
    expect(killed()).toBeGreaterThanOrEqual(KILLS);
    expect(epochs.size, said).toBeGreaterThanOrEqual(before + 2);
    for (const [step, values] of [...rounds, ...epochs]) expect(values.size, `step ${step}: ${[...values]}`).toBe(1);
    expect(said).not.toMatch(/ejected/);
    expect(await processesWith(cwd)).toEqual([]);
  },
);

async function coordinatorBelow(folder: string): Promise<number> {
  const pids = await processesWith(folder);
  const found = pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("--save-state-dir"));
  return found!;
}

/** What the clients told of type `type`: by step, the different hashes. */
function hashes(folder: string, type: "parameterHash" | "epochModel"): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  const events = join(folder, "events");
  for (const node of readdirSync(events)) {
    for (const file of readdirSync(join(events, node))) {
      for (const line of readFileSync(join(events, node, file), "utf8").split("\n")) {
        if (!line.includes(`"type":"${type}"`) || !line.endsWith("}")) continue;
        const { event } = JSON.parse(line) as { event: { step: number; parameterHash: string } };
        found.set(event.step, (found.get(event.step) ?? new Set()).add(event.parameterHash));
      }
    }
  }
  return found;
}
