import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { fastEncoder } from "./fastEncoder.ts";

/** Text to tokens and back. */
export interface Tokenizer {
  /** one more than the largest token id */
  readonly vocabSize: number;
  /**
   * Token ids of a text, without the marks of a beginning or end that a model's template would add.
   * @throws TokenizerError "unknown-token", "bad-tokenizer"
   */
  encode(text: string): number[];
  /**
   * The text of tokens; bytes that are not UTF-8, as at the cut end of a character, become U+FFFD.
   * @throws TokenizerError "unknown-token", "bad-tokenizer"
   */
  decode(ids: readonly number[] | Int32Array): string;
}

export type TokenizerErrorCode =
  /** the text is not a tokenizer.json, or uses what the library does not know */
  | "bad-tokenizer"
  /** an id outside the vocabulary, or a text that this vocabulary cannot spell */
  | "unknown-token";

/** What the tokenizer room throws, and nothing else. */
export class TokenizerError extends Error {
  override readonly name = "TokenizerError";
  readonly code: TokenizerErrorCode;

  constructor(code: TokenizerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * A tokenizer from the text of a Hugging Face tokenizer.json: byte-level BPE (GPT-2, Llama 3) and BPE with byte fallback (Llama 2)
 * are tested, and encoded by code of ours that is several times as fast as Hugging Face's own JavaScript library; every other
 * kind is encoded by that library, which needs nothing of Node or the DOM. A special token that a text spells out is that token.
 *
 * @throws TokenizerError "bad-tokenizer"
 */
export function loadTokenizer(tokenizerJson: string): Tokenizer {
  let inner: HuggingFaceTokenizer;
  let vocabulary: Map<string, number>;
  let encodeFast: ReturnType<typeof fastEncoder>;
  try {
    const json = JSON.parse(tokenizerJson) as Record<string, unknown>;
    checkIds(json);
    // Older files leave out what they do not use; the library wants to see null.
    const absent = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
    inner = new HuggingFaceTokenizer({ ...absent, ...json }, {});
    vocabulary = inner.get_vocab(true);
    encodeFast = fastEncoder(json, splitPatternOf(inner));
  } catch (error) {
    throw new TokenizerError("bad-tokenizer", `tokenizer.json cannot be used: ${(error as Error).message}`, error);
  }
  const ids = new Set(vocabulary.values());
  const vocabSize = 1 + [...ids].reduce((max, id) => (Number.isSafeInteger(id) && id > max ? id : max), -1);
  if (vocabSize === 0) throw new TokenizerError("bad-tokenizer", "tokenizer.json cannot be used: its vocabulary is empty");

  return {
    vocabSize,
    encode(text) {
      const fast = encodeFast?.(text);
      if (fast) return fast;
      // The library's own types do not resolve under NodeNext.
      const encoded = byLibrary(() => inner.encode(text, { add_special_tokens: false }).ids as (number | undefined)[]);
      if (encoded.some((id) => id === undefined)) {
        throw new TokenizerError(
          "unknown-token",
          "the text holds characters that are not in this tokenizer's vocabulary, and it has no unknown token",
        );
      }
      return encoded as number[];
    },
    decode(tokens) {
      const list = Array.from(tokens);
      if (list.length === 0) return ""; // the library refuses an empty list
      for (const id of list) {
        if (!ids.has(id)) throw new TokenizerError("unknown-token", `token ${id} is not in the vocabulary of ${vocabSize}`);
      }
      // The clean-up of spaces is for English prose of word-piece models; it would change what was written.
      return byLibrary(() => inner.decode(list, { skip_special_tokens: false, clean_up_tokenization_spaces: false }));
    },
  };
}

/** Far above any vocabulary; the library makes lists as long as the largest id, and never ends where that is 2e9. */
const MAX_VOCABULARY = 1 << 24;

function checkIds(json: Record<string, unknown>): void {
  const check = (token: string, id: unknown): void => {
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_VOCABULARY) return;
    throw new RangeError(
      `the id of ${JSON.stringify(token.slice(0, 40))} must be an integer from 0 to ${MAX_VOCABULARY - 1}, got ${String(id)}`,
    );
  };
  const { model, added_tokens: added } = json as { model?: { vocab?: unknown } | null; added_tokens?: unknown };
  const vocab = model?.vocab;
  // of a Unigram model the ids are the places in a list
  if (typeof vocab === "object" && vocab !== null && !Array.isArray(vocab))
    for (const [token, id] of Object.entries(vocab)) check(token, id);
  if (Array.isArray(added))
    for (const token of added as ({ id?: unknown; content?: unknown } | null)[]) check(String(token?.content), token?.id);
}

/** What it takes at loading it may still stumble over in use: a post-processor's template that is none, for one. */
function byLibrary<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new TokenizerError("bad-tokenizer", `tokenizer.json cannot be used: ${(error as Error).message}`, error);
  }
}

/** The library turns Rust's regular expressions into JavaScript's: `Split` is the first of a sequence, or alone. */
function splitPatternOf(inner: HuggingFaceTokenizer): RegExp | null {
  const { pre_tokenizer: step } = inner as unknown as { pre_tokenizer: { tokenizers?: { pattern?: unknown }[] } | null };
  const pattern = step?.tokenizers?.[0]?.pattern;
  return pattern instanceof RegExp ? pattern : null;
}

/** Each byte of the UTF-8 text is a token: 256 of them, no files, for small demonstration models. */
export const byteTokenizer: Tokenizer = {
  vocabSize: 256,
  encode: (text) => Array.from(new TextEncoder().encode(text)),
  decode(ids) {
    const list = Array.from(ids);
    for (const id of list) {
      if (!(id >= 0 && id < 256)) throw new TokenizerError("unknown-token", `token ${id} is not a byte, 0 to 255`);
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(list));
  },
};
