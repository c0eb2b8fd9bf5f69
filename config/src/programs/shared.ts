/** Options that several commands have. */
import type { OptionSpec } from "../defineOptions.ts";

export const configPath = {
  type: "string",
  unit: "path",
  minBytes: 1,
  doc: "Run config: a file, a folder with config.toml or state.toml, or the name of a preset.",
} as const satisfies OptionSpec;

/** A TCP coordinator. */
export const serverAddr = {
  type: "string",
  unit: "HOST:PORT",
  minBytes: 1,
  maxBytes: 256,
  check: (text: string): string | null =>
    text.startsWith("/") || /^(\[[^\]]+\]|[^\s:]+):\d{1,5}$/.test(text) ? null : "must be HOST:PORT or a multiaddr",
} as const;

/** Only kept because commands written for the existing system carry it. */
export const noNvtop = {
  type: "boolean",
  default: false,
  env: null,
  doc: "Accepted and without effect: no pane shows nvtop.",
} as const satisfies OptionSpec;

export const tui = {
  type: "boolean",
  optional: true,
  doc: "true = --logs tui, false = --logs console; --logs wins.",
} as const satisfies OptionSpec;

export const logs = {
  type: "choice",
  choices: ["tui", "console", "json"],
  optional: true,
  doc: "Form of the output: tui = a display with keys, console = sentences, json = one object a line. Left out = tui on a terminal, console elsewhere.",
} as const satisfies OptionSpec;

export const device = {
  type: "string",
  minBytes: 1,
  check: (text: string): string | null =>
    text === "auto" || text === "software" || text === "gpu" ? null : "must be auto, software or gpu",
} as const;
export const deviceDoc =
  "Adapter to train on: auto = a GPU if there is one, else the bundled software adapter; gpu = fail where there is none.";

export const adapter = {
  type: "string",
  unit: "selector",
  minBytes: 1,
  maxBytes: 1024,
  optional: true,
  doc: "Adapters to take, separated by commas: each an index, a PCI id (0000:01:00.0) or a part of the name, as `starling doctor` lists them. Several = one device on each; left out = the first there is.",
} as const satisfies OptionSpec;

export const checkpointDir = { type: "string", unit: "path", minBytes: 1, optional: true } as const;
export const keepSteps = {
  type: "integer",
  unit: "checkpoints",
  min: 1,
  max: 1_000_000,
  default: 3,
  doc: "Newest checkpoints kept; older ones are deleted.",
} as const satisfies OptionSpec;
export const port = { type: "integer", min: 0, max: 65_535 } as const;

export const portOrNoneRule = (text: string): string | null =>
  text === "none" || (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) ? null : "must be a port from 0 to 65535, or none";

/** A port that may also be none; `portOrNone` reads it. */
const optionalPort = { type: "string", unit: "port", check: portOrNoneRule } as const;

export function portOrNone(text: string): number | null {
  return text === "none" ? null : Number(text);
}

/** Ways for browser tabs, which cannot dial TCP. */
export const tabPorts = {
  bindWsPort: {
    ...optionalPort,
    default: "0",
    doc: "TCP port for WebSockets, by which browser tabs reach this one; 0 = any free port, none = no tabs that way.",
  },
  bindWebrtcPort: {
    ...optionalPort,
    default: "none",
    doc: "UDP port for webrtc-direct, by which tabs of a page served over https reach this one without a certificate; 0 = any free port. It runs a native library in this process, so it is off unless you ask for it.",
  },
} as const satisfies Record<string, OptionSpec>;

export const faults = {
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
} as const satisfies Record<string, OptionSpec>;

/** Events on disk, metrics and health of one process. */
export const telemetry = {
  eventsDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder below which each node keeps its events as JSON lines, for `starling timeline`; left out = none are kept.",
  },
  keepEventFiles: { type: "integer", unit: "files", min: 1, max: 10_000, default: 8, doc: "Newest event files kept a node." },
  eventFileMib: {
    type: "number",
    unit: "MiB",
    min: 0.001,
    max: 4096,
    default: 16,
    doc: "Size at which an event file is closed and the next one begun.",
  },
  metricsLocalPort: {
    ...port,
    optional: true,
    doc: "Port of /metrics (Prometheus) and /healthz; 0 = any free port; left out = none.",
  },
  metricsHost: {
    type: "string",
    minBytes: 1,
    maxBytes: 64,
    default: "127.0.0.1",
    doc: "IP address of /metrics and /healthz; 0.0.0.0 = every interface.",
  },
} as const satisfies Record<string, OptionSpec>;

export const nodeName = {
  type: "string",
  minBytes: 1,
  maxBytes: 64,
  optional: true,
  check: (text: string): string | null =>
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) ? null : "must consist of letters, digits, dots, dashes and underscores",
  doc: "Name of this node in event files and metrics; left out = server, or client- and the first 8 digits of its peer id.",
} as const satisfies OptionSpec;
