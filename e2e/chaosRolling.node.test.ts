/** A local testnet whose clients are killed at random, and whose coordinator is killed once: its supervision keeps the run going. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { processesWith, REPOSITORY, starling } from "./src/processes.ts";

const SECONDS = 50;

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "starling-rolling-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

it(
  `${SECONDS} s of random kills, the coordinator's among them: nobody is ejected, hashes are equal at the end`,
  { timeout: (SECONDS + 120) * 1000 },
  async () => {
    const options = [
      "--num-clients",
      "4",
      "--random-kill-num",
      "1",
      "--random-kill-interval",
      "12",
      "--fault-seed",
      "3",
      "--server-port",
      "0",
    ];
    const run = starling(
      [
        "local-testnet",
        "start",
        "--config-path",
        join(REPOSITORY, "config/runs/test"),
        "--headless",
        "--headless-exit-after-secs",
        String(SECONDS),
        ...options,
      ],
      { cwd },
    );
    await run.line((line) => /round 3\//.test(line), SECONDS * 1000);
    const coordinator = (
      await Promise.all(
        (await processesWith(cwd)).map(async (pid) => ({ pid, words: (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0") })),
      )
    ).find(({ words }) => words.includes("--save-state-dir"))!;
    process.kill(coordinator.pid, "SIGKILL");
    await run.line((line) => /server is started again in 1 s/.test(line), 10_000);
    await run.line((line) => /the coordinator is back/.test(line), 30_000);
    const { code } = await run.ended;
    const said = run.stderr.join("\n");
    expect(code, said).toBe(0);
    const kills = run.stderr.filter((line) => line.includes("--random-kill-num")).length;
    const result = JSON.parse(run.stdout[0]) as {
      rounds: number;
      lossFirst: number;
      lossLast: number;
      parameterHashes: Record<string, string>;
    };
    console.log(
      `${kills} clients and the coordinator killed in ${SECONDS} s: ${result.rounds} rounds, loss ${result.lossFirst.toFixed(2)} to ${result.lossLast.toFixed(2)}`,
    );
    expect(kills).toBeGreaterThanOrEqual(2);
    expect(said).not.toMatch(/ejected/);
    expect(Object.keys(result.parameterHashes).length).toBeGreaterThanOrEqual(2);
    expect(new Set(Object.values(result.parameterHashes)).size).toBe(1);
    expect(result.lossLast).toBeLessThan(result.lossFirst);
    expect(await processesWith(cwd)).toEqual([]);
  },
);
