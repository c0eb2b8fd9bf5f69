import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { seededRandom } from "@starling/network";
import { describe, expect, test } from "vitest";
import { MergeTable, mergePairs } from "./bytePairs.ts";
import { fastEncoder } from "./fastEncoder.ts";
import { loadTokenizer } from "./tokenizer.ts";

type Json = Record<string, unknown>;
const fixture = (name: string): Json => JSON.parse(readFileSync(join(import.meta.dirname, "fixtures", `${name}.json`), "utf8")) as Json;
const SEED = 20_261_121;

const PIECES = [
  ..."abcdefghijklmnopqrstuvwxyz",
  ..." '.,\n\t-\r  ",
  ..."0123456789",
  ...[
    "the ",
    " and",
    "'ll",
    "é",
    "日本",
    "🙂",
    "\u00a0",
    "\u2581",
    "\n\n",
    "   ",
    "ing",
    "THE",
    "<|end_of_text|>",
    "</s>",
    "<unk>",
    "<",
    "|>",
  ],
  ...["e\u0301", "\u200d", "ß", "ﬁ", "\u0000", "==========", "ſ"],
];

describe.each(["llama3Style", "llama2Style"])("the fast encoder, %s", (name) => {
  const json = fixture(name);
  const library = new HuggingFaceTokenizer({ ...json }, {});
  const slow = (text: string): number[] => library.encode(text, { add_special_tokens: false }).ids as number[];

  test(`encodes 800 random texts as the library does (seed ${SEED})`, () => {
    const tokenizer = loadTokenizer(JSON.stringify(json));
    const random = seededRandom(SEED);
    for (let i = 0; i < 800; i++) {
      const text = Array.from({ length: 1 + Math.floor(random() * 60) }, () => PIECES[Math.floor(random() * PIECES.length)]).join("");
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(slow(text));
    }
  });

  test("a line without a space does not take for ever", () => {
    const tokenizer = loadTokenizer(JSON.stringify(json));
    const line = "thethe".repeat(30_000);
    expect(tokenizer.encode(line).length).toBeGreaterThan(1000); // in time with the square of its length: hours
  });
});

test("what the fast encoder does not know is left to the library", () => {
  const json = fixture("llama3Style");
  const model = json["model"] as Json;
  const pattern = /\S+|\s+/gu;
  expect(fastEncoder(json, pattern)).not.toBeNull();
  expect(fastEncoder(json, null)).toBeNull();
  for (const change of [
    { normalizer: { type: "NFC" } },
    { pre_tokenizer: null },
    { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } },
    { added_tokens: [{ id: 0, content: "x", normalized: true }] },
    { model: { ...model, dropout: 0.1 } },
    { model: { ...model, type: "Unigram" } },
    { model: { ...model, merges: [["a", "no such token"]] } },
  ]) {
    expect(fastEncoder({ ...json, ...change }, pattern), JSON.stringify(change).slice(0, 60)).toBeNull();
  }
  const gpt2 = { ...json, pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true } };
  expect(fastEncoder(gpt2, null)!("don't  stop")).toEqual(loadTokenizer(JSON.stringify(gpt2)).encode("don't  stop"));
});

test("pairs merge by rank, then from the left, in short and long words alike", () => {
  const merges = new MergeTable(100);
  merges.add(1, 2, 1, 10); // ab
  merges.add(2, 3, 0, 11); // bc before ab
  merges.add(1, 1, 2, 12); // aa
  merges.add(12, 12, 3, 13);
  expect(mergePairs([1, 2, 3], merges)).toEqual([1, 11]);
  expect(mergePairs([1, 1, 1], merges)).toEqual([12, 1]);
  expect(mergePairs(Array<number>(101).fill(1), merges)).toEqual([...Array<number>(25).fill(13), 1]);
  const random = seededRandom(SEED);
  for (let i = 0; i < 200; i++) {
    const word = Array.from({ length: 24 }, () => 1 + Math.floor(random() * 3));
    const long = mergePairs([...word, 99, ...word], merges); // 99 merges with nothing
    const short = mergePairs(word, merges);
    expect(long).toEqual([...short, 99, ...short]);
  }
});
