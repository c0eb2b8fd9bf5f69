/**
 * `node scripts/lab.ts [--profile software|gpu|tensor] [--seconds N] [--write]`: times the tiles of matrix products on this machine's
 * adapter; with --write the fastest go into shaders/src/lab/tuning.json under the adapter's name.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { KERNEL_PROFILES } from "@starling/shaders";
import { adapterKey, type TuningEntry } from "@starling/shaders/lab/tuning";
import { createTestDevice } from "@starling/trainer-core/device/testDevice.node";
import { measureTiles } from "@starling/trainer-core/device/tuneProducts";

const { values } = parseArgs({
  options: { profile: { type: "string", default: "auto" }, seconds: { type: "string", default: "60" }, write: { type: "boolean" } },
});
const profile = (["auto", ...KERNEL_PROFILES] as const).find((known) => known === values.profile);
const seconds = Number(values.seconds);
if (profile === undefined || !(seconds > 0)) {
  process.stderr.write(`usage: node scripts/lab.ts [--profile ${KERNEL_PROFILES.join("|")}] [--seconds N] [--write]\n`);
  process.exit(2);
}
const device = await createTestDevice(profile);
const key = adapterKey(device.adapter);
console.log(key);
const entry = await measureTiles(device, { budgetMs: seconds * 1000, repeats: 7, onMeasured: (line) => console.log(line) });
device.dispose();
console.log(JSON.stringify(entry));
if (values.write) {
  const path = join(import.meta.dirname, "../shaders/src/lab/tuning.json");
  const table = JSON.parse(readFileSync(path, "utf8")) as Record<string, TuningEntry>;
  table[key] = { ...table[key], ...entry };
  writeFileSync(path, `${JSON.stringify(table, null, 2)}\n`);
}
process.exit(0);
