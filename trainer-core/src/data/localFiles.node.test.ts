import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tokenFileCompliance, type FileCase } from "./tokenFileCompliance.ts";
import { createDataProvider } from "./createDataProvider.ts";
import { heldOutSequences } from "./dataProvider.ts";
import { localFiles } from "./localFiles.node.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

const root = await mkdtemp(join(tmpdir(), "starling-data-"));
afterAll(() => rm(root, { recursive: true }));

async function directoryOf(files: FileCase["files"]): Promise<string> {
  const directory = await mkdtemp(join(root, "case-"));
  // Written last name first: the order must come from the names.
  for (const name of Object.keys(files).toSorted().toReversed()) await writeFile(join(directory, name), files[name]);
  return directory;
}

tokenFileCompliance("local files", async (data) => createTokenFileProvider(localFiles(await directoryOf(data.files)), data));

describe("local data", () => {
  const options = { maxSeqLen: 4, vocabSize: 256, localFiles, localShuffle: "DontShuffle" } as const;

  test("leaves other files and folders alone", async () => {
    const directory = await directoryOf({ "b.txt": new TextEncoder().encode("text"), "README.md": new Uint8Array(40) });
    await mkdir(join(directory, "heldout.txt"));
    expect(await createDataProvider({ Local: directory }, options).sequenceCount()).toBe(1);
  });

  test("a path to one file is a data set", async () => {
    const directory = await directoryOf({ "a.txt": new TextEncoder().encode("abcdefgh"), "b.txt": new Uint8Array(40) });
    const provider = createDataProvider({ Local: join(directory, "a.txt") }, options);
    expect([...(await heldOutSequences(provider, 8))].map((s) => String.fromCharCode(...s))).toEqual(["abcd", "efgh"]);
  });

  test("a missing or empty directory says so", async () => {
    const missing = createDataProvider({ Local: join(root, "nowhere") }, options);
    await expect(missing.sequenceCount()).rejects.toMatchObject({ name: "DataError", code: "unreachable" });
    const empty = createDataProvider({ Local: await directoryOf({}) }, options);
    await expect(empty.sequenceCount()).rejects.toMatchObject({ code: "empty" });
  });

  test("held-out sequences need enough text", async () => {
    const provider = createDataProvider({ Local: await directoryOf({ "a.txt": new Uint8Array(12) }) }, options);
    expect(await heldOutSequences(provider, 13)).toHaveLength(3);
    await expect(heldOutSequences(provider, 16)).rejects.toMatchObject({ code: "empty" });
  });

  test("a file that shrinks while in use is an error, not zeros", async () => {
    const directory = await directoryOf({ "a.txt": new Uint8Array(40) });
    const provider = createDataProvider({ Local: directory }, options);
    await provider.sequenceCount();
    await writeFile(join(directory, "a.txt"), new Uint8Array(10));
    await expect(provider.getSequences(0n, 9n)).rejects.toMatchObject({ code: "bad-file" });
  });

  test("Dummy is 2048 sequences of zeros; kinds that cannot be read are refused", async () => {
    const dummy = createDataProvider("Dummy", options);
    expect(await dummy.sequenceCount()).toBe(2048);
    expect(await dummy.getSequences(2047n, 2048n)).toEqual([new Int32Array(4), new Int32Array(4)]);
    expect(() => createDataProvider({ Server: "127.0.0.1:1" }, options)).toThrow(/needs a network/);
    const { localFiles: _none, ...browser } = options;
    expect(() => createDataProvider({ Local: "x" }, browser)).toThrow(/use Http/);
  });
});
