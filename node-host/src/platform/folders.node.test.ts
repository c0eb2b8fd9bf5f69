import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { earlierRunFolder, makeFolder, makeWritableFolder } from "./folders.ts";
import { takeLock } from "./lockFile.ts";

describe("folders", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-folders-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("makes what is missing, twice if asked, and leaves nothing behind of its look", () => {
    const path = join(folder, "a", "b");
    makeWritableFolder(path, "--events-dir");
    makeWritableFolder(path, "--events-dir");
    expect(readdirSync(path)).toEqual([]);
  });

  it("names option, folder and reason when a file is in the way", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below")]) {
      expect(() => makeWritableFolder(path, "--checkpoint-dir")).toThrow(
        expect.objectContaining({
          code: "bad-option",
          message: expect.stringMatching(`^--checkpoint-dir: the folder ${path} cannot be made: `),
        }),
      );
    }
  });

  it("finds the newest earlier start of a run, or the one named, and says when there is none", () => {
    for (const time of ["2026-01-02T03-04-05", "2026-01-10T00-00-00", "notes"])
      mkdirSync(join(folder, "test", time, "checkpoints"), { recursive: true });
    expect(earlierRunFolder("test", "latest", folder)).toBe(join(folder, "test", "2026-01-10T00-00-00"));
    const older = join(folder, "test", "2026-01-02T03-04-05");
    expect(earlierRunFolder("test", older, folder)).toBe(older);
    const lock = takeLock(join(older, "server.key"));
    expect(() => earlierRunFolder("test", older, folder)).toThrow(
      new RegExp(`still goes on \\(its coordinator is process ${process.pid}\\)`),
    );
    if ("release" in lock) lock.release();
    expect(() => earlierRunFolder("other", "latest", folder)).toThrow(/--resume latest: no earlier start of run other/);
    expect(() => earlierRunFolder("test", folder, folder)).toThrow(/--resume .*is no folder of an earlier start/);
  });

  it.runIf(existsSync("/proc/self"))("does not hang where the system takes no new folders", () => {
    expect(() => makeFolder("/proc/starling/x")).toThrow(/cannot be made: ENOENT/);
  });
});
