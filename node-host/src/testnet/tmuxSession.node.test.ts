import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { TmuxSession } from "./tmuxSession.ts";

const isHere = spawnSync("tmux", ["-V"]).status === 0;
if (!isHere) console.warn("tmux windows are not tested: there is no tmux here");

describe("TmuxSession without tmux", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("says what to do", async () => {
    vi.stubEnv("PATH", "/nowhere");
    await expect(TmuxSession.open("test", [{ name: "server", logFile: "x" }])).rejects.toThrow(/no tmux here.*apt-get install tmux/);
  });
});

describe.skipIf(!isHere)("TmuxSession", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-tmux-"));
    // a tmux server of its own: nobody's sessions are seen or touched
    vi.stubEnv("TMUX_TMPDIR", folder);
    vi.stubEnv("TMUX", undefined);
    vi.stubEnv("TERM", "xterm-256color");
  });
  afterAll(() => {
    spawnSync("tmux", ["kill-server"], { env: process.env });
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  const tmux = (...args: string[]) => execFileSync("tmux", args, { encoding: "utf8" });

  it("shows each process's events in a window of its own, and closes with the run", { timeout: 60_000 }, async () => {
    const watched = ["server", "client-1"].map((name) => ({ name, logFile: join(folder, `it's ${name}.log`) }));
    const session = await TmuxSession.open("my.run", watched);
    expect(session.name).toBe("starling-my-run");
    expect(session.attach).toBe("tmux attach -t starling-my-run");
    expect(tmux("list-windows", "-t", session.name, "-F", "#{window_name}").trim().split("\n")).toEqual(["server", "client-1"]);

    appendFileSync(
      watched[1]!.logFile,
      `${JSON.stringify({ type: "starting", peerId: "ab".repeat(32), multiaddrs: [], runId: "my.run", parameters: 5 })}\n`,
    );
    await vi.waitFor(() => expect(tmux("capture-pane", "-p", "-t", `${session.name}:client-1`)).toContain("client · my.run"), {
      timeout: 50_000,
      interval: 300,
    });

    const second = await TmuxSession.open("my.run", watched.slice(0, 1));
    expect(second.name).toBe("starling-my-run-2");
    await session.close();
    expect(tmux("list-sessions", "-F", "#{session_name}").trim()).toBe("starling-my-run-2");
    await second.close();
  });
});
