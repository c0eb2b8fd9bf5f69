/**
 * Bad input beside a running run: what an operator types wrong ends with its exit code and a sentence that says what to do, a full disk
 * is told and tried again each epoch, and the run trains on through all of it.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROKEN_RULES } from "./src/badConfigs.ts";
import { LiveRun } from "./src/liveRun.ts";
import { follow, REPOSITORY, type Running } from "./src/processes.ts";

const MAIN = join(REPOSITORY, "node-host/src/main.ts");
/** on two cores that others use too; a stop for a run that hangs */
const LIMIT_MS = 300_000;
const TMPFS_BYTES = 4 * 2 ** 20;
/** A checkpoint of the `test` model has 103 KB. */
const LEFT_BYTES = 40 * 1024;

const mountable = process.getuid?.() === 0 && process.platform === "linux";

describe("a run of two clients", () => {
  const run = new LiveRun({
    clients: 2,
    config: { rounds_per_epoch: 6, warmup_time: 30, cooldown_time: 0.2, max_round_train_time: 15, round_witness_time: 15 },
  });
  let taken: Server;
  let mounted: string | null = null;
  let ballast: string;

  beforeAll(async () => {
    // reads, so that a connection which its client gives up ends here too, and closing does not wait for it
    taken = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    if (mountable) mountFull(run.checkpoints(1));
    await run.start();
    await run.until("an epoch of both ends agreed", LIMIT_MS, () => run.clients.every((node) => node.told("epochModel").length > 0));
  }, 2 * LIMIT_MS);
  afterAll(async () => {
    await run.stop().catch(() => undefined);
    if (mounted !== null) spawnSync("umount", ["-l", mounted]);
    rmSync(run.folder, { recursive: true, force: true });
    await new Promise((resolve) => taken.close(resolve));
  });

  function mountFull(folder: string): void {
    mkdirSync(folder, { recursive: true });
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${TMPFS_BYTES}`, "tmpfs", folder]);
    if (status !== 0) return;
    mounted = folder;
    ballast = join(folder, "ballast");
    writeFileSync(ballast, new Uint8Array(TMPFS_BYTES - LEFT_BYTES));
  }

  const broken = (name: string, toml: string): string => {
    const path = join(run.folder, name);
    writeFileSync(path, toml);
    return path;
  };
  const tcp = (): string => (run.server.of("listening")[0]["multiaddrs"] as string[]).find((address) => !address.includes("/ws"))!;
  const port = (): string => String((taken.address() as { port: number }).port);
  const DATA = ["--data-dir", join(REPOSITORY, "config/runs/test")];

  describe("what an operator gets wrong ends with its exit code and what to do", () => {
    const rows: readonly [name: string, make: () => { args: string[]; env?: Record<string, string> }, code: number, says: RegExp][] = [
      [
        "a config that breaks a rule",
        () => ({ args: ["server", "--config-path", broken("bad.toml", BROKEN_RULES[0][2])] }),
        2,
        /warmup_time.*must be less than epoch_time/,
      ],
      [
        "a port in use",
        () => ({ args: ["server", "--config-path", run.folder, "--server-port", port()] }),
        1,
        /--server-port \d+ is in use by another program: choose another/,
      ],
      [
        "an unreadable identity file",
        () => ({ args: ["client", "--server-addr", tcp(), ...DATA, "--identity-secret-key-path", broken("garbled.id", "{")] }),
        1,
        /--identity-secret-key-path .*garbled\.id.*not JSON/,
      ],
      ["a wrong --server-addr", () => ({ args: ["client", "--server-addr", "rig0", ...DATA] }), 2, /--server-addr.*host:port/i],
      [
        "a --server-addr where something else listens",
        () => ({ args: ["client", "--server-addr", `127.0.0.1:${port()}`, ...DATA] }),
        4,
        /no coordinator|does not answer|nobody answers/i,
      ],
      [
        "a bad value in the environment",
        () => ({ args: ["client", "--server-addr", tcp(), ...DATA], env: { MICRO_BATCH_SIZE: "many" } }),
        2,
        /MICRO_BATCH_SIZE.*must be/,
      ],
      ["data that are not there", () => ({ args: ["client", "--server-addr", tcp(), "--data-dir", run.folder] }), 2, /data/],
    ];
    const started = new Map<string, Running>();

    // All at once: one of them tries for 30 s.
    beforeAll(() => {
      for (const [name, make] of rows) {
        const { args, env } = make();
        const command = ["--disable-warning=ExperimentalWarning", MAIN, ...args, "--logs", "console"];
        const stdio = ["ignore", "pipe", "pipe"] as const;
        started.set(
          name,
          follow(spawn(process.execPath, command, { cwd: run.folder, env: { ...process.env, ...env }, stdio: [...stdio] })),
        );
      }
    });

    it.each(rows)("%s", { timeout: LIMIT_MS }, async (name, _make, code, says) => {
      const running = started.get(name)!;
      const ended = await running.ended;
      const said = [...running.stdout, ...running.stderr].join("\n");
      expect(ended.code, said).toBe(code);
      expect(said).toMatch(says);
      expect(said).not.toMatch(/^\s+at .*\.(ts|js):\d+/m);
    });
  });

  it("a full disk of 4 MB: told, tried again each epoch, and training goes on", { timeout: 3 * LIMIT_MS }, async (context) => {
    if (mounted === null) context.skip("only root may mount a tmpfs");
    const failures = (): number[] =>
      run.client(1).told("error").filter(({ action }) => action === "save the checkpoint").map(({ atMs }) => atMs); // prettier-ignore
    await run.until("the second epoch's checkpoint fails too", 2 * LIMIT_MS, () => failures().length >= 2);
    const [error] = run.client(1).told("error").filter(({ action }) => action === "save the checkpoint"); // prettier-ignore
    expect(error["message"]).toMatch(/full|space/i);
    expect(readdirSync(mounted!).filter((name) => name !== "ballast" && !name.startsWith("."))).toEqual([]);
    // the other client has its own disk
    expect(run.client(2).of("saved").length + run.client(2).told("saved").length).toBeGreaterThan(0);
    rmSync(ballast);
    await run.until("with room again, a checkpoint", LIMIT_MS, () => readdirSync(mounted!).some((name) => /^test-step\d+$/.test(name)));
  });

  it("and the run was not disturbed", async () => {
    const epochs = new Set(run.clients.flatMap((node) => node.told("epochModel").map(({ epoch }) => epoch)));
    expect(epochs.size).toBeGreaterThan(1);
    expect(run.equalSteps().different).toEqual([]);
    for (const node of [run.server, ...run.clients]) expect(node.ended).toBe(false);
    for (const client of run.clients) expect(client.told("stranded")).toEqual([]);
    expect(run.server.of("member").filter(({ change }) => change !== "joined")).toEqual([]);
  });
});
