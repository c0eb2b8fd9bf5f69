/**
 * Instructions and accounts of Solana's upgradeable loader (solana-loader-v3-interface), by hand: no client of it fits kit 8.
 * Numbers are little-endian; an instruction begins with its u32 number.
 */
import {
  AccountRole,
  address,
  getAddressEncoder,
  getProgramDerivedAddress,
  type AccountMeta,
  type Address,
  type Instruction,
} from "@solana/kit";
import { SYSTEM_PROGRAM_ADDRESS } from "@solana-program/system";

export const LOADER_ADDRESS = address("BPFLoaderUpgradeab1e11111111111111111111111");
const RENT_SYSVAR = address("SysvarRent111111111111111111111111111111111");
const CLOCK_SYSVAR = address("SysvarC1ock11111111111111111111111111111111");

/** Bytes of the loader's own before a buffer's and a program's data: u32 state, then slot and authority. */
export const BUFFER_HEADER_BYTES = 37;
export const DATA_HEADER_BYTES = 45;
/** of a program's account, which only names its data account */
export const PROGRAM_BYTES = 36;

const NUMBERS = { initializeBuffer: 0, write: 1, deployWithMaxDataLen: 2, upgrade: 3, extendProgram: 6 } as const;

/** The account that holds a program's bytes. */
export async function programDataAddress(programId: Address): Promise<Address> {
  const [at] = await getProgramDerivedAddress({
    programAddress: LOADER_ADDRESS,
    seeds: [getAddressEncoder().encode(programId)],
  });
  return at;
}

export function initializeBuffer(buffer: Address, authority: Address): Instruction {
  return instruction([writable(buffer), readonly(authority)], NUMBERS.initializeBuffer, new Uint8Array(0));
}

export function write(buffer: Address, authority: Address, offset: number, bytes: Uint8Array): Instruction {
  const data = new Uint8Array(12 + bytes.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, offset, true);
  view.setBigUint64(4, BigInt(bytes.length), true);
  data.set(bytes, 12);
  return instruction([writable(buffer), signer(authority)], NUMBERS.write, data);
}

/** In the transaction that creates the program's account, which signs for itself there. */
export async function deployWithMaxDataLen(program: Address, buffer: Address, payer: Address, maxBytes: number): Promise<Instruction> {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt(maxBytes), true);
  return instruction(
    [
      writableSigner(payer),
      writable(await programDataAddress(program)),
      writable(program),
      writable(buffer),
      readonly(RENT_SYSVAR),
      readonly(CLOCK_SYSVAR),
      readonly(SYSTEM_PROGRAM_ADDRESS),
      signer(payer),
    ],
    NUMBERS.deployWithMaxDataLen,
    data,
  );
}

export async function upgrade(program: Address, buffer: Address, authority: Address): Promise<Instruction> {
  return instruction(
    [
      writable(await programDataAddress(program)),
      writable(program),
      writable(buffer),
      writable(authority), // what the buffer held above its rent
      readonly(RENT_SYSVAR),
      readonly(CLOCK_SYSVAR),
      signer(authority),
    ],
    NUMBERS.upgrade,
    new Uint8Array(0),
  );
}

export async function extendProgram(program: Address, payer: Address, moreBytes: number): Promise<Instruction> {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, moreBytes, true);
  return instruction(
    [writable(await programDataAddress(program)), writable(program), readonly(SYSTEM_PROGRAM_ADDRESS), writableSigner(payer)],
    NUMBERS.extendProgram,
    data,
  );
}

/** Who may upgrade the program whose data account holds `data`; null when nobody may. */
export function upgradeAuthority(data: Uint8Array): Uint8Array | null {
  return data[12] === 1 ? data.subarray(13, DATA_HEADER_BYTES) : null;
}

function instruction(accounts: AccountMeta[], number: number, rest: Uint8Array): Instruction {
  const data = new Uint8Array(4 + rest.length);
  new DataView(data.buffer).setUint32(0, number, true);
  data.set(rest, 4);
  return { programAddress: LOADER_ADDRESS, accounts, data };
}

const writable = (at: Address): AccountMeta => ({ address: at, role: AccountRole.WRITABLE });
const readonly = (at: Address): AccountMeta => ({ address: at, role: AccountRole.READONLY });
const signer = (at: Address): AccountMeta => ({ address: at, role: AccountRole.READONLY_SIGNER });
const writableSigner = (at: Address): AccountMeta => ({ address: at, role: AccountRole.WRITABLE_SIGNER });
