import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { seededRandom } from "@starling/network";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { loadTokenizer } from "@starling/trainer-core/tokenizer/tokenizer";
import { afterAll, describe, expect, test } from "vitest";
import { prepareData, type PrepareHooks, type PrepareOptions } from "./prepare.ts";

const root = mkdtempSync(join(tmpdir(), "starling-prepare-"));
afterAll(() => rmSync(root, { recursive: true }));
const FIXTURES = join(import.meta.dirname, "../../../trainer-core/src/tokenizer/fixtures");
const TOKENIZER = join(FIXTURES, "llama3Style.json");
const tokenizer = loadTokenizer(readFileSync(TOKENIZER, "utf8"));
const EOS = 1;

let names = 0;
const fresh = (): string => join(root, String(names++));
const file = (name: string, content: string | Uint8Array): string => {
  const folder = fresh();
  mkdirSync(folder);
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const options = (input: string[], change: Partial<PrepareOptions> = {}): PrepareOptions => ({
  input,
  tokenizer: TOKENIZER,
  output: fresh(),
  format: "auto",
  textField: "text",
  tokenSize: "auto",
  shardTokens: 1_000_000,
  appendEos: true,
  heldOutShare: 0,
  workers: 1,
  strict: false,
  ...change,
});

function tokensIn(folder: string, tokenBytes: 2 | 4 = 2): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const bytes = readFileSync(join(folder, name));
      return Array.from({ length: bytes.length / tokenBytes }, (_, i) =>
        tokenBytes === 2 ? bytes.readUInt16LE(2 * i) : bytes.readUInt32LE(4 * i),
      );
    });
}

/** Every file's hash, the manifest's included. */
function hashes(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), createHash("sha256").update(readFileSync(path)).digest("hex")];
    }),
  );
}

const jsonl = (documents: readonly string[], key = "text"): string =>
  documents.map((text) => `${JSON.stringify({ [key]: text, n: 1 })}\n`).join("");
const expected = (documents: readonly string[]): number[] => documents.flatMap((text) => [...tokenizer.encode(text), EOS]);

/** Prose of a kind, with long and short documents; the same for a seed. */
function documents(count: number, seed = 1): string[] {
  const random = seededRandom(seed);
  const words = ["the", "king", "and", "his", "fool", "went", "über", "日本", "forth\n", "to", "war,", "12345", "\n\nACT II\n"];
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + Math.floor(random() ** 3 * 2000) }, () => words[Math.floor(random() * words.length)]).join(" "),
  );
}

describe("prepare-data", () => {
  test("JSONL: every line a document, in order, an end-of-text token behind each; the run's provider reads it", async () => {
    const texts = documents(80);
    const given = options([file("a.jsonl", jsonl(texts))], { shardTokens: 5000 });
    const prepared = await prepareData(given);
    expect(prepared).toMatchObject({ complete: true, documents: 80, badLines: 0, tokenBytes: 2, heldOutTokens: 0 });
    expect(existsSync(join(given.output, "heldout"))).toBe(false);
    const train = join(given.output, "train");
    expect(tokensIn(train)).toEqual(expected(texts));
    expect(readdirSync(train)).toHaveLength(Math.ceil(prepared.trainTokens / 5000));
    const provider = createDataProvider(
      { Local: train },
      { maxSeqLen: 100, vocabSize: prepared.vocabSize, localFiles, localShuffle: "DontShuffle" },
    );
    expect([...(await provider.getSequences(0n, 0n))[0]!]).toEqual(expected(texts).slice(0, 100));
  });

  test("text, packed in one or two members, and several inputs in their order", async () => {
    const texts = documents(3, 2).map((text) => text.trim());
    const [a, b, c] = texts as [string, string, string];
    const packed = Buffer.concat([gzipSync(b.slice(0, 50)), gzipSync(b.slice(50))]);
    const given = options([file("z.txt", `\ufeff${a}`), file("b.txt.gz", packed), file("c.ndjson.gz", gzipSync(jsonl([c]).trim()))]);
    await prepareData(given);
    expect(tokensIn(join(given.output, "train"))).toEqual(expected(texts));
  });

  test("a large text is cut at line breaks, a line without any in front of a character; nothing is lost", async () => {
    const line = "Now is the winter of our discontent\n".repeat(4000);
    const lump = "日本語".repeat(30_000);
    for (const text of [line, lump]) {
      const given = [options([file("a.txt", text)], { appendEos: false }), options([file("a.jsonl", jsonl([text]))], { appendEos: false })];
      for (const one of given) {
        const prepared = await prepareData(one);
        expect(prepared.mended).toBe(0);
        expect(tokenizer.decode(tokensIn(join(one.output, "train")))).toBe(text);
      }
      if (text === line) expect(tokensIn(join(given[0].output, "train"))).toEqual(tokenizer.encode(text));
    }
  });

  test("the files do not depend on the number of threads", async () => {
    const input = file("a.jsonl", jsonl(documents(100, 3)));
    const given = [1, 3].map((workers) => options([input], { workers, shardTokens: 7777, heldOutShare: 0.1 }));
    for (const one of given) await prepareData(one);
    expect(hashes(given[0].output)).toEqual(hashes(given[1].output));
  });

  test("held out is the share asked for, in whole documents, and both parts together are everything", async () => {
    const texts = documents(150, 4);
    const given = options([file("a.jsonl", jsonl(texts))], { heldOutShare: 0.05 });
    const { heldOutTokens, trainTokens } = await prepareData(given);
    const longest = Math.max(...texts.map((text) => expected([text]).length));
    expect(heldOutTokens).toBeGreaterThan(0);
    expect(Math.abs(heldOutTokens - 0.05 * (heldOutTokens + trainTokens))).toBeLessThan(longest);
    const split = (tokens: number[]): string[] => tokens.join(" ").split(` ${EOS}`);
    const both = [...split(tokensIn(join(given.output, "train"))), ...split(tokensIn(join(given.output, "heldout")))];
    const clean = (list: string[]): string[] =>
      list
        .map((one) => one.trim())
        .filter((one) => one !== "")
        .sort();
    expect(clean(both)).toEqual(clean(split(expected(texts))));
  });

  test("four bytes where they are asked for; two are refused for a vocabulary that does not fit", async () => {
    const texts = ["Enter HAMLET"];
    const wide = options([file("a.jsonl", jsonl(texts))], { tokenSize: "4" });
    await prepareData(wide);
    expect(tokensIn(join(wide.output, "train"), 4)).toEqual(expected(texts));
    const json = JSON.parse(readFileSync(TOKENIZER, "utf8")) as { added_tokens: object[] };
    json.added_tokens.push({ id: 70_000, content: "<far>", normalized: false, special: true });
    const far = file("tokenizer.json", JSON.stringify(json));
    await expect(prepareData(options([file("a.txt", "x")], { tokenizer: far, tokenSize: "2" }))).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("70001"),
    });
  });

  test("lines that are no documents are counted and named, or fail with --strict", async () => {
    const good = jsonl(["one", "two"]);
    const bad = Buffer.concat([
      Buffer.from(`{"text": 7}\n{"other": "x"}\nnot json\n[]\n\n{"text": ""}\n${good}`),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(`{"text": "three"`),
    ]);
    const input = file("a.jsonl", bad);
    const said: string[] = [];
    const given = options([input]);
    const prepared = await prepareData(given, { onWarning: (message) => said.push(message) });
    expect(prepared).toMatchObject({ documents: 2, badLines: 6 });
    expect(tokensIn(join(given.output, "train"))).toEqual(expected(["one", "two"]));
    expect(said.map((line) => /line (\d+)/.exec(line)?.[1])).toEqual(["1", "2", "3", "4", "9", "10"]);
    await expect(prepareData(options([input], { strict: true }))).rejects.toMatchObject({
      code: "data",
      message: expect.stringMatching(/line 1: .*text/),
    });
  });

  test("bytes that are not UTF-8 become U+FFFD and are counted", async () => {
    const given = options([file("a.txt", Buffer.from([0x61, 0xff, 0x62]))], { appendEos: false });
    expect(await prepareData(given)).toMatchObject({ mended: 1 });
    expect(tokenizer.decode(tokensIn(join(given.output, "train")))).toBe("a\ufffdb");
  });

  test.each<[string, () => Partial<PrepareOptions>, RegExp]>([
    ["no such input", () => ({ input: ["/nowhere.txt"] }), /nowhere/],
    ["a folder as input", () => ({ input: [root] }), /name the files in it/],
    ["stdin twice", () => ({ input: ["-", "-"] }), /only be read once/],
    ["JSON of no known form", () => ({ input: [file("a.json", "{}")] }), /--format jsonl/],
    ["no tokenizer", () => ({ tokenizer: "/nowhere.json" }), /--tokenizer/],
    ["a tokenizer that is none", () => ({ tokenizer: file("tokenizer.json", "{}") }), /tokenizer.json cannot be used/],
    ["an unknown end-of-text token", () => ({ eosToken: "<nope>" }), /no token "<nope>"/],
    ["a packed file that was cut off", () => ({ input: [file("a.gz", gzipSync("x".repeat(9999)).subarray(0, 30))] }), /is it whole/],
  ])("refuses %s", async (_name, change, message) => {
    await expect(prepareData(options([file("a.txt", "text")], change()))).rejects.toThrow(message);
  });
});

describe("prepare-data, interrupted", () => {
  const input = file("a.jsonl", jsonl(documents(300, 5)));
  const packed = file("b.txt.gz", gzipSync(documents(20, 6).join("\n")));
  const given = (output: string): PrepareOptions => options([input, packed], { output, shardTokens: 20_000, heldOutShare: 0.02 });
  const whole = fresh();
  const small = { batchCharacters: 40_000 };

  /** Stops after that many batches; resolves to whether it was complete. */
  async function stopAfter(batches: number, output: string, hooks: PrepareHooks = {}): Promise<boolean> {
    const controller = new AbortController();
    let seen = 0;
    const onProgress = (): void => void (++seen >= batches && controller.abort());
    return (await prepareData(given(output), { ...hooks, ...small, onProgress, signal: controller.signal })).complete;
  }

  test("by Ctrl-C: ends cleanly, goes on, and writes the same bytes", async () => {
    await prepareData(given(whole));
    const output = fresh();
    let stops = 0;
    while (!(await stopAfter(4, output))) stops++;
    expect(stops).toBeGreaterThan(2);
    expect(hashes(output)).toEqual(hashes(whole));
    expect(await prepareData(given(output))).toMatchObject({ complete: true, newTokens: 0 });
  });

  test("by kill -9 at any moment: goes on, and writes the same bytes", { timeout: 60_000 }, async () => {
    const output = fresh();
    const script = `
      import { prepareData } from ${JSON.stringify(join(import.meta.dirname, "prepare.ts"))};
      await prepareData(${JSON.stringify(given(output))}, { checkpointEveryMs: 1, batchCharacters: 40_000, onProgress: () => process.stdout.write(".") });`;
    let kills = 0;
    for (const dots of [1, 3, 2]) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      let seen = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        seen += chunk.length;
        if (seen >= dots) child.kill("SIGKILL");
      });
      const signal = await new Promise((resolve) => child.once("close", (_code, by) => resolve(by)));
      if (signal === "SIGKILL") kills++;
    }
    expect(kills).toBe(3);
    await prepareData(given(output));
    expect(hashes(output)).toEqual(hashes(whole));
  });

  test("with a shard's name given and the manifest not yet told, or with bytes that it does not know of", async () => {
    const output = fresh();
    await stopAfter(3, output, { checkpointEveryMs: 0 });
    const train = join(output, "train");
    const part = readdirSync(train).find((name) => name.endsWith(".part"))!;
    const grown = Buffer.concat([readFileSync(join(train, part)), Buffer.alloc(999)]);
    rmSync(join(train, part));
    writeFileSync(join(train, part.replace(".part", "")), grown);
    writeFileSync(join(train, "train-000099.bin"), "of a later time");
    await prepareData(given(output));
    expect(hashes(output)).toEqual(hashes(whole));
  });

  test("and changed meanwhile: says what differs instead of mixing it in", async () => {
    const output = fresh();
    await stopAfter(2, output);
    await expect(prepareData({ ...given(output), shardTokens: 1 })).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("shardTokens was 20000, is 1"),
    });
    const part = join(
      output,
      "train",
      readdirSync(join(output, "train")).find((name) => name.endsWith(".part"))!,
    );
    const bytes = readFileSync(part);
    bytes[0]! ^= 1;
    writeFileSync(part, bytes);
    await expect(prepareData(given(output))).rejects.toMatchObject({
      code: "data",
      message: expect.stringContaining("its hash is another"),
    });
    truncateSync(part, 1);
    await expect(prepareData(given(output))).rejects.toThrow(/it has 1/);
    writeFileSync(join(output, "manifest.json"), "{");
    await expect(prepareData(given(output))).rejects.toThrow(/manifest.json cannot be used/);
  });
});
