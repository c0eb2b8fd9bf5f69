/** The options of the commands of `starling`. Names are the existing system's (facts 7.3, 7.4) where they have a meaning here. */
import { defineOptions, type OptionSet, type OptionSpec } from "./defineOptions.ts";

const configPath = {
  type: "string",
  unit: "path",
  minBytes: 1,
  doc: "Run config: a file, a folder with config.toml or state.toml, or the name of a preset.",
} as const satisfies OptionSpec;

/** Only kept because commands written for the existing system carry it. */
const noNvtop = {
  type: "boolean",
  default: false,
  env: null,
  doc: "Accepted and without effect: no pane shows nvtop.",
} as const satisfies OptionSpec;

const tui = {
  type: "boolean",
  default: true,
  doc: "Accepted and without effect in this version: progress is plain lines.",
} as const satisfies OptionSpec;

const device = {
  type: "string",
  minBytes: 1,
  check: (text: string): string | null =>
    text === "auto" || text === "software" || text === "gpu" ? null : "must be auto, software or gpu",
} as const;
const deviceDoc = "Adapter to train on: auto = a GPU if there is one, else the bundled software adapter; gpu = fail where there is none.";

const onlyFullWidth = (tiers: readonly number[]): string | null =>
  tiers.every((tier) => tier === 0)
    ? null
    : "must be 0 (full width): tiers above 0 need MatFormer training, which this version does not have";

const checkpointDir = { type: "string", unit: "path", minBytes: 1, optional: true } as const;
const keepSteps = {
  type: "integer",
  unit: "checkpoints",
  min: 1,
  max: 1_000_000,
  default: 3,
  doc: "Newest checkpoints kept; older ones are deleted.",
} as const satisfies OptionSpec;
const port = { type: "integer", min: 0, max: 65_535 } as const;

export const localTestnetOptions = defineOptions({
  numClients: { type: "integer", unit: "clients", min: 1, max: 256, default: 3, doc: "Client processes to start." },
  configPath: { ...configPath, default: "nano-shakespeare" },
  headless: { type: "boolean", default: false, doc: "No view: progress on stderr, one JSON object on stdout at the end." },
  headlessExitAfterSecs: {
    type: "number",
    unit: "s",
    above: 0,
    max: 31_536_000,
    optional: true,
    doc: "After this time, counted from the start, pause, drain, write a checkpoint and exit.",
  },
  tui,
  serverPort: { ...port, default: 20_000, doc: "TCP port of the coordinator; 0 = any free port." },
  randomKillNum: {
    type: "integer",
    unit: "clients",
    min: 0,
    max: 256,
    default: 0,
    doc: "Clients killed and started again at each interval.",
  },
  allowedToKill: {
    type: "integers",
    min: 1,
    max: 256,
    optional: true,
    doc: "Numbers of the clients that may be killed, as in 1,3; left out = all.",
  },
  randomKillInterval: { type: "number", unit: "s", above: 0, max: 31_536_000, default: 120, doc: "Time between kills." },
  log: {
    type: "string",
    default: "warn,starling=info",
    doc: "How much is printed: off, error, warn, info, debug or trace, as LEVEL or starling=LEVEL, separated by commas; what is said for other names has no effect.",
  },
  writeLog: { type: "boolean", default: false, doc: "Also write each process's log to a file in the run's folder." },
  writeDistroData: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder under which each client writes the results it applies.",
  },
  firstClientCheckpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of a checkpoint to start from. Every client here starts from it, since a run's first epoch has no agreed parameters yet.",
  },
  eventsDir: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "Folder for one file of JSON events per process." },
  clientDevice: { ...device, default: "auto", doc: deviceDoc },
  clientMatformerTiers: {
    type: "integers",
    unit: "tier",
    min: 0,
    max: 16,
    minLength: 1,
    maxLength: 256,
    default: [0],
    check: onlyFullWidth,
    doc: "MatFormer tier of each client, repeated in turn.",
  },
  clientCheckpointDir: { ...checkpointDir, doc: "Folder under which each client keeps checkpoints; left out = the run's own folder." },
  clientKeepSteps: keepSteps,
  faultLatencyMs: {
    type: "string",
    unit: "ms",
    optional: true,
    check: (text: string): string | null => (/^\d{1,6}(-\d{1,6})?$/.test(text) ? null : "must be BASE or BASE-JITTER, whole milliseconds"),
    doc: "Delay added to every message between clients: BASE, or BASE-JITTER for up to JITTER more.",
  },
  faultPacketLoss: {
    type: "number",
    unit: "share of messages",
    min: 0,
    below: 1,
    optional: true,
    doc: "Share of gossip messages between clients that are lost; requests are only delayed, as by TCP.",
  },
  faultSeed: { type: "integer", min: 0, max: 0xffff_ffff, default: 0, doc: "Seed of kills, delays and losses." },
  noNvtop,
});

export const serverOptions = defineOptions({
  configPath: { ...configPath, flag: "--config-path", aliases: ["--state"] },
  runId: {
    type: "string",
    minBytes: 1,
    maxBytes: 32,
    optional: true,
    doc: "Name of the run; left out = the config's run_id, else its folder's name.",
  },
  serverPort: { ...port, default: 20_000, doc: "TCP port; 0 = any free port." },
  serverWsPort: { ...port, default: 0, doc: "Port for WebSockets, by which browser tabs join; 0 = any free port." },
  bindHost: { type: "string", minBytes: 1, maxBytes: 64, default: "127.0.0.1", doc: "IP address to listen on; 0.0.0.0 = every interface." },
  tui,
  saveStateDir: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "Folder to which the state is saved at each epoch." },
  withdrawOnDisconnect: { type: "boolean", default: true, doc: "A client that disconnects leaves the epoch at once." },
  eventsDir: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "Folder for files of JSON events." },
  logs: { type: "choice", choices: ["console", "json"], default: "console", doc: "Form of the log lines." },
});

export const clientOptions = defineOptions({
  serverAddr: {
    type: "string",
    unit: "HOST:PORT",
    minBytes: 1,
    maxBytes: 256,
    default: "127.0.0.1:20000",
    doc: "The coordinator: HOST:PORT, or a multiaddr.",
    check: (text: string): string | null =>
      text.startsWith("/") || /^(\[[^\]]+\]|[^\s:]+):\d{1,5}$/.test(text) ? null : "must be HOST:PORT or a multiaddr",
  },
  identitySecretKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "File with the client's keys, made when there is none; 32 bytes, raw or as hex, are read too. Left out = new keys, kept nowhere.",
  },
  bindP2pPort: { ...port, default: 0, doc: "Port on which other clients reach this one; 0 = any free port." },
  dataDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder against which a relative data path of the run is resolved, such as the run config's; left out = the working folder.",
  },
  checkpointDir: { ...checkpointDir, doc: "Folder in which checkpoints are kept; left out = none are written." },
  keepSteps,
  microBatchSize: { type: "integer", unit: "sequences", min: 1, max: 4096, default: 1, doc: "Sequences per forward and backward pass." },
  device: { ...device, default: "auto", env: null, doc: deviceDoc },
  kernelProfile: {
    type: "choice",
    choices: ["auto", "software", "gpu"],
    default: "auto",
    doc: "Kernels: software = without barriers, for software adapters; gpu = for real ones; auto = by adapter.",
  },
  matformerTier: {
    type: "integer",
    unit: "tier",
    min: 0,
    max: 16,
    default: 0,
    check: (tier: number): string | null => onlyFullWidth([tier]),
    doc: "MatFormer tier to train.",
  },
  logs: { type: "choice", choices: ["console", "json"], default: "console", doc: "Form of the log lines." },
  eventsDir: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "Folder for files of JSON events." },
  hashEachRound: {
    type: "boolean",
    default: false,
    doc: "Report the parameters' hash after every round, not only at the end of an epoch.",
  },
  evaluateEachEpoch: { type: "boolean", default: false, doc: "Measure the held-out loss before training and after every epoch." },
  heldOutTokens: {
    type: "integer",
    unit: "tokens",
    min: 1,
    max: 16_777_216,
    default: 2048,
    doc: "Tokens of held-out text on which the loss is measured; always the same ones.",
  },
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of a Hugging Face checkpoint to start from, instead of the run's own start. In a run's first epoch every client must start from the same one.",
  },
  bindHost: {
    type: "string",
    minBytes: 1,
    maxBytes: 64,
    default: "127.0.0.1",
    doc: "IP address on which other clients reach this one; 0.0.0.0 = every interface.",
  },
  writeGradientsDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder to which the results applied in each round are written.",
  },
  faultLatencyMs: localTestnetOptions.specs.faultLatencyMs,
  faultPacketLoss: localTestnetOptions.specs.faultPacketLoss,
  faultSeed: localTestnetOptions.specs.faultSeed,
});

export interface Program {
  /** the words after `starling` */
  verb: string;
  summary: string;
  options: OptionSet;
}

/** Every command with options, in the order in which help and docs list them. */
export const programs: readonly Program[] = [
  {
    verb: "local-testnet start",
    summary: "Starts a coordinator and several clients on this machine and trains.",
    options: localTestnetOptions,
  },
  { verb: "server", summary: "Runs the coordinator of one run over TCP.", options: serverOptions },
  { verb: "client", summary: "Joins a run at a TCP coordinator and trains.", options: clientOptions },
];
