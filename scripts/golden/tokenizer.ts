/** Golden case `tokenizer/`: every text of encodings.json encodes to its ids and decodes back, with the loaded tokenizer.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer } from "@starling/trainer-core/tokenizer/tokenizer";
import type { GoldenResult } from "./result.ts";

interface Encoding {
  text: string;
  ids: number[];
  decoded: string;
}

export async function goldenTokenizer(folder: string): Promise<GoldenResult[]> {
  const tokenizer = loadTokenizer(readFileSync(join(folder, "tokenizer.json"), "utf8"));
  const encodings = JSON.parse(readFileSync(join(folder, "encodings.json"), "utf8")) as Encoding[];
  return encodings.map(({ text, ids, decoded }) => {
    const got = tokenizer.encode(text);
    const back = tokenizer.decode(ids);
    const ok = got.length === ids.length && got.every((id, i) => id === ids[i]) && back === decoded;
    const shown = JSON.stringify(text.slice(0, 24));
    return {
      name: shown,
      ok,
      detail: ok
        ? `${ids.length} ids equal`
        : `expected ${ids.join(" ")} and ${JSON.stringify(decoded)}, got ${got.join(" ")} and ${JSON.stringify(back)}`,
    };
  });
}
