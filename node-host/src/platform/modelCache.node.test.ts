import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileModelCache } from "./modelCache.ts";

describe("fileModelCache", () => {
  const [one, two] = ["11".repeat(32), "22".repeat(32)];
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-cache-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("gives back what was saved, to a later process too, and null for what was not", async () => {
    await fileModelCache(join(folder, "cache"), 1000).save(one, 3, bytes);
    const cache = fileModelCache(join(folder, "cache"), 1000);
    expect(await cache.load(one, 3)).toEqual(bytes);
    expect(await cache.load(one, 4)).toBe(null);
    expect(await cache.load(two, 3)).toBe(null);
  });

  it("forgets other models, and nothing that it did not make", async () => {
    const cache = fileModelCache(folder, 1000);
    mkdirSync(join(folder, "notes"));
    await cache.clear(null);
    await cache.save(one, 0, bytes);
    await cache.save(two, 0, bytes);
    await cache.clear(two);
    expect(readdirSync(folder).sort()).toEqual([two, "notes"]);
    await cache.clear(null);
    expect(readdirSync(folder)).toEqual(["notes"]);
  });

  it("reads no file that is larger than any tensor, and takes no hash for a path", async () => {
    const cache = fileModelCache(folder, 1000);
    await cache.save(one, 0, bytes);
    truncateSync(join(folder, one, "0.f32"), 1 << 30);
    expect(await cache.load(one, 0)).toBe(null);
    await expect(cache.save("../../x", 0, bytes)).rejects.toThrow(/64 hex digits/);
  });

  it("rejects when it cannot write, and leaves no half of a file", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(fileModelCache(join(folder, "file"), 1000).save(one, 0, bytes)).rejects.toThrow(/ENOTDIR/);
    const cache = fileModelCache(folder, 1000);
    mkdirSync(join(folder, one, "0.f32", "in the way"), { recursive: true });
    await expect(cache.save(one, 0, bytes)).rejects.toThrow();
    expect(existsSync(join(folder, one, "0.new"))).toBe(false);
  });
});
