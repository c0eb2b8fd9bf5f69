/**
 * The toolchain's self-test: what legalize.cpp rewrites (wide and signed arithmetic, shifts, many arguments, memory) computed by a
 * program on the chain and by BigInt here. And: whether the committed artefacts are what the manifest and the sources say.
 */
import {
  type Address,
  appendTransactionMessageInstructions,
  compileTransaction,
  createTransactionMessage,
  getTransactionEncoder,
  lamports,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  type Blockhash,
  type Transaction,
} from "@solana/kit";
import { Keyring } from "@starling/programs/keyring";
import { FailedTransactionMetadata, LiteSVM } from "litesvm";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ARTIFACTS = join(import.meta.dirname, "../artifacts");
const FOLDER = process.env["STARLING_PROGRAMS_DIR"] ?? ARTIFACTS;
const CASES_AT_ONCE = 27;
const COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111" as Address;
/** SetComputeUnitLimit to the most there is */
const MOST_UNITS = Uint8Array.of(2, ...new Uint8Array(Uint32Array.of(1_400_000).buffer));
const TRANSACTIONS = Number(process.env["STARLING_TOOLCHAIN_TRANSACTIONS"] ?? 240);
const SEED = Number(process.env["STARLING_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

const ONES = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
const u = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
const s = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);

type Answer = readonly [bigint, bigint];
type Operation = (a: bigint, b: bigint) => Answer;

const NONE: Answer = [0n, 0n];
/** Some(value) as its 128 bits and 1, where it fits the type; else None. */
const unsigned = (bits: number, value: bigint | null): Answer => (value === null || value !== u(bits, value) ? NONE : [value, 1n]);
const signed = (bits: number, value: bigint | null): Answer => (value === null || value !== s(bits, value) ? NONE : [u(128, value), 1n]);
const over = (a: bigint, b: bigint, what: (a: bigint, b: bigint) => bigint): bigint | null => (b === 0n ? null : what(a, b));
const quotient = (a: bigint, b: bigint): bigint => a / b;
const remainder = (a: bigint, b: bigint): bigint => a % b;
/** i64::checked_rem refuses what checked_div refuses. */
const signedRemainder = (bits: number, a: bigint, b: bigint): Answer =>
  a === -(1n << BigInt(bits - 1)) && b === -1n ? NONE : signed(bits, over(a, b, remainder));
const bitsOf = (value: bigint): string => (value === 0n ? "" : value.toString(2));
const rotl64 = (value: bigint, by: bigint): bigint => u(64, (u(64, value) << (by & 63n)) | (u(64, value) >> ((64n - (by & 63n)) & 63n)));

function isqrt(value: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root--;
  while ((root + 1n) * (root + 1n) <= value) root++;
  return root;
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

const low = (a: bigint): bigint => u(64, a);
const high = (a: bigint): bigint => a >> 64n;
const seven = (...words: bigint[]): bigint => words.reduce((mixed, word, index) => mixed ^ rotl64(word, BigInt(index)), 0n);

function mixes(a: bigint, b: bigint): { mixer: "adder" | "shifter"; words: bigint[] } {
  const [x, y, z, w] = [low(a), high(a), low(b), high(b)];
  return { mixer: (x & 1n) === 0n ? "adder" : "shifter", words: [x, y, z, w, x ^ z, y ^ w] };
}

/** bytes.rs: an xorshift over two words. */
function noise(a: bigint, b: bigint): Uint8Array {
  let state = (a ^ rotl64(b, 17n)) | 1n;
  return Uint8Array.from({ length: 192 }, () => {
    state = u(64, state ^ (state << 13n));
    state ^= state >> 7n;
    state = u(64, state ^ (state << 17n));
    return Number(state & 255n);
  });
}

const checksum = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => u(128, sum * 257n + BigInt(byte)), 0n);
const EQUAL_LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 40, 48, 63, 64, 65, 96, 128, 192];

/** What the memory cases work on. */
function scene(a: bigint, b: bigint): { first: Uint8Array; from: number; length: number } {
  return { first: noise(low(a), low(b)), from: Number(high(a) % 64n), length: Number(high(b) % 129n) };
}

const OPERATIONS: Readonly<Record<number, Operation>> = {
  0: (a, b) => unsigned(64, low(a) * low(b)),
  1: (a, b) => signed(64, s(64, a) * s(64, b)),
  2: (a, b) => [u(128, a * b), 0n],
  3: (a, b) => unsigned(128, a * b),
  4: (a, b) => unsigned(128, over(a, b, quotient)),
  5: (a, b) => unsigned(128, over(a, b, remainder)),
  6: (a, b) => signed(128, over(s(128, a), s(128, b), quotient)),
  7: (a, b) => signedRemainder(128, s(128, a), s(128, b)),
  8: (a, b) => signed(64, over(s(64, a), s(64, b), quotient)),
  9: (a, b) => signedRemainder(64, s(64, a), s(64, b)),
  10: (a, b) => signed(32, over(s(32, a), s(32, b), quotient)),
  11: (a, b) => signedRemainder(32, s(32, a), s(32, b)),
  12: (a, b) => unsigned(128, a + b),
  13: (a, b) => unsigned(128, a - b),
  14: (a, b) => signed(128, s(128, a) - s(128, b)),
  15: (a, b) => [u(128, a << (b & 127n)), a >> (b & 127n)],
  16: (a, b) => [u(128, s(128, a) >> (b & 127n)), u(128, (a << (b & 127n)) | (a >> (128n - (b & 127n))))],
  17: (a) => [BigInt(64 - bitsOf(low(a)).length), a === 0n ? 128n : BigInt(bitsOf(a).length - bitsOf(a).lastIndexOf("1") - 1)],
  18: (a) => [isqrt(low(a)), BigInt(bitsOf(low(a)).replaceAll("0", "").length)],
  20: (a, b) => unsigned(32, u(32, a) * u(32, b)),
  21: (a, b) => unsigned(16, u(16, a) * u(16, b)),
  19: (a, b) => [swapBytes(low(a)), u(64, low(a) ** (b & 63n))],
  22: (a, b) => [low(a) * low(b) > ONES(64) ? ONES(64) : low(a) * low(b), u(64, low(a) * low(b))],
  23: (a, b) => [low(a) * low(b), 0n],
  24: (a, b) => [a < b ? 1n : 0n, s(128, a) < s(128, b) ? 1n : 0n],
  25: (a, b) => [low(b) === 0n ? 0n : (low(a) * high(a)) / low(b), 0n],
  40: (a, b) => {
    const [x, y, z, w] = [low(a), high(a), low(b), high(b)];
    return [seven(x, y, z, w, x ^ z, y ^ w, x ^ y), 0n];
  },
  41: (a, b) => {
    let sum = 0n;
    for (let rest = b; rest > 0n; rest >>= 8n) sum += rest & 255n;
    return [u(128, (low(a) & 1n) === 1n ? a - b : a + b) ^ sum, 0n];
  },
  42: (a, b) => {
    const { mixer, words } = mixes(a, b);
    if (mixer === "adder") return [seven(low(b), ...words), 5n];
    return [rotl64(seven(...words.toReversed(), 0n), high(b) & 63n), 24n];
  },
  43: (a, b) => {
    const { mixer } = mixes(a, b);
    if (mixer === "adder") return a + b > ONES(128) ? NONE : unsigned(128, a + b + 5n);
    return a < b ? NONE : unsigned(128, a - b - 24n);
  },
  44: (a, b) => {
    const [x, y, z, w] = [low(a), high(a), low(b), high(b)];
    const words = [x, y, z, w, x ^ z, y ^ w, x ^ y];
    return [seven(...((x & 1n) === 1n ? words.toReversed() : words)), 0n];
  },
  45: (a, b) => {
    const [x, z] = [low(a), low(b)];
    if (x === z) return [x, 0n];
    let sum = 0n;
    for (let index = 0n; index < 12n; index++) sum += rotl64(x, index) ^ z;
    return [sum, 1n];
  },
  60: (a, b) => {
    const { first, from, length } = scene(a, b);
    const second = new Uint8Array(192);
    second.set(first.subarray(0, length), from);
    return [checksum(second), 0n];
  },
  61: (a, b) => {
    const { first, from, length } = scene(a, b);
    const second = first.slice();
    second.copyWithin(from, 0, length);
    const up = checksum(second);
    second.copyWithin(0, from, from + length);
    return [up, checksum(second)];
  },
  62: (a, b) => {
    const { first, from, length } = scene(a, b);
    const second = first.slice().fill(Number(a & 255n), from, from + length);
    return [checksum(second), 0n];
  },
  63: (a, b) => {
    const { first, from, length } = scene(a, b);
    const second = first.slice();
    second[from] = second[from] + (Number(b & 255n) % 3) - 1;
    const order = Buffer.compare(first.subarray(0, length), second.subarray(0, length));
    return [BigInt(order & 255), order === 0 ? 1n : 0n];
  },
  64: (a, b) => {
    const { from } = scene(a, b);
    const isEqual = (length: number): boolean => (b & 1n) === 0n || length <= from;
    return [EQUAL_LENGTHS.reduce((bits, length, index) => (isEqual(length) ? bits | (1n << BigInt(index)) : bits), 0n), 0n];
  },
  65: (a, b) => {
    const { first } = scene(a, b);
    const second = new Uint8Array(192).fill(Number(a & 255n));
    second.set(first.subarray(64, 128), 0);
    second.set(first.subarray(0, 96), 64);
    return [checksum(second), 0n];
  },
};

/** A splitmix64 over the seed: numbers of every size, powers of two, their neighbours, and equal pairs. */
class Numbers {
  #state: bigint;
  constructor(seed: number) {
    this.#state = BigInt(seed);
  }
  word(): bigint {
    this.#state = u(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = u(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = u(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }
  below(bound: number): number {
    return Number(this.word() % BigInt(bound));
  }
  wide(): bigint {
    const bit = 1n << BigInt(this.below(128));
    switch (this.below(6)) {
      case 0:
        return bit;
      case 1:
        return bit - 1n;
      case 2:
        return u(128, -bit);
      case 3:
        return BigInt(this.below(8));
      default:
        return ((this.word() << 64n) | this.word()) >> BigInt(this.below(128));
    }
  }
}

class SelfTest {
  readonly #svm = new LiteSVM().withSigverify(false).withBlockhashCheck(false).withTransactionHistory(0n);
  readonly #keys = new Keyring("toolchain");
  readonly #payer: Address;
  readonly #program: Address;

  constructor() {
    this.#payer = this.#keys.key("payer").address;
    this.#program = this.#keys.key("selftest").address;
    this.#svm.airdrop(this.#payer, lamports(1_000_000_000_000n));
    this.#svm.addProgram(this.#program, readFileSync(join(FOLDER, "selftest.so")));
  }

  /** Answers of up to 27 cases, in order. */
  run(cases: readonly { operation: number; a: bigint; b: bigint }[]): Answer[] {
    const data = Buffer.concat(cases.map(({ operation, a, b }) => Buffer.concat([Buffer.of(operation), wide(a), wide(b)])));
    const lifetime = { blockhash: this.#svm.latestBlockhash() as Blockhash, lastValidBlockHeight: 0n };
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayer(this.#payer, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
      (m) =>
        appendTransactionMessageInstructions(
          [
            { programAddress: COMPUTE_BUDGET_PROGRAM, data: MOST_UNITS },
            { programAddress: this.#program, data },
          ],
          m,
        ),
    );
    const compiled = compileTransaction(message);
    const signatures = Object.fromEntries(Object.keys(compiled.signatures).map((address) => [address, new Uint8Array(64).fill(1)]));
    const transaction = { messageBytes: compiled.messageBytes, signatures } as unknown as Transaction;
    expect(getTransactionEncoder().encode(transaction as never).length).toBeLessThanOrEqual(1232);
    const result = this.#svm.sendTransaction(transaction);
    if (result instanceof FailedTransactionMetadata) throw new Error(`the self-test failed\n${result.meta().logs().join("\n")}`);
    // the runtime drops zeros at the end of return data
    const bytes = Buffer.concat([Buffer.from(result.returnData().data()), Buffer.alloc(1024)]);
    return cases.map((_, index) => [readWide(bytes, index * 32), readWide(bytes, index * 32 + 16)]);
  }
}

function wide(value: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(low(value), 0);
  bytes.writeBigUInt64LE(high(value), 8);
  return bytes;
}

const readWide = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at) | (bytes.readBigUInt64LE(at + 8) << 64n);

describe("the toolchain of the programs", () => {
  it(`computes what BigInt computes (seed ${SEED})`, () => {
    const numbers = new Numbers(SEED);
    const known = Object.keys(OPERATIONS).map(Number);
    const selfTest = new SelfTest();
    let index = 0;
    for (let n = 0; n < TRANSACTIONS; n++) {
      const cases = Array.from({ length: CASES_AT_ONCE }, () => {
        const a = numbers.wide();
        return { operation: known[index++ % known.length], a, b: numbers.below(8) === 0 ? a : numbers.wide() };
      });
      const answers = selfTest.run(cases);
      for (const [at, { operation, a, b }] of cases.entries()) {
        expect(answers[at], `operation ${operation} of ${a} and ${b}, seed ${SEED}`).toEqual(OPERATIONS[operation](a, b));
      }
    }
  });

  it("gives answers to the edge of every type", () => {
    const selfTest = new SelfTest();
    const edges = [0n, 1n, 2n, ONES(63), ONES(64), 1n << 63n, 1n << 64n, ONES(127), 1n << 127n, ONES(128), ONES(32), 1n << 31n, 1n << 32n];
    for (const operation of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 22, 24]) {
      const cases = edges.flatMap((a) => edges.map((b) => ({ operation, a, b })));
      for (let from = 0; from < cases.length; from += CASES_AT_ONCE) {
        const some = cases.slice(from, from + CASES_AT_ONCE);
        const answers = selfTest.run(some);
        for (const [at, { a, b }] of some.entries()) {
          expect(answers[at], `operation ${operation} of ${a} and ${b}`).toEqual(OPERATIONS[operation](a, b));
        }
      }
    }
  });

  it("made the committed artefacts, from the sources that are here", () => {
    const manifest = JSON.parse(readFileSync(join(ARTIFACTS, "manifest.json"), "utf8")) as {
      programs: Record<string, { bytes: number; sha256: string }>;
      sourceSha256: string;
    };
    expect(readdirSync(ARTIFACTS).toSorted()).toEqual(
      [...Object.keys(manifest.programs).map((name) => `${name}.so`), "manifest.json"].toSorted(),
    );
    for (const [name, { bytes, sha256 }] of Object.entries(manifest.programs)) {
      const artifact = readFileSync(join(ARTIFACTS, `${name}.so`));
      expect([artifact.length, createHash("sha256").update(artifact).digest("hex")], name).toEqual([bytes, sha256]);
    }
    const script = join(import.meta.dirname, "../../../scripts/build-programs.mjs");
    const sources = execFileSync(process.execPath, [script, "--sources"], { encoding: "utf8" }).trim();
    const advice = 'the artefacts are older than their sources: run "node scripts/build-programs.mjs" and commit them';
    expect(manifest.sourceSha256, advice).toBe(sources);
  });
});
