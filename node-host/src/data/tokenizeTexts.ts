import type { Tokenizer } from "@starling/trainer-core/tokenizer/tokenizer";

export interface Tokenized {
  /** of all texts, one after another */
  tokens: Uint32Array<ArrayBuffer>;
  /** of each text; -1 where `errors` says why there are none */
  counts: Int32Array<ArrayBuffer>;
  errors: Record<number, string>;
}

export function tokenizeTexts(tokenizer: Tokenizer, texts: readonly string[]): Tokenized {
  const errors: Record<number, string> = {};
  const encoded = texts.map((text, i) => {
    try {
      return tokenizer.encode(text);
    } catch (error) {
      errors[i] = (error as Error).message;
      return null;
    }
  });
  const tokens = new Uint32Array(encoded.reduce((sum, ids) => sum + (ids?.length ?? 0), 0));
  let at = 0;
  for (const ids of encoded) {
    if (ids === null) continue;
    tokens.set(ids, at);
    at += ids.length;
  }
  return { tokens, counts: Int32Array.from(encoded, (ids) => ids?.length ?? -1), errors };
}
