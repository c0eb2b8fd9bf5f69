/** Everything that must hold before a commit and needs no running machine: format, lint, types, import directions, generated files. */
import { spawnSync } from "node:child_process";
import { checkImports } from "./checkImports.ts";

let failed = 0;
function step(name: string, command: string, args: string[]): void {
  const started = performance.now();
  const result = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ok = result.status === 0;
  if (!ok) failed++;
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
}

step("format", "oxfmt", ["--check", "."]);
step("lint", "oxlint", ["--quiet"]);
step("types", "tsc", ["-p", "tsconfig.json"]);
step("types of the page", "tsc", ["-p", "web/tsconfig.json"]);
const breaches = await checkImports();
if (breaches > 0) failed++;
console.log(`${breaches === 0 ? "ok  " : "FAIL"} import directions${breaches > 0 ? `: ${breaches} against DESIGN.md section 2` : ""}`);
step("generated files", process.execPath, ["scripts/generate.ts", "--check"]);
if (failed > 0) {
  console.log(`${failed} checks failed; "npm run format" mends the first, "npm run generate" the last`);
  process.exit(1);
}
