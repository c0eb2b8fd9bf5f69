/** Inputs for decoders: valid encodings, bent. */

/** sfc32: fast, seeded, good enough for choosing bits. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    // FNV-1a of the seed, three times with different starts
    const hash = (start: number): number => {
      let h = start;
      for (let i = 0; i < seed.length; i++) h = Math.imul(h ^ seed.charCodeAt(i), 0x01000193);
      return h >>> 0;
    };
    [this.#a, this.#b, this.#c] = [hash(0x811c9dc5), hash(0x9dc5811c), hash(0x5bd1e995)];
    for (let i = 0; i < 8; i++) this.bits();
  }

  /** 32 random bits */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 <= n < below */
  below(below: number): number {
    return below <= 1 ? 0 : this.bits() % below;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}

const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
/** What trips readers of text: numbers at the edge, names that objects have anyway, nesting, half a character. */
const WORDS = [
  "null", "true", "NaN", "Infinity", "-1", "-0", "1e999", "1e-999", "9007199254740993", "18446744073709551616", "0x10", "1_000", "nan", "inf",
  "__proto__", "constructor", "prototype", "toString", "length", "\"", "'", "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", "[]", "{}", ",", ":",
  "=", "\n", "\r\n", "\0", "#", "[[", "]]", "\"\"\"", "'''", "../", "/", "%00", "\u{feff}", "ﬀ", "💥", "1979-05-27T07:32:00Z",
].map(ascii); // prettier-ignore
const HALF_CHARACTER = Uint8Array.of(0xf0, 0x9f, 0x92);
/** Longest input: most decoders refuse longer ones by one comparison. */
const MAX_BYTES = 64 * 1024;

function withRange(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + inserted.length);
  result.set(bytes.subarray(0, at));
  result.set(inserted, at);
  result.set(bytes.subarray(at + removed), at + inserted.length);
  return result;
}

function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.bits();
  return bytes;
}

function setInteger(random: Random, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  const width = random.of([1, 2, 4, 8]);
  if (bytes.length < width) return;
  const at = random.below(bytes.length - width + 1);
  const value = random.below(4) === 0 ? Math.max(0, bytes.length + random.below(9) - 4) : random.of(INTERESTING);
  const little = random.below(4) > 0;
  if (width === 1) view.setUint8(at, value);
  else if (width === 2) view.setUint16(at, value, little);
  else if (width === 4) view.setUint32(at, value, little);
  else view.setBigUint64(at, random.below(2) === 0 ? BigInt(value) : 0xffffffffffffffffn - BigInt(random.below(2)), little);
}

/** One change. */
function mutateOnce(random: Random, bytes: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  const at = random.below(bytes.length + 1);
  const span = Math.min(bytes.length - at, 1 + random.below(random.of([2, 8, 64, 4096])));
  switch (random.below(14)) {
    case 0:
    case 1:
      if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      return bytes;
    case 2:
      if (bytes.length > 0) bytes[random.below(bytes.length)] = random.of([0, 1, 0x7f, 0x80, 0xff, random.bits()]);
      return bytes;
    case 3:
    case 4:
      setInteger(random, bytes);
      return bytes;
    case 5:
      return bytes.slice(0, at);
    case 6:
      return withRange(bytes, at, span, new Uint8Array(0));
    case 7:
      return withRange(bytes, at, 0, bytes.slice(at, at + span));
    case 8: {
      // the beginning of one, the end of another
      const other = random.of(corpus);
      return withRange(bytes, at, bytes.length - at, other.subarray(random.below(other.length + 1)));
    }
    case 9: {
      const other = random.of(corpus);
      const from = random.below(other.length + 1);
      return withRange(bytes, at, span, other.subarray(from, from + span));
    }
    case 10:
      return withRange(bytes, at, random.below(2) * span, random.below(20) === 0 ? HALF_CHARACTER : random.of(WORDS));
    case 11:
      return withRange(bytes, at, 0, randomBytes(random, 1 + random.below(16)));
    case 12: {
      // deep nesting in JSON, TOML and CBOR, or a long run of one byte
      const fill = random.of([0x5b, 0x7b, 0x81, 0xa1, 0xd8, 0x9f, 0x30, 0xff, random.bits() & 0xff]);
      return withRange(bytes, at, 0, new Uint8Array(random.of([16, 256, 4096, 20_000])).fill(fill));
    }
    default:
      bytes.subarray(at, at + span).set(randomBytes(random, span));
      return bytes;
  }
}

/** Input number `index`. A few are valid as they are, a few are nothing but noise. */
export function inputOf(seed: number, target: string, index: number, corpus: readonly Uint8Array[]): Uint8Array {
  const random = new Random(`${seed} ${target} ${index}`);
  const kind = random.below(50);
  if (kind === 0) return randomBytes(random, random.below(random.of([8, 64, 1024])));
  let bytes: Uint8Array = random.of(corpus).slice();
  if (kind === 1) return bytes;
  for (let changes = 1 + random.below(random.of([2, 4, 12])); changes > 0; changes--) bytes = mutateOnce(random, bytes, corpus);
  return bytes.length > MAX_BYTES ? bytes.slice(0, MAX_BYTES) : bytes;
}
