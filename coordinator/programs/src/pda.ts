/** Program-derived addresses, synchronously (kit's are asynchronous, and a scenario of 256 members needs a thousand). */
import { type Address, getAddressDecoder, getAddressEncoder, isOffCurveAddress } from "@solana/kit";
import { createHash } from "node:crypto";

const found = new Map<string, readonly [Address, number]>();

/** Address and bump, as `find_program_address` of the runtime has them. A text is its UTF-8 bytes, an address its 32 bytes. */
export function findPda(program: Address, seeds: readonly (string | Uint8Array)[]): readonly [Address, number] {
  const parts = seeds.map((seed) => (typeof seed === "string" ? new TextEncoder().encode(seed) : seed));
  const name = `${program}/${parts.map((part) => Buffer.from(part).toString("hex")).join("/")}`;
  const known = found.get(name);
  if (known) return known;
  for (let bump = 255; bump >= 0; bump--) {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    hash.update(Uint8Array.of(bump)).update(addressBytes(program)).update("ProgramDerivedAddress");
    const address = getAddressDecoder().decode(new Uint8Array(hash.digest()));
    if (!isOffCurveAddress(address)) continue;
    const result = [address, bump] as const;
    found.set(name, result);
    return result;
  }
  throw new Error(`no bump gives an address off the curve for ${name}`);
}

export function addressBytes(address: Address): Uint8Array {
  return new Uint8Array(getAddressEncoder().encode(address));
}

export function addressOf(bytes: Uint8Array): Address {
  return getAddressDecoder().decode(bytes);
}
