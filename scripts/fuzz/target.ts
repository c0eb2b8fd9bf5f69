/** One decoder and what it promises. */
export interface FuzzTarget {
  /** also the name of its folder in corpus/ */
  name: string;
  /**
   * Decodes, and where that succeeds checks that the value survives encoding and decoding. Returns whether it decoded.
   * Throws what the decoder throws.
   */
  decode(bytes: Uint8Array): boolean | Promise<boolean>;
  /** The errors by which the decoder says no. */
  isRefusal(error: unknown): boolean;
  /** Valid encodings, made by the real encoders. */
  valid(): Uint8Array[] | Promise<Uint8Array[]>;
}

export class Mismatch extends Error {}

/** For encodings of which one value has several: the value must be the same again. */
export function expectSame(first: unknown, second: unknown, what: string): void {
  const [a, b] = [first, second].map((value) => JSON.stringify(value, plain));
  if (a !== b) throw new Mismatch(`${what}: ${a.slice(0, 300)} became ${b.slice(0, 300)}`);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return [...value];
  // the order of an object's keys means nothing, and TOML cannot keep it: tables come after scalars
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return Object.is(value, -0) ? "-0" : value;
}

/** For canonical encodings: the bytes must be the same again. */
export function expectBytes(first: Uint8Array, second: Uint8Array, what: string): void {
  if (Buffer.compare(first, second) !== 0) throw new Mismatch(`${what}: decoded and encoded again, the bytes differ`);
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
export const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
/** Reproducible content for samples. */
export const filled = (length: number, from = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i * 7);
