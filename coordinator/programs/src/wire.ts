/** Packed little-endian bytes, and instructions whose accounts are named: what a test changes one of, and nothing else. */
import { AccountRole, type Address, type Instruction } from "@solana/kit";
import { addressBytes } from "./pda.ts";

export const u8 = (value: number): Uint8Array => integer(BigInt(value), 1);
export const u16 = (value: number): Uint8Array => integer(BigInt(value), 2);
export const u32 = (value: number): Uint8Array => integer(BigInt(value), 4);
export const u64 = (value: bigint): Uint8Array => integer(value, 8);
export const key = (address: Address): Uint8Array => addressBytes(address);

/** u16 length, UTF-8 */
export function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function integer(value: bigint, bytes: number): Uint8Array {
  const buffer = new Uint8Array(8);
  new DataView(buffer.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return buffer.subarray(0, bytes);
}

export interface NamedAccount {
  readonly name: string;
  readonly address: Address;
  readonly signer: boolean;
  readonly writable: boolean;
}

/** An instruction as data: `accounts` in order, `data` with its discriminator. */
export interface Call {
  readonly name: string;
  readonly program: Address;
  readonly accounts: readonly NamedAccount[];
  readonly data: Uint8Array;
}

/**
 * `"owner(s,w) run"` with the address of each name -> accounts. `member*` takes as many as `repeated` has.
 * Throws where an address is missing: a test with a wrong name must not pass by accident.
 */
export function namedAccounts(
  signature: string,
  addresses: Readonly<Record<string, Address>>,
  repeated: readonly Address[] = [],
): NamedAccount[] {
  return signature
    .split(" ")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const match = /^(\w+)(\*?)(?:\(([sw,]+)\))?$/.exec(part);
      if (!match) throw new Error(`"${part}" is no account`);
      const [, name, many, flags = ""] = match;
      const roles = { signer: flags.includes("s"), writable: flags.includes("w") };
      if (many) return repeated.map((address, index) => ({ name: `${name}${index}`, address, ...roles }));
      const address = addresses[name];
      if (address === undefined) throw new Error(`no address for the account "${name}"`);
      return [{ name, address, ...roles }];
    });
}

export function toInstruction(call: Call): Instruction {
  return { programAddress: call.program, accounts: call.accounts.map((a) => ({ address: a.address, role: roleOf(a) })), data: call.data };
}

function roleOf({ signer, writable }: NamedAccount): AccountRole {
  if (signer) return writable ? AccountRole.WRITABLE_SIGNER : AccountRole.READONLY_SIGNER;
  return writable ? AccountRole.WRITABLE : AccountRole.READONLY;
}
