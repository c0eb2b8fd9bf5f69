import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStateFolder, statePath, type StateFolder, type TakeLock } from "./stateFolder.node.ts";

describe("openStateFolder", () => {
  let parent: string;
  let dir: string;
  const held = new Set<string>();
  const takeLock: TakeLock = (path) => {
    if (held.has(path)) return { heldBy: 4711 };
    held.add(path);
    return { release: () => void held.delete(path) };
  };
  const open = (runId = "run"): Promise<StateFolder> => openStateFolder(dir, runId, { takeLock });

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "starling-folder-"));
    dir = join(parent, "made", "when", "missing");
    held.clear();
  });
  afterEach(() => rm(parent, { recursive: true }));

  it("gives the same network key at every start, which nobody else can read", async () => {
    const first = await open();
    first.close();
    const second = await open("another run");
    expect(second.networkSeed).toEqual(first.networkSeed);
    expect(second.networkSeed).toHaveLength(32);
    expect((await stat(join(dir, "server.key"))).mode & 0o777).toBe(0o600);
  });

  it("is for one server at a time, and free again after it", async () => {
    const first = await open();
    await expect(open("another run")).rejects.toMatchObject({ code: "in-use", message: expect.stringContaining("4711") });
    first.close();
    (await open()).close();
    expect(held.size).toBe(0);
  });

  it("says what to do with a damaged key, and leaves it alone", async () => {
    (await open()).close();
    await writeFile(join(dir, "server.key"), "not a key");
    await expect(open()).rejects.toMatchObject({ code: "key-unreadable" });
    expect(await readFile(join(dir, "server.key"), "utf8")).toBe("not a key");
    expect(held.size).toBe(0);
  });

  it("says where it cannot be", async () => {
    await writeFile(join(parent, "made"), "a file");
    await expect(open()).rejects.toMatchObject({ code: "storage", message: expect.stringContaining(dir) });
  });

  it("keeps the state that was saved last, whole", async () => {
    const { store } = await open();
    expect(await store.load()).toBeNull();
    await store.save(new Uint8Array([1, 2, 3]));
    await store.save(new Uint8Array([4]));
    expect(await store.load()).toEqual(new Uint8Array([4]));
    expect((await readdir(dir)).sort()).toEqual(["run.state", "server.key"]);
    await rm(statePath(dir, "run"));
    expect(await store.load()).toBeNull();
  });
});
