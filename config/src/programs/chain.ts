/** Options that the commands of the chain share. Names are the existing system's (facts 7) and those of documents 001 and 003. */
import type { OptionSpec } from "../defineOptions.ts";
import { MAX_RUN_ID_BYTES } from "../run/runSchema.ts";

const rpcUrl = (text: string): string | null =>
  /^["']?https?:\/\/[^\s"']+["']?$/.test(text.trim()) ? null : "must be an http:// or https:// url";
const wsUrl = (text: string): string | null => (/^["']?wss?:\/\/[^\s"']+["']?$/.test(text.trim()) ? null : "must be a ws:// or wss:// url");

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ADDRESS_BYTES = 32;

/** Null, or what is wrong: a character lost in copying leaves base58 that stands for another number of bytes. */
export function addressRule(text: string): string | null {
  const digits = [...text.trim()].map((letter) => BASE58.indexOf(letter));
  if (digits.length < 32 || digits.length > 44 || digits.includes(-1)) return "must be a Solana address: 32 to 44 base58 characters";
  const value = digits.reduce((sum, digit) => 58n * sum + BigInt(digit), 0n);
  // each leading 1 is a byte of zeros
  const zeros = digits.findIndex((digit) => digit !== 0);
  const bytes = zeros < 0 ? digits.length : zeros + Math.ceil(value.toString(16).length / 2);
  return bytes === ADDRESS_BYTES ? null : `must be a Solana address: it stands for ${bytes} bytes, and an address has ${ADDRESS_BYTES}`;
}

/** A Solana address: 32 bytes as base58. */
export const address = { type: "string", unit: "address", check: addressRule } as const satisfies Omit<OptionSpec, "doc">;

/** An amount as people write it; never read as a binary fraction. */
export const amount = {
  type: "string",
  check: (text: string): string | null =>
    /^\d{1,20}(\.\d{1,20})?$/.test(text.trim()) ? null : "must be a decimal number such as 12 or 0.5, without sign, exponent or separators",
} as const satisfies Omit<OptionSpec, "doc">;

const rpc = { type: "string", unit: "url", minBytes: 1, maxBytes: 2048, check: rpcUrl } as const;
const wsRpc = { type: "string", unit: "url", minBytes: 1, maxBytes: 2048, optional: true, check: wsUrl } as const;

export const cluster = {
  rpc: { ...rpc, default: "http://127.0.0.1:8899", doc: "Solana RPC; the primary one." },
  wsRpc: { ...wsRpc, doc: "Websocket of the primary RPC; left out = the RPC's own address, on the next port where it names one." },
  rpc2: { ...rpc, flag: "--rpc-2", optional: true, doc: "RPC to fall back to while the primary one does not answer." },
  wsRpc2: { ...wsRpc, flag: "--ws-rpc-2", doc: "Websocket of that RPC." },
  rpc3: { ...rpc, flag: "--rpc-3", optional: true, doc: "A further RPC to fall back to." },
  wsRpc3: { ...wsRpc, flag: "--ws-rpc-3", doc: "Websocket of that RPC." },
} as const satisfies Record<string, OptionSpec>;

export const programIds = {
  coordinatorProgramId: { ...address, optional: true, doc: "Program that coordinates runs; left out = that of local-validator." },
  authorizerProgramId: {
    ...address,
    optional: true,
    doc: "Program that keeps join authorizations; left out = the run's own, and for a new run that of local-validator.",
  },
  treasurerProgramId: { ...address, optional: true, doc: "Program that keeps treasuries; left out = that of local-validator." },
} as const satisfies Record<string, OptionSpec>;

/** What is paid beside the base fee of 5000 lamports a signature. */
export const fees = {
  maxPriorityFee: {
    type: "integer",
    unit: "micro-lamports per compute unit",
    min: 0,
    max: 1_000_000_000,
    default: 100_000,
    doc: "Most that is bid for a place in a block. What was paid for the same accounts lately decides; this is its limit.",
  },
} as const satisfies Record<string, OptionSpec>;

export const envFile = {
  type: "string",
  unit: "path",
  minBytes: 1,
  optional: true,
  env: null,
  doc: "File of environment variables, NAME=value a line; the process's own environment wins. Names that are no option's are passed on.",
} as const satisfies OptionSpec;

export const json = {
  type: "boolean",
  default: false,
  env: null,
  doc: "Print one JSON object instead of sentences.",
} as const satisfies OptionSpec;

export const runId = {
  type: "string",
  minBytes: 1,
  maxBytes: MAX_RUN_ID_BYTES,
  aliases: ["-r"],
  doc: "Name of the run.",
} as const satisfies OptionSpec;

export const wallet = {
  walletPrivateKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    aliases: ["-w"],
    envAliases: ["WALLET_PATH"],
    doc: "File with the private key that signs and pays: a JSON array of 64 or 32 numbers, as solana-keygen writes it, or base58.",
  },
  rawWalletPrivateKey: {
    type: "string",
    minBytes: 1,
    maxBytes: 4096,
    optional: true,
    secret: true,
    doc: "That key itself, as a JSON array or base58; wins over the file.",
  },
} as const satisfies Record<string, OptionSpec>;

/** Only kept because commands written for the existing system carry it: our treasury is found by the run's name. */
export const treasurerIndex = {
  type: "string",
  optional: true,
  env: null,
  check: (text: string): string | null => (/^\d{1,20}$/.test(text) ? null : "must be a whole number"),
  doc: "Accepted and without effect: a treasury is found by its run's name.",
} as const satisfies OptionSpec;

/** Of a command that only reads. */
export const reading = { ...cluster, ...programIds, envFile, json } as const satisfies Record<string, OptionSpec>;
/** Of a command that signs. */
export const signing = { ...cluster, ...wallet, ...programIds, ...fees, envFile, json } as const satisfies Record<string, OptionSpec>;
