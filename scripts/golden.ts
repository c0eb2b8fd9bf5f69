/**
 * `npm run golden -- DIR [--profile PROFILE] [--data-parallelism N] [--tensor-parallelism N]`: runs every golden case found under DIR
 * (layout and tolerances: the README in the reference data; each part of the layout is optional) and ends with `N passed, N failed,
 * 0 skipped`: nothing is left out. On several logical devices the Llamas alone are run. On the bundled software adapter;
 * STARLING_TEST_ADAPTER=system takes the machine's own.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { KERNEL_PROFILES, type KernelProfile } from "@starling/shaders";
import type { Device } from "@starling/trainer-core/device/device";
import { adapterName } from "@starling/trainer-core/device/features";
import { createTestDevice } from "@starling/trainer-core/device/testDevice.node";
import { goldenDistro } from "./golden/distro.ts";
import { goldenLlama } from "./golden/llama.ts";
import { goldenMatformer } from "./golden/matformer.ts";
import { goldenParallel } from "./golden/parallel.ts";
import { goldenTokenizer } from "./golden/tokenizer.ts";
import type { GoldenResult } from "./golden/result.ts";

function usage(message: string): never {
  process.stderr.write(
    `golden: ${message}\nusage: npm run golden -- DIR [--profile ${KERNEL_PROFILES.join("|")}] [--data-parallelism N] [--tensor-parallelism N]\n`,
  );
  process.exit(2);
}

const args = process.argv.slice(2);
function take(option: string): string | undefined {
  const at = args.indexOf(option);
  return at < 0 ? undefined : (args.splice(at, 2)[1] ?? "(nothing)");
}
function takeCount(option: string): number {
  const text = take(option) ?? "1";
  if (!/^[1-9]$/.test(text)) usage(`${option} ${text}: must be 1 to 9 devices`);
  return Number(text);
}
const named = take("--profile") ?? "auto";
const profile: KernelProfile | "auto" | undefined = (["auto", ...KERNEL_PROFILES] as const).find((p) => p === named);
if (profile === undefined) usage(`--profile ${named}: must be one of ${KERNEL_PROFILES.join(", ")}`);
const parallelism = { data: takeCount("--data-parallelism"), tensor: takeCount("--tensor-parallelism") };
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
const [matrix] = device.features.subgroupMatrices;
const cores = matrix === undefined ? ", tensor cores emulated" : `, tensor cores of ${matrix.M}x${matrix.N}x${matrix.K}`;
console.log(`adapter ${adapterName(device.adapter)}, profile ${device.profile}${device.profile === "tensor" ? cores : ""}`);
const devices = [device];
async function atLeast(count: number): Promise<Device[]> {
  while (devices.length < count) devices.push(await createTestDevice(profile));
  return devices.slice(0, count);
}
const isSpread = parallelism.data * parallelism.tensor > 1;
const llama = folder("llama");
for (const name of llama ? readdirSync(llama).sort() : []) {
  const path = folder("llama", name);
  if (path && isSpread) await attemptSpread(name, path);
  else if (path) await attempt(`llama/${name}`, () => goldenLlama(path, device));
}
async function attemptSpread(name: string, path: string): Promise<void> {
  await attempt(`llama/${name}`, async () => {
    const ran = await goldenParallel(path, atLeast, parallelism);
    if (ran === null) return [];
    if ("refusal" in ran) {
      console.log(`--   llama/${name}: refused, as it must be: ${ran.refusal}`);
      return [];
    }
    return ran.results.map((result) => ({ ...result, name: `${ran.as.data} x ${ran.as.tensor} devices/${result.name}` }));
  });
}
if (!isSpread) {
  const distro = folder("distro");
  if (distro) await attempt("distro", () => goldenDistro(distro, device));
  const tokenizer = folder("tokenizer");
  if (tokenizer) await attempt("tokenizer", () => goldenTokenizer(tokenizer));
  const matformer = folder("matformer");
  if (matformer) await attempt("matformer", () => goldenMatformer(matformer, device));
}
if (passed + failed === 0) {
  console.log(`nothing to run under ${root}: expected llama/, distro/, tokenizer/ or matformer/`);
  failed++;
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
for (const one of devices) one.dispose();
process.exit(failed > 0 ? 1 : 0);
