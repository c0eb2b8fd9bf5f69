#!/usr/bin/env node
/**
 * Embeds shaders/wgsl/FAMILY/*.wgsl as text in shaders/src/generated/FAMILY.ts, because a browser Worker and Node must import
 * the same kernels without a file system or a bundler plugin. One output a family, so that families change independently.
 *
 *   node scripts/embedShaders.mjs [FAMILY...]      writes (all families without names)
 *   node scripts/embedShaders.mjs --check          exit 1 and the list of stale files, writes nothing
 *
 * A line `// #include "prelude/name.wgsl"` is replaced by that file (path from shaders/wgsl), because WGSL has no modules.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const shaders = join(dirname(fileURLToPath(import.meta.url)), "..", "shaders");
const source = join(shaders, "wgsl");
const target = join(shaders, "src", "generated");

const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
const check = process.argv.includes("--check");
const families = readdirSync(source, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "prelude" && (wanted.length === 0 || wanted.includes(entry.name)))
  .map((entry) => entry.name)
  .sort();

let stale = 0;
for (const family of families) {
  const text = embedFamily(family);
  if (text === null) continue;
  const file = join(target, `${family}.ts`);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  stale++;
  if (check) {
    console.error(`${file} is stale: run node scripts/embedShaders.mjs`);
  } else {
    mkdirSync(target, { recursive: true });
    writeFileSync(file, text);
    console.error(`wrote ${file}`);
  }
}
if (check && stale > 0) process.exitCode = 1;

/** The generated module of one family; null while its folder holds no kernel. */
function embedFamily(family) {
  const names = readdirSync(join(source, family))
    .filter((name) => name.endsWith(".wgsl"))
    .sort();
  if (names.length === 0) return null;
  const entries = names.map((name) => {
    const escaped = expand(join(family, name)).replace(/[\\`]|\$\{/g, (found) => `\\${found}`);
    return `  ${name.slice(0, -".wgsl".length)}: \`${escaped}\`,\n`;
  });
  return `// Generated from shaders/wgsl/${family} by scripts/embedShaders.mjs: edit those files instead.\n/* oxlint-disable */\nexport const wgsl = {\n${entries.join("")}} as const;\n`;
}

/** The text of `path` (from shaders/wgsl) with its includes, which do not nest. */
function expand(path) {
  return readFileSync(join(source, path), "utf8").replace(/^\/\/ #include "([\w/.]+)"$/gm, (_, included) =>
    readFileSync(join(source, included), "utf8").trimEnd(),
  );
}
