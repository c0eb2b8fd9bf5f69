/**
 * `npm run lab -- [--profile software|gpu|tensor] [--device auto|gpu|software] [--seconds N] [--write]`: times the tiles of matrix products
 * on this machine's adapter; with --write the fastest go into shaders/src/lab/tuning.json under the adapter's name.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseAdapter } from "@starling/node-host/platform/adapter";
import { KERNEL_PROFILES } from "@starling/shaders";
import { adapterKey, type TuningEntry } from "@starling/shaders/lab/tuning";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import { Device } from "@starling/trainer-core/device/device";
import { measureTiles } from "@starling/trainer-core/device/tuneProducts";

const DEVICES = ["auto", "gpu", "software"] as const;

const { values } = parseArgs({
  options: {
    profile: { type: "string", default: "auto" },
    device: { type: "string", default: "auto" },
    seconds: { type: "string", default: "60" },
    write: { type: "boolean" },
  },
});
const profile = (["auto", ...KERNEL_PROFILES] as const).find((known) => known === values.profile);
const seconds = Number(values.seconds);
const choice = DEVICES.find((known) => known === values.device);
if (profile === undefined || choice === undefined || !(seconds > 0)) {
  process.stderr.write(
    `usage: npm run lab -- [--profile ${KERNEL_PROFILES.join("|")}] [--device ${DEVICES.join("|")}] [--seconds N] [--write]\n`,
  );
  process.exit(2);
}
console.log((await chooseAdapter(choice)).sentence);
const device = await Device.create(await createDawn(DAWN_FLAGS), { profile });
calmPolling(device.gpu);
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
