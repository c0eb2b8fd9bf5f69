import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { byteTokenizer, loadTokenizer } from "./tokenizer.ts";

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");

/** Encodings by Hugging Face's Rust library, `tokenizers` (see the README). */
const encodings = JSON.parse(fixture("encodings.json")) as Record<string, { text: string; ids: number[]; decoded: string }[]>;

describe.each(["llama3Style", "llama2Style"])("tokenizer.json, %s", (name) => {
  const tokenizer = loadTokenizer(fixture(`${name}.json`));

  test.each(encodings[name])("$text", ({ text, ids, decoded }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(decoded);
    expect(tokenizer.decode(Int32Array.from(ids))).toBe(decoded);
  });

  test("ids outside the vocabulary are refused", () => {
    for (const id of [-1, 0.5, Number.NaN, tokenizer.vocabSize]) {
      expect(() => tokenizer.decode([0, id])).toThrow(expect.objectContaining({ name: "TokenizerError", code: "unknown-token" }));
    }
    expect(Math.max(...encodings[name].flatMap(({ ids }) => ids))).toBeLessThan(tokenizer.vocabSize);
  });
});

describe("tokenizers", () => {
  test("a character cut in two becomes U+FFFD", () => {
    const tokenizer = loadTokenizer(fixture("llama3Style.json"));
    expect(tokenizer.decode(tokenizer.encode("🙂").slice(0, 2))).toBe("\ufffd");
    expect(byteTokenizer.decode(byteTokenizer.encode("🙂").slice(0, 2))).toBe("\ufffd");
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"model": {}}',
    '{"model": {"type": "BPE"}}',
    '{"model": {"type": "X", "vocab": {}}}',
    '{"model": {"type": "BPE", "vocab": {}, "merges": []}}',
    '{"model": {"type": "BPE", "vocab": {"a": 0, "b": 2000000000}, "merges": []}}',
    '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "added_tokens": [{"id": 2000000000, "content": "b"}]}',
  ])("refuses %j as tokenizer.json", (text) => {
    expect(() => loadTokenizer(text)).toThrow(expect.objectContaining({ name: "TokenizerError", code: "bad-tokenizer" }));
  });

  test("bytes are tokens, and every text comes back", () => {
    expect(byteTokenizer.encode("aé\0")).toEqual([97, 0xc3, 0xa9, 0]);
    for (const text of ["", "\ufeffBOM", "日本語 🙂\r\n"]) expect(byteTokenizer.decode(byteTokenizer.encode(text))).toBe(text);
    expect(() => byteTokenizer.decode([256])).toThrow(expect.objectContaining({ code: "unknown-token" }));
  });
});
