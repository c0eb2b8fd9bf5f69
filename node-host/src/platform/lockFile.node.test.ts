import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockHolder, takeLock } from "./lockFile.ts";

const MODULE = new URL("./lockFile.ts", import.meta.url).href;

describe("takeLock", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-lock-"));
    path = join(folder, "rig.id");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Another process that takes the lock and keeps it; resolves to it and what it said. */
  async function other(): Promise<{ process: ReturnType<typeof spawn>; said: string }> {
    const code = `import(${JSON.stringify(MODULE)}).then(({ takeLock }) => {
      const lock = takeLock(${JSON.stringify(path)});
      console.log("heldBy" in lock ? lock.heldBy : "mine");
      setInterval(() => {}, 1000);
    })`;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(child.stdout!, "data")) as [Buffer];
    return { process: child, said: said.toString().trim() };
  }

  it("is held by one process at a time, and free again after its release", async () => {
    const lock = takeLock(path);
    expect(lock).toHaveProperty("release");
    expect(lockHolder(path)).toBe(process.pid);
    const refused = await other();
    refused.process.kill("SIGKILL");
    expect(refused.said).toBe(String(process.pid));
    if ("release" in lock) lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a killed process is taken over, that of a living one is not", async () => {
    const first = await other();
    expect(first.said).toBe("mine");
    expect(takeLock(path)).toEqual({ heldBy: first.process.pid });
    first.process.kill("SIGKILL");
    await once(first.process, "exit");
    expect(existsSync(`${path}.lock`)).toBe(true);
    expect(lockHolder(path)).toBe(null);
    expect(takeLock(path)).toHaveProperty("release");
  });

  it("does not count when its process number was given to another process since", () => {
    writeFileSync(`${path}.lock`, `${process.ppid} 1`);
    expect(takeLock(path)).toHaveProperty("release");
    expect(readFileSync(`${path}.lock`, "utf8")).toMatch(new RegExp(`^${process.pid} `));
  });

  it.each(["", "hello", "-1 5", "999999999 1"])("that says %j is nobody's", (text) => {
    writeFileSync(`${path}.lock`, text);
    expect(takeLock(path)).toHaveProperty("release");
  });
});
