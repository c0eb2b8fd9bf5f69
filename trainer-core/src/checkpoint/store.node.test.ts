import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { directoryFiles } from "./directoryFiles.node.ts";
import { directoryStore } from "./store.node.ts";
import { testCheckpoint, testModel } from "./testCheckpoint.ts";

const root = await mkdtemp(join(tmpdir(), "starling-checkpoints-"));
afterAll(() => rm(root, { recursive: true }));
const fresh = (): Promise<string> => mkdtemp(join(root, "case-"));

describe("checkpoints in a directory", () => {
  test("save, list, load; the newest are kept", async () => {
    const directory = join(await fresh(), "made", "on", "demand");
    const store = directoryStore(directory, { keepSteps: 2 });
    expect(await store.loadLatest("a-run")).toBeNull();
    for (const step of [9, 10, 100]) {
      expect(await store.save(testCheckpoint(step))).toEqual({ location: join(directory, `a-run-step${step}`), notDeleted: [] });
    }
    expect((await readdir(directory)).toSorted()).toEqual(["a-run-step10", "a-run-step100"]);
    expect((await store.list("a-run")).map(({ step, epoch }) => [step, epoch])).toEqual([
      [100, 3],
      [10, 3],
    ]);
    expect(await store.loadLatest("a-run")).toEqual({ ...testCheckpoint(100), tokenizerJson: null });
    const [, older] = await store.list("a-run");
    expect((await store.load(older!.location)).state).toEqual(testCheckpoint(10).state);
  });

  test("runs in one directory do not touch each other, whatever their names", async () => {
    const directory = await fresh();
    const store = directoryStore(directory, { keepSteps: 1 });
    const names = ["a", "a-step1", "../a", "ü/ß", "."];
    for (const name of names) for (const step of [1, 2]) await store.save(testCheckpoint(step, testModel, name));
    for (const name of names) expect((await store.list(name)).map(({ runId, step }) => [runId, step])).toEqual([[name, 2]]);
    expect(await readdir(directory)).toHaveLength(names.length);
  });

  test("a run that starts again under its name keeps its new checkpoints", async () => {
    const store = directoryStore(await fresh(), { keepSteps: 2 });
    for (const step of [500, 600]) await store.save(testCheckpoint(step));
    const again = testCheckpoint(5);
    again.state.created = new Date(1_900_000_000_000).toISOString();
    await store.save(again);
    expect((await store.list("a-run")).map(({ step }) => step)).toEqual([5, 600]);
  });

  test("saving a step again replaces it; other files and damaged neighbours are left alone", async () => {
    const directory = await fresh();
    const store = directoryStore(directory, { keepSteps: 1 });
    await mkdir(join(directory, "a-run-step7"));
    await mkdir(join(directory, "a-run-step8"));
    await writeFile(join(directory, "a-run-step8", "starling.json"), "damaged");
    await writeFile(join(directory, "notes.txt"), "mine");
    await store.save({ ...testCheckpoint(3), tokenizerJson: "{}" });
    await store.save(testCheckpoint(3));
    expect((await readdir(directory)).toSorted()).toEqual(["a-run-step3", "a-run-step7", "a-run-step8", "notes.txt"]);
    expect((await readdir(join(directory, "a-run-step3"))).toSorted()).toEqual(["config.json", "model.safetensors", "starling.json"]);
  });

  test("an aborted save leaves the former checkpoint and nothing else", async () => {
    const directory = await fresh();
    const store = directoryStore(directory, { keepSteps: 3 });
    await store.save(testCheckpoint(1));
    for (const step of [1, 2]) {
      await expect(store.save(testCheckpoint(step), AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    }
    expect(await readdir(directory)).toEqual(["a-run-step1"]);
    expect((await store.loadLatest("a-run"))!.state!.step).toBe(1);
  });

  test("what a crash left is removed after an hour, what is being written is not", async () => {
    const directory = await fresh();
    const anHourAgo = new Date(Date.now() - 3_700_000);
    for (const name of [".starling-a-run-step1-dead", ".starling-a-run-step2-alive"]) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "model.safetensors"), "half");
    }
    await utimes(join(directory, ".starling-a-run-step1-dead"), anHourAgo, anHourAgo);
    await directoryStore(directory, { keepSteps: 1 }).save(testCheckpoint(3));
    expect((await readdir(directory)).toSorted()).toEqual([".starling-a-run-step2-alive", "a-run-step3"]);
  });

  test("a place that cannot be written says so", async () => {
    const file = join(await fresh(), "file");
    await writeFile(file, "");
    await expect(directoryStore(file, { keepSteps: 1 }).save(testCheckpoint(1))).rejects.toMatchObject({
      name: "CheckpointError",
      code: "io",
    });
    await expect(directoryStore(file, { keepSteps: 1 }).load(file)).rejects.toMatchObject({ code: "missing-file" });
  });

  test.runIf(process.platform === "linux")(
    "a disk that fills up: typed error, the former checkpoint stays, nothing half-written",
    async () => {
      const directory = await fresh();
      await directoryStore(directory, { keepSteps: 3 }).save(testCheckpoint(1));
      // A file size limit of 4 KiB stands for the full disk: write(2) fails in the middle of model.safetensors.
      const script = join(root, "save.ts");
      await writeFile(
        script,
        `import { directoryStore } from ${JSON.stringify(join(import.meta.dirname, "store.node.ts"))};
       import { testCheckpoint } from ${JSON.stringify(join(import.meta.dirname, "testCheckpoint.ts"))};
       await directoryStore(process.argv[2], { keepSteps: 3 }).save(testCheckpoint(2)).catch((error) => console.log(error.code, error.cause.code));`,
      );
      const command = `ulimit -f 4; exec "$0" "$1" "$2"`;
      const { stdout } = await promisify(execFile)("bash", ["-c", command, process.execPath, script, directory]);
      expect(stdout.trim()).toBe("no-space EFBIG");
      expect(await readdir(directory)).toEqual(["a-run-step1"]);
    },
  );

  test("large tensors are written in pieces and read back", async () => {
    const wide = { ...testModel, vocabSize: 80_000, hiddenSize: 64, tieWordEmbeddings: true }; // 20.5 MB in one tensor: two pieces
    const store = directoryStore(await fresh(), { keepSteps: 1 });
    const checkpoint = testCheckpoint(1, wide);
    const { location } = await store.save(checkpoint);
    const { parameters } = await store.load(location);
    const name = "model.embed_tokens.weight";
    expect(Buffer.compare(Buffer.from(parameters.get(name)!.data.buffer), Buffer.from(checkpoint.parameters.get(name)!.data.buffer))).toBe(
      0,
    );
    const config = JSON.parse(await readFile(join(location, "config.json"), "utf8"));
    expect(config.vocab_size).toBe(80_000);
  });

  test("reading past the end of a file is an error", async () => {
    const directory = await fresh();
    await writeFile(join(directory, "x"), "abc");
    const reader = await directoryFiles(directory).open("x");
    expect(reader!.sizeBytes).toBe(3);
    await expect(reader!.read(1, 3)).rejects.toMatchObject({ code: "bad-format" });
    expect(await directoryFiles(directory).open("y")).toBeNull();
  });
});
