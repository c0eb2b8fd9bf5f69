import { readFileSync } from "node:fs";
import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import {
  ConfigError,
  parseLlamaConfig,
  parseOptions,
  parseRunConfig,
  parseWeightedHttp,
  serializeRunConfig,
  toHfConfig,
} from "@starling/config";
import { programs } from "@starling/config/programs";
import { CheckpointError } from "@starling/trainer-core/checkpoint/checkpointError";
import { bytesReader } from "@starling/trainer-core/checkpoint/checkpointFiles";
import { readSafetensors, safetensorsFile } from "@starling/trainer-core/checkpoint/safetensors";
import { openTensors } from "@starling/trainer-core/checkpoint/tensorIndex";
import { parseTrainingState, trainingStateJson } from "@starling/trainer-core/checkpoint/trainingState";
import { DataError } from "@starling/trainer-core/data/dataError";
import * as dataProtocol from "@starling/trainer-core/data/dataProtocol";
import { openParquetFile } from "@starling/trainer-core/data/parquetFile";
import { memoryFiles } from "@starling/trainer-core/data/testFiles";
import { decodeTokens, openTokenFile } from "@starling/trainer-core/data/tokenFile";
import { loadTokenizer, TokenizerError } from "@starling/trainer-core/tokenizer/tokenizer";
import { parseEvent } from "@starling/node-host/events";
import { parseStoredEvent } from "@starling/node-host/telemetry/readEvents";
import { expectSame, filled, json, text, utf8, type FuzzTarget } from "../target.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const isConfig = (error: unknown): boolean => error instanceof ConfigError;
const isCheckpoint = (error: unknown): boolean => error instanceof CheckpointError;
const isData = (error: unknown): boolean => error instanceof DataError;
/** JSON that does not parse is no matter of the decoder behind it. */
const parsed = (bytes: Uint8Array): { value: unknown } | null => {
  try {
    return { value: JSON.parse(text(bytes)) as unknown };
  } catch {
    return null;
  }
};

const llama = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 256,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 },
  eos_token_id: [1, 2],
};
const tensors = new Map([
  ["a", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ["b", { shape: [4], data: Float32Array.of(0, -0, 1e-40, 3) }],
]);
const safetensors = (): Uint8Array => Buffer.concat([...safetensorsFile("model.safetensors", tensors).pieces()]);
const npy = (header: string, data: Uint8Array): Uint8Array => {
  const dict = utf8(header.padEnd(118 - 10, " ").slice(0, 117) + "\n");
  return Buffer.concat([Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, dict.length, 0), dict, data]);
};

export const fileTargets: FuzzTarget[] = [
  {
    name: "run-config",
    isRefusal: isConfig,
    decode(bytes) {
      const config = parseRunConfig(text(bytes), { source: "fuzz" });
      expectSame(parseRunConfig(serializeRunConfig(config), { source: "again" }), config, "run config");
      return true;
    },
    valid: () => ["test", "nano-shakespeare", "llama2-20m"].map((name) => utf8(read(`config/runs/${name}/config.toml`))),
  },
  {
    name: "model-config",
    isRefusal: isConfig,
    decode(bytes) {
      const document = parsed(bytes);
      if (document === null) return false;
      const config = parseLlamaConfig(document.value);
      expectSame(parseLlamaConfig(toHfConfig(config)), config, "config.json");
      return true;
    },
    valid: () => [
      json(llama),
      json({ ...llama, rope_scaling: null, rope_parameters: { rope_type: "linear", factor: 2, rope_theta: 1e4 } }),
    ],
  },
  {
    name: "weighted-http",
    isRefusal: isConfig,
    decode(bytes) {
      const document = parsed(bytes);
      if (document === null) return false;
      parseWeightedHttp(document.value, "fuzz");
      return true;
    },
    valid: () => {
      const http = { location: { SingleUrl: "https://example.org/a.bin" }, token_size_in_bytes: "TwoBytes", shuffle: "DontShuffle" };
      return [
        json({ shuffle: "DontShuffle", providers: [http] }),
        json({
          shuffle: "DontShuffle",
          providers: [
            [http, 0.5],
            [http, 2],
          ],
        }),
      ];
    },
  },
  {
    name: "environment",
    isRefusal: isConfig,
    // A program's name, NAME=VALUE lines, and arguments after a line "--".
    decode(bytes) {
      const [name, ...lines] = text(bytes).split("\n");
      const cut = lines.indexOf("--");
      const env = Object.fromEntries(lines.slice(0, cut < 0 ? undefined : cut).map((line) => line.split(/=(.*)/s).slice(0, 2)));
      const program = programs.find((each) => each.verb === name) ?? programs[bytes.length % programs.length];
      parseOptions(program.options, cut < 0 ? [] : lines.slice(cut + 1), env);
      return true;
    },
    valid: () =>
      [
        "client\n--\n--server-addr\nrig0:20000\n--micro-batch-size\n4",
        "client\nSERVER_ADDR=rig0:20000\nRUST_LOG=info\nMICRO_BATCH_SIZE=8\n--\n--logs\njson",
        "local-testnet start\nNUM_CLIENTS=3\n--\n--config-path=test",
      ].map(utf8),
  },
  {
    name: "safetensors",
    isRefusal: isCheckpoint,
    async decode(bytes) {
      await readSafetensors(bytesReader(bytes), "fuzz");
      return true;
    },
    valid: () => [safetensors()],
  },
  {
    name: "safetensors-index",
    isRefusal: isCheckpoint,
    async decode(bytes) {
      const files = {
        location: "fuzz",
        open: async (name: string) =>
          name.endsWith("index.json") ? bytesReader(bytes) : name === "one.safetensors" ? bytesReader(safetensors()) : null,
      };
      await openTensors(files);
      return true;
    },
    valid: () => [json({ metadata: { total_size: 40 }, weight_map: { a: "one.safetensors", b: "one.safetensors" } })],
  },
  {
    name: "training-state",
    isRefusal: isCheckpoint,
    decode(bytes) {
      const state = parseTrainingState(text(bytes), "fuzz");
      expectSame(parseTrainingState(JSON.stringify(trainingStateJson(state)), "again"), state, "training state");
      return true;
    },
    valid: () => [
      json(trainingStateJson({ runId: "fuzz", step: 5, epoch: 1, parameterHash: "ab".repeat(32), created: "2026-01-01T00:00:00.000Z" })),
    ],
  },
  {
    name: "tokenizer",
    isRefusal: (error) => error instanceof TokenizerError,
    decode(bytes) {
      const tokenizer = loadTokenizer(text(bytes));
      const tokens = tokenizer.encode("Hello, wörld 12");
      tokenizer.decode(tokens);
      return true;
    },
    valid: () => ["llama2Style", "llama3Style"].map((name) => utf8(read(`trainer-core/src/tokenizer/fixtures/${name}.json`))),
  },
  {
    name: "token-file",
    isRefusal: isData,
    async decode(bytes) {
      const { tokenBytes, dataOffsetBytes, tokenCount } = await openTokenFile(memoryFiles({ f: bytes }), "f", 2);
      decodeTokens(bytes.subarray(dataOffsetBytes, dataOffsetBytes + tokenBytes * tokenCount), tokenBytes, 50_000, () => "f");
      return true;
    },
    valid: () => [
      Uint8Array.of(1, 0, 2, 0, 3, 0),
      npy("{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }", Uint8Array.of(1, 0, 2, 0, 3, 0)),
      npy("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }", Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0)),
    ],
  },
  {
    // The footer only. Decoding of pages is hyparquet's (1.31.5), whose run-length reader takes minutes where a damaged page promises 2^31
    // values: fuzzing it finds nothing else, and the data room therefore decodes in a thread that it can end.
    name: "parquet-footer",
    isRefusal: isData,
    async decode(bytes) {
      const { signal } = new AbortController();
      await openParquetFile(memoryFiles({ f: bytes }), "f", { maxSeqLen: 4, vocabSize: 300 }, signal);
      return true;
    },
    valid: () => {
      const rows = [
        [1, 2, 3, 4],
        [5, 6, 7, 255],
      ];
      const list = (name: string): SchemaElement[] => [
        { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "INT32", repetition_type: "OPTIONAL" },
      ];
      const of = (names: string[], codec: "SNAPPY" | "UNCOMPRESSED"): Uint8Array => {
        const schema: SchemaElement[] = [{ name: "schema", num_children: names.length }, ...names.flatMap(list)];
        return new Uint8Array(
          parquetWriteBuffer({ columnData: names.map((name) => ({ name, data: rows })), schema, codec, rowGroupSize: 1 }),
        );
      };
      return [of(["inputs"], "UNCOMPRESSED"), of(["inputs", "labels"], "SNAPPY")];
    },
  },
  {
    name: "data-response",
    isRefusal: isData,
    decode(bytes) {
      dataProtocol.decodeDataResponse(bytes);
      return true;
    },
    valid: () => [dataProtocol.encodeTokensResponse(filled(64)), dataProtocol.encodeRefusal({ code: "overloaded", message: "later" })],
  },
  {
    name: "event-line",
    isRefusal: () => false,
    decode(bytes) {
      const a = parseEvent(text(bytes));
      const b = parseStoredEvent(text(bytes));
      return a !== null || b !== null;
    },
    valid: () => [json({ atMs: 5, seq: 1, node: "client-1", type: "warning", message: "x" }), json({ type: "listening", multiaddrs: [] })],
  },
];
