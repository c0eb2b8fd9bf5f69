/**
 * A small schema codec. A message is declared once; its TypeScript type, its encoder and its decoder follow from the
 * declaration. Integers are little-endian, lengths are u8, u16 or u32 by their limit. Encoding is canonical: one value
 * has one form, and a decoder accepts no other, so that hashes over encoded messages are hashes over values.
 */
import { ProtocolError } from "./errors.ts";

export interface Codec<T> {
  /** Largest encoded size in bytes. */
  maxBytes: number;
  write(writer: Writer, value: T, path: string): void;
  read(reader: Reader, path: string): T;
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  integer(value: number, width: 1 | 2 | 4): void {
    this.#grow(width);
    if (width === 1) this.#view.setUint8(this.#length, value);
    else if (width === 2) this.#view.setUint16(this.#length, value, true);
    else this.#view.setUint32(this.#length, value, true);
    this.#length += width;
  }

  integer64(value: bigint): void {
    this.#grow(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.#grow(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  integer(width: 1 | 2 | 4, path: string): number {
    const at = this.#take(width, path);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  integer64(path: string): bigint {
    return this.#view.getBigUint64(this.#take(8, path), true);
  }

  /** A copy: nothing decoded keeps the message alive. */
  raw(length: number, path: string): Uint8Array {
    const at = this.#take(length, path);
    return this.#bytes.slice(at, at + length);
  }

  finish(): void {
    const left = this.#bytes.byteLength - this.#at;
    if (left > 0) throw new ProtocolError("trailing-bytes", `the message ends ${left} bytes before its bytes do`);
  }

  #take(length: number, path: string): number {
    const at = this.#at;
    const left = this.#bytes.byteLength - at;
    if (length > left) throw new ProtocolError("truncated", `${path} needs ${length} bytes, ${left} are left`);
    this.#at = at + length;
    return at;
  }
}

function unsigned(width: 1 | 2 | 4): Codec<number> {
  const largest = 2 ** (8 * width) - 1;
  return {
    maxBytes: width,
    write(writer, value, path) {
      if (!Number.isInteger(value) || value < 0 || value > largest) {
        throw new ProtocolError("bad-value", `${path} must be an integer from 0 to ${largest}, got ${value}`);
      }
      writer.integer(value, width);
    },
    read: (reader, path) => reader.integer(width, path),
  };
}

export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u32 = unsigned(4);

export const u64: Codec<bigint> = {
  maxBytes: 8,
  write(writer, value, path) {
    if (value < 0n || value >= 1n << 64n) {
      throw new ProtocolError("bad-value", `${path} must be an integer from 0 to 2^64 - 1, got ${value}`);
    }
    writer.integer64(value);
  },
  read: (reader, path) => reader.integer64(path),
};

export const bool: Codec<boolean> = {
  maxBytes: 1,
  write: (writer, value) => writer.integer(value ? 1 : 0, 1),
  read(reader, path) {
    const value = reader.integer(1, path);
    if (value > 1) throw new ProtocolError("bad-value", `${path} must be 0 or 1, got ${value}`);
    return value === 1;
  },
};

/** Exactly `length` bytes. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    maxBytes: length,
    write(writer, value, path) {
      if (value.byteLength !== length) {
        throw new ProtocolError("bad-value", `${path} must have ${length} bytes, got ${value.byteLength}`);
      }
      writer.raw(value);
    },
    read: (reader, path) => reader.raw(length, path),
  };
}

function lengthCodec(max: number): Codec<number> {
  return max < 2 ** 8 ? u8 : max < 2 ** 16 ? u16 : u32;
}

function checkLength(length: number, max: number, path: string): void {
  if (length > max) throw new ProtocolError("too-long", `${path} holds at most ${max}, got ${length}`);
}

/** At most `max` bytes, behind their length. */
export function bytesMax(max: number): Codec<Uint8Array> {
  const prefix = lengthCodec(max);
  return {
    maxBytes: prefix.maxBytes + max,
    write(writer, value, path) {
      checkLength(value.byteLength, max, path);
      prefix.write(writer, value.byteLength, path);
      writer.raw(value);
    },
    read(reader, path) {
      const length = prefix.read(reader, path);
      checkLength(length, max, path);
      return reader.raw(length, path);
    },
  };
}

const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const toUtf8 = new TextEncoder();

/** At most `max` bytes of UTF-8, behind their length. */
export function string(max: number): Codec<string> {
  const inner = bytesMax(max);
  return {
    maxBytes: inner.maxBytes,
    write: (writer, value, path) => inner.write(writer, toUtf8.encode(value), path),
    read(reader, path) {
      const raw = inner.read(reader, path);
      try {
        return fromUtf8.decode(raw);
      } catch (cause) {
        throw new ProtocolError("bad-value", `${path} is not UTF-8`, { cause });
      }
    },
  };
}

/** At most `max` items, behind their count. */
export function list<T>(item: Codec<T>, max: number): Codec<T[]> {
  const prefix = lengthCodec(max);
  return {
    maxBytes: prefix.maxBytes + max * item.maxBytes,
    write(writer, values, path) {
      checkLength(values.length, max, path);
      prefix.write(writer, values.length, path);
      values.forEach((value, i) => item.write(writer, value, `${path}[${i}]`));
    },
    read(reader, path) {
      const count = prefix.read(reader, path);
      checkLength(count, max, path);
      return Array.from({ length: count }, (_, i) => item.read(reader, `${path}[${i}]`));
    },
  };
}

/** A value or null, behind a byte that says which. */
export function optional<T>(inner: Codec<T>): Codec<T | null> {
  return {
    maxBytes: 1 + inner.maxBytes,
    write(writer, value, path) {
      bool.write(writer, value !== null, path);
      if (value !== null) inner.write(writer, value, path);
    },
    read: (reader, path) => (bool.read(reader, path) ? inner.read(reader, path) : null),
  };
}

type Fields = Record<string, Codec<unknown>>;
export type StructOf<F extends Fields> = { [K in keyof F]: ValueOf<F[K]> };

/** The fields in the order in which they are declared, nothing between them. */
export function struct<F extends Fields>(fields: F): Codec<StructOf<F>> {
  const entries = Object.entries(fields);
  return {
    maxBytes: entries.reduce((sum, [, codec]) => sum + codec.maxBytes, 0),
    write(writer, value, path) {
      for (const [name, codec] of entries) codec.write(writer, value[name], `${path}.${name}`);
    },
    read(reader, path) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader, `${path}.${name}`);
      return value as StructOf<F>;
    },
  };
}

type Variants = Record<string, readonly [tag: number, codec: Codec<unknown>]>;
export type UnionOf<V extends Variants> = { [K in keyof V]: { type: K; value: ValueOf<V[K][1]> } }[keyof V];

/** One of several shapes, behind its tag (u8). */
export function union<V extends Variants>(variants: V): Codec<UnionOf<V>> {
  const byTag = new Map(Object.entries(variants).map(([type, [tag, codec]]) => [tag, { type, codec }]));
  return {
    maxBytes: 1 + Math.max(...Object.values(variants).map(([, codec]) => codec.maxBytes)),
    write(writer, { type, value }, path) {
      const [tag, codec] = variants[type];
      writer.integer(tag, 1);
      codec.write(writer, value, `${path}.${String(type)}`);
    },
    read(reader, path) {
      const tag = reader.integer(1, path);
      const variant = byTag.get(tag);
      if (variant === undefined) throw new ProtocolError("unknown-tag", `${path} has no kind ${tag}; update the older side`);
      return { type: variant.type, value: variant.codec.read(reader, `${path}.${variant.type}`) } as UnionOf<V>;
    },
  };
}

/** `inner`, refused where `problemOf` finds something: how a schema states what its fields' ranges cannot. */
export function checked<T>(inner: Codec<T>, problemOf: (value: T) => string | null): Codec<T> {
  const check = (value: T, path: string): T => {
    const problem = problemOf(value);
    if (problem !== null) throw new ProtocolError("bad-value", `${path}: ${problem}`);
    return value;
  };
  return {
    maxBytes: inner.maxBytes,
    write: (writer, value, path) => inner.write(writer, check(value, path), path),
    read: (reader, path) => check(inner.read(reader, path), path),
  };
}

/** A codec's bytes alone, without a version: what is hashed. */
export function encodeBare<T>(codec: Codec<T>, value: T, name: string): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value, name);
  return writer.finish();
}

/** A whole message: its version (u8), then its body. */
export interface Message<T> {
  maxBytes: number;
  encode(value: T): Uint8Array;
  /** @throws ProtocolError on anything but the canonical encoding of one value */
  decode(bytes: Uint8Array): T;
}

export function message<T>(name: string, version: number, body: Codec<T>): Message<T> {
  return {
    maxBytes: 1 + body.maxBytes,
    encode(value) {
      const writer = new Writer();
      writer.integer(version, 1);
      body.write(writer, value, name);
      return writer.finish();
    },
    decode(encoded) {
      const reader = new Reader(encoded);
      const found = reader.integer(1, `${name} version`);
      if (found !== version) {
        throw new ProtocolError("unknown-version", `${name} is read in version ${version}, got ${found}; update the older side`);
      }
      const value = body.read(reader, name);
      reader.finish();
      return value;
    },
  };
}
