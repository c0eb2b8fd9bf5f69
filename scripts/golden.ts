/**
 * `npm run golden -- DIR [--profile software|gpu]`: runs every golden case found under DIR (layout and tolerances: the README
 * in the reference data; each part of the layout is optional) and ends with `N passed, N failed, 0 skipped`: nothing is left out.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { KERNEL_PROFILES, type KernelProfile } from "@starling/shaders";
import { createTestDevice } from "@starling/trainer-core/device/testDevice.node";
import { goldenDistro } from "./golden/distro.ts";
import { goldenLlama } from "./golden/llama.ts";
import { goldenMatformer } from "./golden/matformer.ts";
import { goldenTokenizer } from "./golden/tokenizer.ts";
import type { GoldenResult } from "./golden/result.ts";

function usage(message: string): never {
  process.stderr.write(`golden: ${message}\nusage: npm run golden -- DIR [--profile ${KERNEL_PROFILES.join("|")}]\n`);
  process.exit(2);
}

const args = process.argv.slice(2);
const at = args.indexOf("--profile");
let profile: KernelProfile | "auto" = "auto";
if (at >= 0) {
  const named = args.splice(at, 2)[1];
  const known = KERNEL_PROFILES.find((p) => p === named);
  if (!known) usage(`--profile ${named ?? "(nothing)"}: must be one of ${KERNEL_PROFILES.join(", ")}`);
  profile = known;
}
if (args.length !== 1) usage("names one directory");
const root = resolve(args[0]);
if (!existsSync(root)) usage(`${root} does not exist`);

const folder = (...parts: string[]) => {
  const path = join(root, ...parts);
  return existsSync(path) && statSync(path).isDirectory() ? path : null;
};

let passed = 0;
let failed = 0;
function report(group: string, results: GoldenResult[]): void {
  for (const { name, ok, detail } of results) {
    if (ok) passed++;
    else failed++;
    console.log(`${ok ? "ok  " : "FAIL"} ${group}/${name}: ${detail}`);
  }
}
/** A case that throws has failed; the others still run. */
async function attempt(group: string, run: () => Promise<GoldenResult[]>): Promise<void> {
  try {
    report(group, await run());
  } catch (error) {
    report(group, [{ name: "run", ok: false, detail: (error as Error).stack ?? String(error) }]);
  }
}

const device = await createTestDevice(profile);
console.log(`adapter ${device.adapter.description || device.adapter.architecture}, profile ${device.profile}`);
const llama = folder("llama");
for (const name of llama ? readdirSync(llama).sort() : []) {
  const path = folder("llama", name);
  if (path) await attempt(`llama/${name}`, () => goldenLlama(path, device));
}
const distro = folder("distro");
if (distro) await attempt("distro", () => goldenDistro(distro, device));
const tokenizer = folder("tokenizer");
if (tokenizer) await attempt("tokenizer", () => goldenTokenizer(tokenizer));
const matformer = folder("matformer");
if (matformer) await attempt("matformer", () => goldenMatformer(matformer, device));
if (passed + failed === 0) {
  console.log(`nothing to run under ${root}: expected llama/, distro/ or tokenizer/`);
  failed++;
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
device.dispose();
process.exit(failed > 0 ? 1 : 0);
