/** Writes the valid encodings of every target into corpus/, from the real encoders. Findings that lie there stay. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { targets } from "./targets/index.ts";

for (const target of targets) {
  const folder = new URL(`corpus/${target.name}/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.startsWith("valid-")) rmSync(new URL(file, folder));
  for (const [i, bytes] of (await target.valid()).entries()) writeFileSync(new URL(`valid-${i}`, folder), bytes);
}
