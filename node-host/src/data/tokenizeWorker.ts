/** A thread that turns texts into tokens, so that all cores do. */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { loadTokenizer } from "@starling/trainer-core/tokenizer/tokenizer";

export interface TokenizeTask {
  texts: string[];
}

export interface Tokenized {
  /** of all texts, one after another */
  tokens: Uint32Array<ArrayBuffer>;
  /** of each text; -1 where `errors` says why there are none */
  counts: Int32Array<ArrayBuffer>;
  errors: Record<number, string>;
}

const tokenizer = loadTokenizer(readFileSync((workerData as { tokenizerPath: string }).tokenizerPath, "utf8"));

parentPort!.on("message", ({ texts }: TokenizeTask) => {
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
  const answer: Tokenized = { tokens, counts: Int32Array.from(encoded, (ids) => ids?.length ?? -1), errors };
  parentPort!.postMessage(answer, [tokens.buffer, answer.counts.buffer]);
});
