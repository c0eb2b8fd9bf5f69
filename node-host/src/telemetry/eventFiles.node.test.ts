import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { EventFiles, sortEventFiles, type EventFilesOptions } from "./eventFiles.ts";
import { noStats, readEvents, type StoredEvent } from "./readEvents.ts";

const warning = (number: number, length = 10): HostEvent => ({ type: "warning", message: `${number} `.padEnd(length, "x") });

describe("event files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-events-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const make = (options: Partial<EventFilesOptions> = {}) =>
    new EventFiles({
      folder: join(folder, "rig"),
      node: "rig",
      maxFileBytes: 1 << 24,
      keepFiles: 8,
      onTrouble: (sentence) => expect.fail(sentence),
      ...options,
    });
  const read = async (stats = noStats()): Promise<StoredEvent[]> => Array.fromAsync(readEvents([folder], { stats }));

  it("come back in their order, with time, sequence and node", async () => {
    const files = make();
    for (let n = 1; n <= 1000; n++) files.write(warning(n));
    await files.close();
    const events = await read();
    expect(events.map((e) => e.seq)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
    expect(events[999]).toMatchObject({ node: "rig", type: "warning", message: expect.stringMatching(/^1000 /) });
    expect(Math.abs(events[0].atMs - Date.now())).toBeLessThan(60_000);
  });

  it("are cut at their size, and only the newest are kept, those of earlier starts included", async () => {
    for (let start = 0; start < 2; start++) {
      const files = make({ maxFileBytes: 2000, keepFiles: 3 });
      for (let n = 0; n < 40; n++) files.write(warning(n, 300));
      await files.close();
    }
    const names = readdirSync(join(folder, "rig"));
    expect(names).toHaveLength(3);
    for (const name of names) expect(statSync(join(folder, "rig", name)).size).toBeLessThanOrEqual(2000);
    const stats = noStats();
    const events = await read(stats);
    expect(events.at(-1)).toMatchObject({ seq: 40 });
    expect(stats.damaged).toBe(0);
  });

  it("keep everything but the last moment when the process is killed", async () => {
    const module = new URL("./eventFiles.ts", import.meta.url).href;
    const script = `import { EventFiles } from ${JSON.stringify(module)};
      const files = new EventFiles({ folder: ${JSON.stringify(join(folder, "rig"))}, node: "rig", maxFileBytes: 1e7, keepFiles: 8, onTrouble() {} });
      let n = 0;
      setInterval(() => { files.write({ type: "warning", message: "x" }); process.stdout.write(++n + "\\n"); }, 5);`;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = 0;
    const exited = new Promise((resolve) => child.once("close", resolve));
    child.stdout.on("data", (chunk: Buffer) => {
      said = Number(chunk.toString().trim().split("\n").at(-1));
      if (said >= 250) child.kill("SIGKILL");
    });
    await exited;
    const events = await read();
    // 1 s of 5 ms events
    expect(events.length).toBeGreaterThan(said - 200);
  });

  it("are complete when the process exits by itself", async () => {
    const module = new URL("./eventFiles.ts", import.meta.url).href;
    const script = `import { EventFiles } from ${JSON.stringify(module)};
      const files = new EventFiles({ folder: ${JSON.stringify(join(folder, "rig"))}, node: "rig", maxFileBytes: 1e7, keepFiles: 8, onTrouble() {} });
      for (let n = 0; n < 50; n++) files.write({ type: "warning", message: "x" });
      setTimeout(() => { for (let n = 0; n < 50; n++) files.write({ type: "warning", message: "x" }); process.exit(0); }, 300);`;
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script]);
    expect((await read()).map((e) => e.seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it("skip and count damaged lines, lines without end, and gaps", async () => {
    const files = make();
    for (let n = 1; n <= 3; n++) files.write(warning(n));
    await files.close();
    const [name] = readdirSync(join(folder, "rig"));
    const path = join(folder, "rig", name);
    appendFileSync(path, "not json\n\n[]\n{}\n");
    appendFileSync(path, `${"y".repeat(3 << 20)}\n`);
    appendFileSync(path, `${JSON.stringify({ atMs: 1, seq: 9, node: "rig", ...warning(9) })}\n`);
    appendFileSync(path, '{"atMs":1,"seq":10,"no');
    const stats = noStats();
    expect((await read(stats)).map((e) => e.seq)).toEqual([1, 2, 3, 9]);
    expect(stats).toMatchObject({ files: 1, events: 4, damaged: 5, missing: 5 });
  });

  it("are sorted by start and number, not by name", () => {
    expect(sortEventFiles(["events-9-1.jsonl", "x", "events-10-2.jsonl", "events-10-10.jsonl", "events-10-1.jsonl.gz"])).toEqual([
      "events-9-1.jsonl",
      "events-10-2.jsonl",
      "events-10-10.jsonl",
    ]);
  });

  it.skipIf(process.getuid?.() !== 0)("a full disk is said once, events are counted, and writing goes on when there is room", async () => {
    const disk = join(folder, "rig");
    execFileSync("mkdir", [disk]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "none", disk]);
    try {
      writeFileSync(join(disk, "ballast"), new Uint8Array(200 * 1024));
      const said: string[] = [];
      const recovered: HostEvent[] = [];
      const files = make({ onTrouble: (sentence) => said.push(sentence), onRecovered: (event) => recovered.push(event) });
      // 6 MiB: more than the disk and the buffer hold
      for (let n = 0; n < 600; n++) files.write(warning(n, 10 * 1024));
      const wait = async (until: () => boolean) => {
        for (let tries = 0; tries < 100 && !until(); tries++) await new Promise((r) => setTimeout(r, 50));
        expect(until()).toBe(true);
      };
      await wait(() => said.length > 0);
      expect(said[0]).toMatch(/not written to .*ENOSPC/);
      const { dropped } = files;
      expect(dropped).toBeGreaterThan(100);
      execFileSync("mount", ["-o", "remount,size=32m", disk]);
      unlinkSync(join(disk, "ballast"));
      await wait(() => recovered.length > 0);
      expect(recovered[0]).toMatchObject({ type: "events-dropped", events: dropped });
      await files.close();
      const stats = noStats();
      const events = await read(stats);
      expect(said).toHaveLength(1);
      expect(stats).toMatchObject({ damaged: 0, missing: dropped });
      expect(events.length).toBe(600 - dropped + 1);
      expect(events.at(-1)).toMatchObject({ type: "events-dropped" });
      expect(statSync(join(disk, readdirSync(disk)[0])).size).toBeGreaterThan(1 << 20);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
