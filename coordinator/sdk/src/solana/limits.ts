/** What a text or list may measure in an instruction: the programs refuse more, and a transaction has 1,232 bytes. */
import { LIMITS } from "../generated/machineLayout.ts";
import { ChainError } from "./chainError.ts";

export const CHAIN_LIMITS = {
  nameBytes: 64,
  descriptionBytes: 280,
  clientVersionBytes: 96,
  /** name, description and client version together, of a run that is created with a treasury */
  textsWithTreasuryBytes: 360,
  tomlBytes: 8192,
  /** of one write_config: what fits a transaction through the treasurer, with compute budget and price */
  configChunkBytes: 700,
  addressesBytes: 400,
  locationBytes: LIMITS.CHECKPOINT_LOCATION_BYTES,
  healthCheckTargets: 16,
  settleSlots: 20,
  bloomBytes: 512,
  /** what the program takes; with a tick beside it a transaction has room for `METADATA_LIMITS.bytes` */
  metadataBytes: 200,
  delegatesAtOnce: 16,
  delegates: 32,
  /** a session's float, and what a session key is filled up to */
  floatLamports: 100_000_000n,
  sessionKeyLamports: 3_000_000n,
} as const;

/** @throws ChainError `bad-argument` */
export function requireText(what: string, value: string, maxBytes: number): string {
  const length = new TextEncoder().encode(value).length;
  if (length > maxBytes) throw new ChainError("bad-argument", `${what} has ${length} bytes, at most ${maxBytes} fit`);
  return value;
}

/** @throws ChainError `bad-argument` */
export function requireBytes(what: string, value: Uint8Array, bytes: number): Uint8Array {
  if (value.length !== bytes) throw new ChainError("bad-argument", `${what}: expected ${bytes} bytes, got ${value.length}`);
  return value;
}

/** @throws ChainError `bad-argument` */
export function requireCount(what: string, count: number, max: number): void {
  if (count < 1 || count > max) throw new ChainError("bad-argument", `${what}: expected 1 to ${max}, got ${count}`);
}

/** @throws ChainError `bad-argument` */
export function requireUnsigned(what: string, value: number | bigint, bits: 8 | 16 | 32 | 64): void {
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isInteger || value < 0 || BigInt(value) >> BigInt(bits) !== 0n) {
    throw new ChainError("bad-argument", `${what}: expected an integer from 0 to 2^${bits} - 1, got ${value}`);
  }
}
