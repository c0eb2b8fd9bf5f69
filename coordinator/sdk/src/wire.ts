import { decode, encode } from "cborg";
import { CoordinatorError } from "./errors.ts";

/**
 * The shape of a value on the wire, declared once: its TypeScript type is derived (`ValueOf`), and `check` proves
 * decoded CBOR against it. The encoding is strict CBOR; every length has a bound.
 */
export interface Shape<T> {
  /** @throws CoordinatorError `malformed`, naming the path, what was expected and what came */
  check(value: unknown, path: string): T;
}

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

type Fields = Record<string, Shape<unknown>>;

export function struct<F extends Fields>(fields: F): Shape<{ [K in keyof F]: ValueOf<F[K]> }> {
  const names = Object.keys(fields);
  return {
    check(value, path) {
      if (!(value instanceof Map)) throw malformed(path, "a map", value);
      if (value.size !== names.length) throw malformed(path, `exactly the fields ${names.join(", ")}`, `${value.size} fields`);
      const out: Record<string, unknown> = {};
      for (const name of names) out[name] = fields[name].check(value.get(name), `${path}.${name}`);
      return out as { [K in keyof F]: ValueOf<F[K]> };
    },
  };
}

export function bytes(length: number): Shape<Uint8Array> {
  return {
    check(value, path) {
      if (value instanceof Uint8Array && value.length === length) return value;
      throw malformed(path, `${length} bytes`, value);
    },
  };
}

export function bytesUpTo(maxLength: number): Shape<Uint8Array> {
  return {
    check(value, path) {
      if (value instanceof Uint8Array && value.length <= maxLength) return value;
      throw malformed(path, `at most ${maxLength} bytes`, value);
    },
  };
}

/** `maxLength` counts UTF-16 units, the length JavaScript sees. */
export function text(maxLength: number): Shape<string> {
  return {
    check(value, path) {
      if (typeof value === "string" && value.length <= maxLength) return value;
      throw malformed(path, `text of at most ${maxLength} characters`, value);
    },
  };
}

export function oneOf<const T extends string>(choices: readonly T[]): Shape<T> {
  return {
    check(value, path) {
      if (choices.includes(value as T)) return value as T;
      throw malformed(path, `one of ${choices.join(", ")}`, value);
    },
  };
}

export function integer(max: number): Shape<number> {
  return {
    check(value, path) {
      if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
      throw malformed(path, `an integer from 0 to ${max}`, value);
    },
  };
}

export const u16 = integer(0xffff);
export const u32 = integer(0xffffffff);

export const u64: Shape<bigint> = {
  check(value, path) {
    const wide = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof wide === "bigint" && wide >= 0n && wide < 1n << 64n) return wide;
    throw malformed(path, "an integer from 0 to 2^64 - 1", value);
  },
};

export const boolean: Shape<boolean> = {
  check(value, path) {
    if (typeof value === "boolean") return value;
    throw malformed(path, "true or false", value);
  },
};

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return { check: (value, path) => (value === null ? null : shape.check(value, path)) };
}

export function list<T>(item: Shape<T>, maxLength: number): Shape<T[]> {
  return {
    check(value, path) {
      if (!Array.isArray(value) || value.length > maxLength) throw malformed(path, `a list of at most ${maxLength}`, value);
      return value.map((entry, i) => item.check(entry, `${path}[${i}]`));
    },
  };
}

/** CBOR bytes of `value`; the shape is named so that a wrong value is a compile error. */
export function encodeAs<T>(_shape: Shape<T>, value: T): Uint8Array {
  return encode(value);
}

/** @throws CoordinatorError `malformed` */
export function decodeAs<T>(shape: Shape<T>, encoded: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = decode(encoded, {
      strict: true,
      useMaps: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (cause) {
    throw new CoordinatorError("malformed", `${what} is not strict CBOR: ${(cause as Error).message}`, { cause });
  }
  return shape.check(value, what);
}

function malformed(path: string, expected: string, came: unknown): CoordinatorError {
  return new CoordinatorError("malformed", `${path}: expected ${expected}, got ${describe(came)}`);
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return "a map";
  if (typeof value === "string") return value.length > 40 ? `${value.length} characters` : JSON.stringify(value);
  return String(value);
}
