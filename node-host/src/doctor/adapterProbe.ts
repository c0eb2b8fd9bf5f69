/**
 * Child process of adapterReport.ts: opens the adapter, runs the arithmetic self-test on it, and prints what it found as JSON. A
 * driver that crashes takes only this process with it. Arguments: `system` (the machine's drivers) or `software` (the bundled one); the
 * adapter's name as Dawn has it, left out for the first.
 */
import { createDawn, DAWN_FLAGS, useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { factsOf } from "@starling/trainer-core/device/countingGpu";
import { adapterName, describeAdapter } from "@starling/trainer-core/device/features";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import { deviationSentence, selfTest } from "@starling/trainer-core/train/selfTest";
import type { AdapterReport } from "./adapterReport.ts";

async function look(): Promise<AdapterReport | null> {
  const [driver, name] = process.argv.slice(2);
  if (driver === "software") useBundledSoftwareDriver();
  const gpu = await createDawn(name === undefined ? DAWN_FLAGS : [...DAWN_FLAGS, `adapter=${name}`]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { info, limits, features } = adapter;
  const report: AdapterReport = {
    name: adapterName(describeAdapter(info)) || "unnamed",
    card: { name: name ?? info.device, pciId: null },
    isSoftware: info.isFallbackAdapter ?? /swiftshader|llvmpipe|lavapipe/i.test(`${info.description} ${info.architecture}`),
    maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    hasF16: features.has("shader-f16"),
    hasSubgroupMatrix: [...features].some((feature) => String(feature).includes("subgroup-matrix")),
    faults: [],
    facts: null,
    selfTest: null,
  };
  try {
    const device = await openDevice(gpu);
    report.faults = device.faults;
    report.facts = factsOf(device);
    const result = await selfTest(device);
    report.selfTest = { compared: result.compared, milliseconds: Math.round(result.milliseconds), deviation: deviationSentence(result) };
  } catch (error) {
    report.selfTest = { compared: 0, milliseconds: 0, deviation: `the self-test failed: ${(error as Error).message}` };
  }
  return report;
}

const report = await look();
process.stdout.write(JSON.stringify(report), () => process.exit(0));
