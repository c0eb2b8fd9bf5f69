import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { byteTokenizer, loadTokenizer } from "../tokenizer/tokenizer.ts";
import { untied } from "./testModel.ts";
import { textModel, TextStream } from "./textModel.ts";

const fixture = (name: string) => readFileSync(new URL(`../tokenizer/fixtures/${name}.json`, import.meta.url), "utf8");
const text = "To be, or not to be — naïve 中文 🐦 end.";

describe("TextStream", () => {
  test.each([
    ["bytes", byteTokenizer],
    ["like Llama 3", loadTokenizer(fixture("llama3Style"))],
    ["like Llama 2", loadTokenizer(fixture("llama2Style"))],
  ])("gives the text in pieces, whole characters only: %s", (_, tokenizer) => {
    const tokens = tokenizer.encode(text);
    const whole = tokenizer.decode(tokens);
    for (const first of [0, 5, 12]) {
      const stream = new TextStream(tokenizer, tokens.slice(0, first));
      const pieces = tokens.slice(first).map((token) => stream.push(token));
      expect(pieces.join("") + stream.end()).toBe(whole.slice(tokenizer.decode(tokens.slice(0, first)).length));
      for (const piece of pieces) expect(piece).not.toContain("\uFFFD");
    }
  });

  test("bytes that are no character come at the end", () => {
    const stream = new TextStream(byteTokenizer, []);
    expect([stream.push(0x41), stream.push(0xe4), stream.end()]).toEqual(["A", "", "\uFFFD"]);
  });
});

describe("textModel", () => {
  test("a model without a tokenizer writes bytes, whatever its vocabulary", () => {
    expect(textModel({ ...untied, vocabSize: 32_000, eosTokenId: 2 }, null)).toMatchObject({ vocabulary: 256, prefix: [], stopTokens: [] });
    expect(() => textModel({ ...untied, vocabSize: 255 }, null)).toThrow(/no tokenizer.json, and its vocabulary of 255/);
  });

  test("the tokenizer's template tells what stands before a text; both configs what ends one", () => {
    const json = JSON.parse(fixture("llama3Style")) as Record<string, unknown>;
    const template = {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "<s>", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "</s>", type_id: 0 } },
      ],
      special_tokens: { "<s>": { id: "<s>", ids: [7], tokens: ["<s>"] }, "</s>": { id: "</s>", ids: [8], tokens: ["</s>"] } },
    };
    const config = { ...untied, vocabSize: 100_000, eosTokenId: [3, 4] };
    for (const post_processor of [template, { type: "Sequence", processors: [{ type: "ByteLevel" }, template] }]) {
      const model = textModel(config, JSON.stringify({ ...json, post_processor }), { eos_token_id: 5 });
      expect(model).toMatchObject({ prefix: [7], stopTokens: [3, 4, 5], vocabulary: model.tokenizer.vocabSize });
    }
    expect(textModel(config, JSON.stringify({ ...json, post_processor: null })).prefix).toEqual([]);
  });
});
