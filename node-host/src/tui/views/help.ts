/** What the keys do, where the files are, how one leaves. */
import { title } from "../layout.ts";
import { row, span, wrap, type Line } from "../text.ts";
import type { View } from "./frame.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["q, Ctrl-C", "stop: leave the run, save, end; once more: end at once"],
  ["tab, 1-4, ← →", "the views"],
  ["↑ ↓ PgUp PgDn", "scroll; Home and End: oldest, newest"],
  ["w", "warnings and errors only"],
  ["p", "pause or resume the run (server and local testnet)"],
  ["Ctrl-L", "draw everything anew"],
  ["?", "this page"],
];

const WORDS: readonly (readonly [string, string])[] = [
  ["loss", "mean of the round's batches, nats a token; ◆ is the held-out loss"],
  ["efficiency", "share of a round's time in which a client trains, over 16 rounds"],
  ["tokens/s", "over the last 16 rounds; of a client its own share only"],
];

export function helpView({ model, columns }: View): readonly Line[] {
  const width = Math.max(...KEYS.map(([key]) => key.length)) + 2;
  const lines: Line[] = [title("Keys", columns)];
  for (const [key, what] of KEYS) lines.push(row(span(` ${key.padEnd(width)}`, "bold"), span(what)));
  lines.push(title("Words", columns));
  for (const [word, what] of WORDS) lines.push(row(span(` ${word.padEnd(width)}`, "bold"), span(what)));
  if (model.folder) lines.push(title("Files of this run", columns), row(` ${model.folder}`));
  if (model.join) {
    lines.push(title("One more client joins with", columns));
    for (const text of wrap(model.join, columns - 2, 3)) lines.push(row(` ${text}`));
  }
  return lines;
}
