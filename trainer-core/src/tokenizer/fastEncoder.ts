/**
 * The two common kinds of tokenizer.json, encoded without the library's strings: merges are looked up by token ids, and a word that
 * was seen before costs one look-up. Anything this does not know is left to the library; the tests compare the two.
 */
import { MergeTable, mergePairs } from "./bytePairs.ts";

/** The parts of a tokenizer.json that decide; everything is checked before it is believed. */
interface TokenizerJson {
  normalizer?: Part | null;
  pre_tokenizer?: Part | null;
  added_tokens?: { content: string; id: number; normalized?: boolean; lstrip?: boolean; rstrip?: boolean; single_word?: boolean }[];
  model: {
    type?: string;
    vocab: Record<string, number>;
    merges: (string | [string, string])[];
    dropout?: number | null;
    continuing_subword_prefix?: string | null;
    end_of_word_suffix?: string | null;
    byte_fallback?: boolean;
    ignore_merges?: boolean;
  };
}
interface Part {
  type: string;
  [key: string]: unknown;
}

/** Text between added tokens to words that no token crosses, and a word to the ids that its merges begin with. */
interface Splitter {
  words(text: string): Iterable<string>;
  ids(word: string): number[] | null;
  /** the vocabulary's spelling of a word, for `ignore_merges` */
  spelling(word: string): string;
}

const MAX_CACHED_WORDS = 1 << 17;
const MAX_CACHED_WORD_LENGTH = 64;
const SPACE = "\u2581"; // ▁

/**
 * @param splitPattern the regular expression of the Split pre-tokenizer as the library compiled it, if there is one
 * @returns null for a tokenizer of another kind; the encoder answers null for a text that it cannot spell
 */
export function fastEncoder(json: unknown, splitPattern: RegExp | null): ((text: string) => number[] | null) | null {
  const { model, added_tokens: added = [], ...parts } = json as TokenizerJson;
  const plain = !model.dropout && !model.continuing_subword_prefix && !model.end_of_word_suffix && (model.type ?? "BPE") === "BPE";
  const asWritten = added.every(({ normalized, lstrip, rstrip, single_word }) => !normalized && !lstrip && !rstrip && !single_word);
  if (!plain || !asWritten) return null;
  const vocab = new Map(Object.entries(model.vocab));
  const merges = mergeTable(model, vocab);
  const splitter = byteLevel(parts, model, vocab, splitPattern) ?? spacePiece(parts, model, vocab);
  if (merges === null || splitter === null) return null;

  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  const addedPattern = addedIds.size === 0 ? null : new RegExp(longestFirst([...addedIds.keys()]), "gu");
  const cache = new Map<string, number[]>();

  const encodeWord = (word: string): number[] | null => {
    const whole = model.ignore_merges ? vocab.get(splitter.spelling(word)) : undefined;
    if (whole !== undefined) return [whole];
    const ids = splitter.ids(word);
    return ids && mergePairs(ids, merges);
  };

  const encodeText = (text: string, out: number[]): boolean => {
    for (const word of splitter.words(text)) {
      let ids = cache.get(word);
      if (ids === undefined) {
        const encoded = encodeWord(word);
        if (encoded === null) return false;
        ids = encoded;
        if (cache.size >= MAX_CACHED_WORDS) cache.clear();
        if (word.length <= MAX_CACHED_WORD_LENGTH) cache.set(word, ids);
      }
      for (const id of ids) out.push(id);
    }
    return true;
  };

  return (text) => {
    const out: number[] = [];
    let at = 0;
    if (addedPattern !== null) {
      for (const match of text.matchAll(addedPattern)) {
        if (match.index > at && !encodeText(text.slice(at, match.index), out)) return null;
        out.push(addedIds.get(match[0])!);
        at = match.index + match[0].length;
      }
    }
    if (at < text.length && !encodeText(text.slice(at), out)) return null;
    return out;
  };
}

function mergeTable({ merges }: TokenizerJson["model"], vocab: ReadonlyMap<string, number>): MergeTable | null {
  const table = new MergeTable(1 + [...vocab.values()].reduce((max, id) => Math.max(max, id), 0));
  for (const [rank, merge] of merges.entries()) {
    const [left, right] = typeof merge === "string" ? merge.split(" ", 2) : merge;
    const ids = [left, right, left + right].map((token) => vocab.get(token));
    if (ids.some((id) => id === undefined)) return null;
    table.add(ids[0]!, ids[1]!, rank, ids[2]!);
  }
  return table;
}

/** GPT-2, Llama 3: a regular expression cuts words, the tokens are of bytes. */
function byteLevel(
  { normalizer, pre_tokenizer }: Pick<TokenizerJson, "normalizer" | "pre_tokenizer">,
  model: TokenizerJson["model"],
  vocab: ReadonlyMap<string, number>,
  splitPattern: RegExp | null,
): Splitter | null {
  if (normalizer || model.byte_fallback || !pre_tokenizer) return null;
  const steps = pre_tokenizer.type === "Sequence" ? (pre_tokenizer["pretokenizers"] as Part[]) : [pre_tokenizer];
  const last = steps.at(-1);
  if (last?.type !== "ByteLevel" || last["add_prefix_space"] !== false) return null;
  const own = last["use_regex"] !== false;
  const [split] = steps;
  if (
    own
      ? steps.length !== 1
      : steps.length !== 2 || split?.type !== "Split" || split["behavior"] !== "Isolated" || split["invert"] !== false
  ) {
    return null;
  }
  const pattern = own ? GPT2_PATTERN : splitPattern;
  if (pattern === null || !pattern.global) return null;
  const byteIds = BYTE_CHARACTERS.map((character) => vocab.get(character));
  if (byteIds.some((id) => id === undefined)) return null;
  const utf8 = new TextEncoder();
  return {
    *words(text) {
      let at = 0;
      for (const { 0: word, index } of text.matchAll(pattern)) {
        if (index > at) yield text.slice(at, index);
        if (word !== "") yield word;
        at = index + word.length;
      }
      if (at < text.length) yield text.slice(at);
    },
    ids: (word) => Array.from(utf8.encode(word), (byte) => byteIds[byte]!),
    spelling: (word) => Array.from(utf8.encode(word), (byte) => BYTE_CHARACTERS[byte]).join(""),
  };
}

/** Llama 2: spaces become ▁, the tokens are of characters, and what has no character's token is spelt in bytes. */
function spacePiece(
  { normalizer, pre_tokenizer }: Pick<TokenizerJson, "normalizer" | "pre_tokenizer">,
  model: TokenizerJson["model"],
  vocab: ReadonlyMap<string, number>,
): Splitter | null {
  if (pre_tokenizer || !model.byte_fallback || normalizer?.type !== "Sequence") return null;
  const [prepend, replace, ...others] = normalizer["normalizers"] as Part[];
  if (prepend?.type !== "Prepend" || prepend["prepend"] !== SPACE || replace?.type !== "Replace" || others.length > 0) return null;
  if (replace["content"] !== SPACE || (replace["pattern"] as { String?: string })?.String !== " ") return null;
  const byteIds = Array.from({ length: 256 }, (_, byte) => vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
  if (byteIds.some((id) => id === undefined)) return null;
  // a token with ▁ after something else would cross from one word into the next
  if (model.merges.some((merge) => /[^\u2581]\u2581/.test(typeof merge === "string" ? merge.replace(" ", "") : merge.join(""))))
    return null;
  const utf8 = new TextEncoder();
  return {
    words: (text) => (SPACE + text.replaceAll(" ", SPACE)).match(/\u2581*[^\u2581]+|\u2581+/gu) ?? [],
    ids(word) {
      const ids: number[] = [];
      for (const character of word) {
        const id = vocab.get(character);
        if (id !== undefined) ids.push(id);
        else for (const byte of utf8.encode(character)) ids.push(byteIds[byte]!);
      }
      return ids;
    },
    spelling: (word) => word,
  };
}

/** https://github.com/openai/gpt-2/blob/master/src/encoder.py */
const GPT2_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's printable character of each byte: itself where it is one, else the next one from U+0100 on. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  let other = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : other++);
  });
})();

function longestFirst(texts: string[]): string {
  return texts
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"))
    .join("|");
}
