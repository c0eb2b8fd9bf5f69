/** Where training tokens come from: the keys below `model.LLM.data_location`, and the JSON file that `WeightedHttp` names. */
import { ConfigError, issue, type Issue } from "../errors.ts";
import { isTable, readSpec, type Infer, type TableSpec, type TaggedSpec } from "./schema.ts";

const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;
const name64 = { type: "string", minBytes: 1, maxBytes: 64 } as const;
const text192 = { type: "string", minBytes: 1, maxBytes: 192 } as const;

const isHttpUrl = (url: string): string | null =>
  /^https?:\/\/[^\s/]/.test(url) ? null : "must start with http:// or https:// and name a host";
const isServerAddress = (address: string): string | null => {
  if (/^\/(ip4|ip6|dns|dns4|dns6)\/[^\s/]+\/tcp\/\d{1,5}(\/[^\s]+)?$/.test(address)) return null;
  const port = /^(?:\[[^\]\s]+\]|[^\s:]+):(\d{1,5})$/.exec(address)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= U16_MAX
    ? null
    : "must be HOST:PORT with a port from 1 to 65535, or a multiaddr";
};

const shuffle = {
  type: "tagged",
  doc: "Order of the sequences.",
  variants: {
    DontShuffle: { type: "unit", doc: "As stored." },
    Seeded: { type: "integers", unit: "bytes", min: 0, max: 255, minLength: 32, maxLength: 32, doc: "Shuffled from this seed." },
  },
} as const satisfies TaggedSpec;

const http = {
  type: "table",
  doc: "Token files over HTTP, read by ranges.",
  fields: {
    location: {
      type: "tagged",
      doc: "Which urls.",
      variants: {
        SingleUrl: { ...text192, check: isHttpUrl, doc: "One file." },
        NumberedFiles: {
          type: "table",
          doc: "Files that differ in a number.",
          fields: {
            url_template: {
              ...name64,
              check: (url: string) =>
                url.split("{}").length === 2 ? isHttpUrl(url) : 'must hold "{}" exactly once, where the number goes',
              doc: "Url with {} where the number goes.",
            },
            start_index: { type: "integer", min: 0, max: U32_MAX, doc: "First number." },
            n_left_pad_zeros: { type: "integer", unit: "digits", min: 0, max: 32, doc: "Width to which the number is padded with zeros." },
            num_files: { type: "integer", unit: "files", min: 1, max: U32_MAX, doc: "Number of files." },
          },
        },
        Gcp: {
          type: "table",
          doc: "A public Google Cloud Storage bucket.",
          fields: {
            bucket_name: { ...name64, doc: "Bucket name." },
            filter_directory: { type: "string", maxBytes: 192, default: "", doc: "Only objects under this folder; empty = all." },
          },
        },
      },
    },
    token_size_in_bytes: { type: "choice", choices: ["TwoBytes", "FourBytes"], doc: "Size of one token, little-endian." },
    shuffle,
  },
} as const satisfies TableSpec;

const local = {
  ...text192,
  unit: "path",
  doc: "Folder of token files (.bin, .npy, .ds) or of .txt files, whose bytes are the tokens; relative to this file.",
} as const;
const preprocessed = {
  ...text192,
  unit: "path",
  doc: "Folder of .parquet files with a column inputs of max_seq_len tokens a row; relative to this file.",
} as const;

export const dataLocation = {
  type: "tagged",
  doc: "Where the training tokens come from.",
  variants: {
    Dummy: { type: "unit", doc: "All tokens 0: tests the machinery, teaches nothing." },
    Server: { type: "string", maxBytes: 192, check: isServerAddress, doc: "Address of a data server: HOST:PORT, or a multiaddr." },
    Local: local,
    Http: http,
    WeightedHttp: { ...text192, check: isHttpUrl, doc: "Url of a JSON file that lists providers and weights." },
    Preprocessed: preprocessed,
    Weighted: {
      type: "table",
      doc: "Ours: a mixture of several sources.",
      fields: {
        providers: {
          type: "list",
          minLength: 1,
          maxLength: 256,
          item: {
            type: "table",
            doc: "One source.",
            fields: {
              location: {
                type: "tagged",
                doc: "Where its tokens are.",
                variants: { Local: local, Http: http, Preprocessed: preprocessed },
              },
              weight: {
                type: "number",
                above: 0,
                optional: true,
                doc: "Its share of the sequences, relative to the others'; left out for all of them = by length.",
              },
            },
          },
          doc: "The sources.",
        },
      },
    },
  },
} as const satisfies TaggedSpec;

const MAX_WEIGHTED_PROVIDERS = 256;

/** What a WeightedHttp file says; `weight` is null throughout where it names none: by length. */
export interface WeightedHttpFile {
  shuffle: Infer<typeof shuffle>;
  providers: { http: Infer<typeof http>; weight: number | null }[];
}

/**
 * Checks the parsed JSON of a `WeightedHttp` file: `{shuffle, providers}`, where providers is a list of sources, or of
 * `[source, weight]` pairs, each source as `[...data_location.Http]` has it.
 *
 * @throws ConfigError "run-config" with every problem
 */
export function parseWeightedHttp(document: unknown, source: string): WeightedHttpFile {
  const issues: Issue[] = [];
  const file = isTable(document) ? document : {};
  const list = file["providers"];
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_WEIGHTED_PROVIDERS) {
    issues.push(issue("providers", list, `must be a list of 1 to ${MAX_WEIGHTED_PROVIDERS} sources, or of [source, weight] pairs`));
  }
  const read = readSpec(shuffle, file["shuffle"], "shuffle", issues) as Infer<typeof shuffle>;
  const providers = (Array.isArray(list) ? list.slice(0, MAX_WEIGHTED_PROVIDERS) : []).map((entry: unknown, i) => {
    const [provider, weight] = Array.isArray(entry) ? (entry as unknown[]) : [entry, null];
    if (weight !== null && !(typeof weight === "number" && Number.isFinite(weight) && weight > 0)) {
      issues.push(issue(`providers[${i}] weight`, weight, "must be a number above 0"));
    }
    if (Array.isArray(entry) !== Array.isArray((list as unknown[])[0])) {
      issues.push(issue(`providers[${i}]`, undefined, "must have a weight if the first one has, and none otherwise"));
    }
    return { http: readSpec(http, provider, `providers[${i}]`, issues) as Infer<typeof http>, weight: weight as number | null };
  });
  if (issues.length > 0) throw new ConfigError("run-config", `${source} cannot be used as a WeightedHttp file:`, issues);
  return { shuffle: read, providers };
}
