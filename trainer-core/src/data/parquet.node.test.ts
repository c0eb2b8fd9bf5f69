import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";
import { codeOf, COMPLIANCE_DATA, countFrom, dataProviderCompliance, firstTokens } from "./compliance.ts";
import { createDataProvider } from "./createDataProvider.ts";
import type { DataProvider } from "./dataProvider.ts";
import { localFiles } from "./localFiles.node.ts";
import { parquetFilesOf } from "./parquetFiles.ts";
import { createParquetProvider } from "./parquetProvider.ts";
import { parquetInThread } from "./parquetThread.node.ts";
import { memoryFiles } from "./testFiles.ts";

const root = await mkdtemp(join(tmpdir(), "starling-parquet-"));
afterAll(() => rm(root, { recursive: true }));

type Rows = readonly (readonly number[])[];
type Columns = Readonly<Record<string, Rows>>;

/** Columns of lists, as `datasets` and the preprocessing script of the existing system write them. */
function parquet(
  columns: Columns,
  options: { rowGroupSize?: number; type?: "INT32" | "INT64"; codec?: "SNAPPY" | "UNCOMPRESSED" } = {},
): Uint8Array {
  const { type = "INT32", rowGroupSize = 3, codec = "SNAPPY" } = options;
  const names = Object.keys(columns);
  const list = (name: string): SchemaElement[] => [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", type, repetition_type: "OPTIONAL" },
  ];
  const columnData = names.map((name) => ({
    name,
    data: type === "INT32" ? columns[name].map((row) => [...row]) : columns[name].map((row) => row.map(BigInt)),
  }));
  const schema: SchemaElement[] = [{ name: "schema", num_children: names.length }, ...names.flatMap(list)];
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize, codec }));
}

/** The suite's sequences over two files with row groups of 3: groups end inside batches, files end inside groups. */
const twoFiles = (sequences: Rows): Record<string, Uint8Array> => ({
  "data-00000.parquet": parquet({ inputs: sequences.slice(0, 10), labels: sequences.slice(0, 10) }),
  "data-00001.parquet": parquet({ inputs: sequences.slice(10) }, { type: "INT64" }),
});

dataProviderCompliance("preprocessed parquet, a folder", async ({ sequences, maxSeqLen, vocabSize }) => {
  const folder = await mkdtemp(join(root, "case-"));
  const files = twoFiles(sequences);
  for (const name of Object.keys(files).reverse()) await writeFile(join(folder, name), files[name]);
  await writeFile(join(folder, "README.md"), "not data");
  return createDataProvider({ Preprocessed: folder }, { maxSeqLen, vocabSize, localFiles, localParquet: parquetInThread });
});

dataProviderCompliance("preprocessed parquet, without room for a row group", async ({ sequences, ...options }) =>
  createParquetProvider(parquetFilesOf(memoryFiles(twoFiles(sequences))), { ...options, cacheBytes: 0 }),
);

describe("preprocessed parquet", () => {
  const { sequences } = COMPLIANCE_DATA;
  const open = (files: Record<string, Uint8Array>): DataProvider =>
    createParquetProvider(parquetFilesOf(memoryFiles(files)), COMPLIANCE_DATA);

  test("reads only the row group that is asked for, and keeps it", async () => {
    const file = parquet({ inputs: Array.from({ length: 4000 }, (_, i) => countFrom(i % 200, 4)) }, { rowGroupSize: 100 });
    const source = memoryFiles({ "a.parquet": file });
    let readBytes = 0;
    const provider = createParquetProvider(
      parquetFilesOf({
        ...source,
        read(name, offsetBytes, lengthBytes, signal) {
          readBytes += lengthBytes;
          return source.read(name, offsetBytes, lengthBytes, signal);
        },
      }),
      COMPLIANCE_DATA,
    );
    expect(await provider.sequenceCount()).toBe(4000);
    readBytes = 0;
    expect(firstTokens(await provider.getSequences(1234n, 1236n))).toEqual([34, 35, 36]);
    expect(readBytes).toBeLessThan(file.length / 20);
    readBytes = 0;
    await provider.getSequences(1200n, 1299n);
    expect(readBytes).toBe(0);
  });

  test("takes columns that say what Starling does anyway", async () => {
    const inputs = sequences.slice(0, 5);
    const provider = open({
      "a.parquet": parquet({
        inputs,
        labels: inputs,
        position_ids: inputs.map(() => [0, 1, 2, 3]),
        sequence_lengths: inputs.map(() => [4]),
        other: inputs,
      }),
    });
    expect(firstTokens(await provider.getSequences(0n, 4n))).toEqual(inputs.map((row) => row[0]));
  });

  test.each<[string, Columns, string, RegExp]>([
    ["masked labels", { inputs: [[1, 2, 3, 4]], labels: [[-100, 2, 3, 4]] }, "unsupported", /column labels differs.*cannot mask/],
    ["positions that start again", { inputs: [[1, 2, 3, 4]], position_ids: [[0, 1, 0, 1]] }, "unsupported", /position_ids/],
    ["packed documents", { inputs: [[1, 2, 3, 4]], sequence_lengths: [[2, 2]] }, "unsupported", /sequence_lengths packs 2/],
    ["rows of another length", { inputs: [[1, 2, 3]] }, "bad-file", /3 tokens.*max_seq_len is 4/],
    ["a negative token", { inputs: [[1, -2, 3, 4]] }, "bad-token", /token -2/],
    ["no inputs", { tokens: [[1, 2, 3, 4]] }, "bad-file", /no column inputs; it has tokens/],
  ])("refuses %s", async (_name, columns, code, message) => {
    const error = await open({ "a.parquet": parquet(columns) })
      .check()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "DataError", code, message: expect.stringMatching(message) });
  });

  test("a cut, damaged or foreign file is a typed error, wherever it is damaged", async () => {
    const good = parquet({ inputs: sequences });
    const cut = [good.slice(0, -1), good.slice(0, 8), good.slice(4), new Uint8Array(0), new Uint8Array(100)];
    for (const bytes of cut) expect(await codeOf(open({ "a.parquet": bytes }).check())).toBe("bad-file");
    // every byte flipped: the same tokens, or a typed error; other tokens only where the tokens themselves are
    for (let at = 0; at < good.length; at++) {
      const bytes = good.slice();
      bytes[at] ^= 0xff;
      const code = await codeOf(open({ "a.parquet": bytes }).getSequences(0n, 20n));
      expect(["no error", "bad-file", "bad-token", "empty", "unsupported"]).toContain(code);
    }
  });

  test("a file over which the decoder never ends costs its thread, not the program; the next file is read", async () => {
    const folder = await mkdtemp(join(root, "endless-"));
    const bytes = parquet({ inputs: sequences.slice(0, 3) }, { codec: "UNCOMPRESSED" });
    bytes[16] = 0x80; // in the page's header: the levels' runs promise 2^31 values
    await writeFile(join(folder, "b.parquet"), bytes);
    await writeFile(join(folder, "a.parquet"), parquet({ inputs: sequences.slice(0, 3) }));
    const provider = createParquetProvider(parquetInThread(folder, 3000), COMPLIANCE_DATA);
    const error = await provider.getSequences(3n, 3n).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "bad-file", message: expect.stringMatching(/b.parquet cannot be decoded: no end after 3 s/) });
    expect(firstTokens(await provider.getSequences(0n, 2n))).toEqual([0, 4, 8]);
    await provider.close();
  });

  test("the name of a data set on the web is no folder: says what to do", async () => {
    const provider = createDataProvider({ Preprocessed: join(root, "owner/set") }, { maxSeqLen: 4, vocabSize: 256, localFiles });
    const error = await provider.check().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(/download it first/) });
    expect(await codeOf(open({}).check())).toBe("empty");
  });
});
