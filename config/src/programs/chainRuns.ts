/** Options of the commands by which a run on the chain is made, configured, started, stopped and closed. */
import { defineOptions } from "../defineOptions.ts";
import { address, amount, reading, runId, signing, treasurerIndex } from "./chain.ts";
import { configPath } from "./shared.ts";

// NAME and DESCRIPTION mean other things in many environments
const name = { type: "string", maxBytes: 64, optional: true, env: "RUN_NAME", doc: "Title of the run." } as const;
const description = { type: "string", maxBytes: 280, optional: true, env: "RUN_DESCRIPTION", doc: "What the run is about." } as const;
const clientVersion = {
  type: "string",
  maxBytes: 96,
  aliases: ["-c"],
  optional: true,
  // CLIENT_VERSION is what a client says of itself
  env: "RUN_CLIENT_VERSION",
  doc: "Version of the clients, as shown; nothing holds a client to it.",
} as const;
const minBond = { ...amount, unit: "SOL", doc: "Bond that a member must have deposited to join." } as const;

export const createRunOptions = defineOptions({
  runId,
  name,
  description,
  clientVersion,
  joinAuthority: { ...address, optional: true, doc: "Address that grants who may join; left out = the wallet's." },
  treasurerCollateralMint: {
    ...address,
    optional: true,
    doc: "Mint of the token that members earn, 1 point = its smallest unit; left out = a run without rewards.",
  },
  treasurerIndex,
  minBond: { ...minBond, default: "0" },
  ...signing,
});

export const closeRunOptions = defineOptions({ runId, treasurerIndex, ...signing });

export const updateConfigOptions = defineOptions({
  runId,
  configPath: { ...configPath, optional: true },
  name,
  description,
  clientVersion,
  numParameters: {
    type: "integer",
    unit: "parameters",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
    doc: "Size of the model, as shown; with --config-path and left out = counted from the config's model.",
  },
  vocabSize: {
    type: "integer",
    unit: "tokens",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
    doc: "Size of the vocabulary, as shown; with --config-path and left out = the config's model's.",
  },
  joinAuthority: { ...address, optional: true, doc: "Address that grants who may join from now on." },
  minBond: { ...minBond, optional: true },
  restartFromStep: {
    type: "integer",
    unit: "step",
    min: 1,
    max: 0xffff_ffff,
    optional: true,
    env: null,
    doc: "Refused: a run goes on from its last agreed checkpoint, and only from it.",
  },
  switchToHub: {
    type: "boolean",
    default: false,
    env: null,
    doc: "Refused: members share the model among themselves and check it against the agreed hash.",
  },
  treasurerIndex,
  ...signing,
});

export const setPausedOptions = defineOptions({
  runId,
  resume: { type: "boolean", default: false, env: null, doc: "Start or resume the run; without it the run is paused." },
  treasurerIndex,
  ...signing,
});

export const setFutureEpochRatesOptions = defineOptions({
  runId,
  earningRate: {
    ...amount,
    unit: "tokens, or points without rewards",
    aliases: ["--earning-rate-total-shared"],
    optional: true,
    doc: "What an epoch pays, shared by the rounds each member took part in; left out = as it is.",
  },
  slashingRate: {
    ...amount,
    unit: "tokens, or points without rewards",
    aliases: ["--slashing-rate-per-client"],
    optional: true,
    doc: "What an ejected member loses; left out = as it is.",
  },
  treasurerIndex,
  ...signing,
});

export const checkpointOptions = defineOptions({
  runId,
  location: {
    type: "string",
    minBytes: 1,
    maxBytes: 192,
    aliases: ["--repo"],
    env: null,
    doc: "Where the agreed parameters are kept: a url or a repository.",
  },
  revision: {
    type: "string",
    minBytes: 1,
    maxBytes: 64,
    optional: true,
    env: null,
    doc: "Revision in it; written behind the location, after @.",
  },
  hash: {
    type: "string",
    unit: "hex",
    optional: true,
    env: null,
    check: (text: string): string | null => (/^[0-9a-fA-F]{64}$/.test(text) ? null : "must be 64 hex digits"),
    doc: "Hash of what is kept there; it must be the one agreed. Left out = that one.",
  },
  identitySecretKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    doc: "Identity file of a client that is in the running epoch; its session key signs.",
  },
  ...signing,
});

export const tickOptions = defineOptions({
  runId,
  msInterval: {
    type: "integer",
    unit: "ms",
    min: 100,
    max: 3_600_000,
    default: 1000,
    env: "TICK_MS_INTERVAL",
    doc: "Time between two ticks.",
  },
  count: {
    type: "integer",
    unit: "ticks",
    min: 1,
    max: 1_000_000,
    optional: true,
    env: "TICK_COUNT",
    doc: "Ticks to send; left out = until it is stopped.",
  },
  ...signing,
});

export const listRunsOptions = defineOptions({
  authorizer: {
    ...address,
    optional: true,
    aliases: ["--join-authority"],
    // AUTHORIZER is who holds the grant by which a client joins
    env: "JOIN_AUTHORITY",
    doc: "Only runs that this address decides about, as --join-authority of create-run.",
  },
  ...reading,
});
