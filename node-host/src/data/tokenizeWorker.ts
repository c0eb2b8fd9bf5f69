/** A thread that turns texts into tokens. */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { loadTokenizer } from "@starling/trainer-core/tokenizer/tokenizer";
import { tokenizeTexts } from "./tokenizeTexts.ts";

const tokenizer = loadTokenizer(readFileSync((workerData as { tokenizerPath: string }).tokenizerPath, "utf8"));

parentPort!.on("message", ({ texts }: { texts: string[] }) => {
  const answer = tokenizeTexts(tokenizer, texts);
  parentPort!.postMessage(answer, [answer.tokens.buffer, answer.counts.buffer]);
});
