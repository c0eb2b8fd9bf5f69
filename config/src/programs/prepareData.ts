/** Options of `prepare-data`. */
import { defineOptions } from "../defineOptions.ts";

/** Names such as INPUT or FORMAT are too common for variables of their own. */
const env = (name: string) => `PREPARE_${name}` as const;

export const prepareDataOptions = defineOptions({
  input: {
    type: "strings",
    unit: "path",
    minLength: 1,
    maxLength: 65_536,
    positional: true,
    env: env("INPUT"),
    doc: "Text or JSONL files, also .gz; - = stdin. They are read in this order.",
  },
  tokenizer: { type: "string", unit: "path", minBytes: 1, env: env("TOKENIZER"), doc: "The model's tokenizer.json." },
  output: {
    type: "string",
    unit: "path",
    minBytes: 1,
    env: env("OUTPUT"),
    doc: "Folder for train/, heldout/ and manifest.json. One that was begun by the same command is gone on with.",
  },
  format: {
    type: "choice",
    choices: ["auto", "text", "jsonl"],
    default: "auto",
    env: env("FORMAT"),
    doc: "text: a file is a document; jsonl: every line is one; auto: jsonl for .jsonl and .ndjson.",
  },
  textField: { type: "string", minBytes: 1, default: "text", env: env("TEXT_FIELD"), doc: "JSONL: the key that holds a document's text." },
  tokenSize: {
    type: "choice",
    choices: ["auto", "2", "4"],
    default: "auto",
    env: env("TOKEN_SIZE"),
    doc: "Bytes of a token, little-endian; auto = 2 where the vocabulary fits 65,536, else 4.",
  },
  shardTokens: {
    type: "integer",
    unit: "tokens",
    min: 1,
    max: 2 ** 40,
    default: 100_000_000,
    env: env("SHARD_TOKENS"),
    doc: "Tokens in a file, the last one excepted.",
  },
  appendEos: {
    type: "boolean",
    default: true,
    env: env("APPEND_EOS"),
    doc: "Put the end-of-text token behind every document; --no-append-eos puts none.",
  },
  eosToken: {
    type: "string",
    minBytes: 1,
    optional: true,
    env: env("EOS_TOKEN"),
    doc: "The end-of-text token as it is spelt; left out = that of tokenizer_config.json beside the tokenizer, else one of the usual names.",
  },
  heldOutShare: {
    type: "number",
    unit: "share of the tokens",
    min: 0,
    below: 1,
    default: 0.01,
    env: env("HELD_OUT_SHARE"),
    doc: "How much is kept apart in heldout/, where a run measures its loss; 0 = nothing.",
  },
  workers: {
    type: "integer",
    unit: "threads",
    min: 0,
    max: 256,
    default: 0,
    env: env("WORKERS"),
    doc: "Threads that tokenise; 0 = one a core. The files are the same for any number.",
  },
  strict: {
    type: "boolean",
    default: false,
    env: env("STRICT"),
    doc: "Fail at the first line that is no document, or bytes that are not UTF-8, instead of counting them.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
});
