/** What RPC nodes send is hostile until it has been looked at: bounded, and read field by field. */
import type { Address } from "@solana/kit";
import { isAddress } from "@solana/kit";
import { ChainError } from "./chainError.ts";

export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** Integers beyond 2^53 come as bigint, all others as number. @throws ChainError `rpc` */
export function parseJson(text: string): Json {
  try {
    // the source of a number is there in Node 21+ and in every browser with WebGPU
    return JSON.parse(text, ((_key: string, value: unknown, { source }: { source?: string }) =>
      typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
        ? BigInt(source)
        : value) as (this: unknown, key: string, value: unknown) => unknown) as Json;
  } catch (cause) {
    throw new ChainError("rpc", `the node's answer is not JSON: ${text.slice(0, 60)}`, { cause });
  }
}

export function field(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

/** @throws ChainError `rpc` */
export function integer(value: Json | undefined, what: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw unexpected(what, "an integer", value);
}

/** @throws ChainError `rpc` */
export function list(value: Json | undefined, what: string): Json[] {
  if (Array.isArray(value)) return value;
  throw unexpected(what, "a list", value);
}

/** @throws ChainError `rpc` */
export function string(value: Json | undefined, what: string): string {
  if (typeof value === "string") return value;
  throw unexpected(what, "a text", value);
}

/** The slot that a result is about; null where it names none. */
export function contextSlot(result: Json | undefined): bigint | null {
  const slot = field(field(result, "context"), "slot");
  return Number.isSafeInteger(slot) && (slot as number) >= 0 ? BigInt(slot as number) : null;
}

/** An account as a node tells it. */
export interface ChainAccount {
  owner: Address;
  lamports: bigint;
  /** the whole account, or the slice asked for */
  data: Uint8Array;
}

/** No account of ours is larger. */
const MAX_ACCOUNT_BYTES = 65_536;

/** A base64 account, or null where there is none. @throws ChainError `rpc` */
export function account(value: Json | undefined): ChainAccount | null {
  if (value === null) return null;
  const owner = string(field(value, "owner"), "an account's owner");
  if (!isAddress(owner)) throw unexpected("an account's owner", "an address", owner);
  const [text, encoding] = list(field(value, "data"), "an account's data");
  if (encoding !== "base64") throw unexpected("an account's encoding", "base64", encoding);
  return {
    owner,
    lamports: integer(field(value, "lamports"), "an account's lamports"),
    data: fromBase64(string(text, "an account's data")),
  };
}

export function fromBase64(text: string): Uint8Array {
  if (text.length > (MAX_ACCOUNT_BYTES * 4) / 3 + 4) throw new ChainError("rpc", `the node sent an account of ${text.length} characters`);
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ChainError("rpc", "an account's data is not base64", { cause });
  }
}

export function unexpected(what: string, expected: string, came: unknown): ChainError {
  const shown = typeof came === "string" ? JSON.stringify(came.slice(0, 60)) : typeof came === "object" ? "an object" : String(came);
  return new ChainError("rpc", `${what}: expected ${expected}, the node sent ${shown}`);
}
