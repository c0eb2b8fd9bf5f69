/** The checks of the machine itself, each broken for real. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AdapterChoice, AdapterReport } from "./adapterReport.ts";
import { runCheck, type Check } from "./check.ts";
import { adapter, arithmetic } from "./checks/adapter.ts";
import { disk } from "./checks/disk.ts";
import { limits, systemLimits } from "./checks/limits.ts";
import { TYPICAL_GPU } from "@starling/trainer-core/device/countingGpu";
import { fit } from "@starling/trainer-core/train/fit";
import { memoryOffer, type MachineMemory } from "../engine/memoryOffer.ts";
import { memory } from "./checks/memory.ts";
import { nodeVersion } from "./checks/nodeVersion.ts";
import { nvidia } from "./checks/nvidia.ts";
import { vulkan } from "./checks/vulkan.ts";
import { isRoot, run, noRun, folder, look, mountTmpfs } from "./testDesk.ts";

describe("node", () => {
  it("passes here, and refuses the version before", async () => {
    expect(await look(nodeVersion())).toMatchObject({ status: "ok" });
    expect(await look(nodeVersion("22.3.1"))).toMatchObject({ status: "fail", found: expect.stringContaining("22.3.1") });
  });
});

describe("vulkan", () => {
  const places = (files: readonly string[] | null = null) => ({
    libraryFolders: [join(folder, "lib")],
    manifestFolders: [join(folder, "icd.d")],
    manifestFiles: files,
    cachedLibraries: async () => null,
  });
  const manifest = (name: string, library: unknown) => {
    mkdirSync(join(folder, "icd.d"), { recursive: true });
    writeFileSync(join(folder, "icd.d", name), JSON.stringify({ ICD: { library_path: library } }));
  };
  const library = (name: string) => {
    mkdirSync(join(folder, "lib"), { recursive: true });
    writeFileSync(join(folder, "lib", name), "");
  };

  it("names a missing loader, a missing driver, a manifest without its library and one that is damaged", async () => {
    expect(await look(vulkan(places()))).toMatchObject({ status: "warn", found: expect.stringContaining("no loader") });
    library("libvulkan.so.1");
    expect(await look(vulkan(places()))).toMatchObject({ status: "warn", found: "the loader is there, but no driver" });
    manifest("a.json", "libGLX_nvidia.so.0");
    expect(await look(vulkan(places()))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("libGLX_nvidia.so.0 is not there"),
    });
    for (const name of ["libGLX_nvidia.so.0", "libX11.so.6", "libXext.so.6"]) library(name);
    expect(await look(vulkan(places()))).toMatchObject({ status: "ok", found: "libGLX_nvidia.so.0" });
    writeFileSync(join(folder, "icd.d", "b.json"), "{");
    expect(await look(vulkan(places()))).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/b\.json: cannot be read.*in order: libGLX/),
    });
  });

  it("looks at VK_DRIVER_FILES and at nothing else where it is set, libraries beside the manifest included", async () => {
    library("libvulkan.so.1");
    library("libmine.so");
    manifest("broken.json", "gone.so");
    manifest("mine.json", "../lib/libmine.so");
    expect(await look(vulkan(places([join(folder, "icd.d", "mine.json")])))).toMatchObject({ status: "ok" });
  });

  it("misses what NVIDIA's driver needs of X, screen or not", async () => {
    for (const name of ["libvulkan.so.1", "libGLX_nvidia.so.0", "libX11.so.6"]) library(name);
    manifest("nvidia_icd.json", "libGLX_nvidia.so.0");
    expect(await look(vulkan(places()))).toMatchObject({
      status: "warn",
      found: "libGLX_nvidia.so.0, but not libXext.so.6, without which NVIDIA's driver cannot be loaded",
    });
    library("libXext.so.6");
    expect(await look(vulkan(places()))).toMatchObject({ status: "ok", found: "libGLX_nvidia.so.0" });
  });
});

describe("nvidia", () => {
  const H200 = "NVIDIA H200, 580.95.05, 143771, 143000, 00000000:19:00.0\n";
  const machine = (device: { card: boolean; nodes: readonly string[] }, query = async () => H200) => {
    const pci = join(folder, "pci", "0000:01:00.0");
    mkdirSync(pci, { recursive: true });
    writeFileSync(join(pci, "vendor"), device.card ? "0x10de\n" : "0x8086\n");
    writeFileSync(join(pci, "class"), "0x030200\n");
    mkdirSync(join(folder, "dev"), { recursive: true });
    for (const name of device.nodes) writeFileSync(join(folder, "dev", name), "");
    return nvidia({ pciFolder: join(folder, "pci"), devFolder: join(folder, "dev"), query });
  };

  it("is skipped without a card", async () => {
    expect(await look(machine({ card: false, nodes: [] }))).toMatchObject({ status: "skip" });
  });
  it("misses the driver of a card", async () => {
    expect(await look(machine({ card: true, nodes: [] }))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("Install the NVIDIA driver"),
    });
  });
  it("repeats what nvidia-smi complains of", async () => {
    const check = machine({ card: true, nodes: ["nvidia0", "nvidiactl"] }, () =>
      Promise.reject(new Error("Driver/library version mismatch")),
    );
    expect(await look(check)).toMatchObject({ status: "fail", found: expect.stringContaining("version mismatch") });
  });
  it("names card, driver and memory, and misses the control node in a container", async () => {
    expect(await look(machine({ card: true, nodes: ["nvidia0"] }))).toMatchObject({ status: "warn" });
    expect(await look(machine({ card: true, nodes: ["nvidia0", "nvidiactl"] }))).toMatchObject({
      status: "ok",
      found: "NVIDIA H200, driver 580.95.05, 143000 of 143771 MiB free",
    });
    const untold = machine(
      { card: true, nodes: ["nvidia0", "nvidiactl"] },
      async () => "NVIDIA GB10, 580.95.05, [N/A], [N/A], 0000000F:01:00.0\n",
    );
    expect(await look(untold)).toMatchObject({ status: "ok", found: "NVIDIA GB10, driver 580.95.05, its free memory is not told" });
  });
});

const report: AdapterReport = {
  name: "SwiftShader",
  card: { name: "a card", pciId: null },
  isSoftware: true,
  maxBufferBytes: 2 ** 30,
  hasF16: false,
  hasSubgroupMatrix: false,
  faults: [],
  facts: { ...TYPICAL_GPU, isFallbackAdapter: true },
  selfTest: { compared: 1000, milliseconds: 100, deviation: null },
};
const software = (changed: Partial<AdapterReport> = {}): AdapterChoice => ({
  system: { kind: "none" },
  used: { kind: "found", report: { ...report, ...changed } },
  isBundled: true,
});

describe("adapter and arithmetic", () => {
  it("warns of the software adapter unless it was asked for", async () => {
    expect(await look(adapter(async () => software(), "auto"))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("no GPU found"),
    });
    expect(await look(adapter(async () => ({ ...software(), system: null }), "software"))).toMatchObject({ status: "ok" });
  });
  it("warns of what a GPU has and cannot be used", async () => {
    const used = { kind: "found", report: { ...report, faults: ["tensor cores cannot be used"] } } as const;
    expect(await look(adapter(async () => ({ system: used, used, isBundled: false }), "auto"))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("tensor cores cannot be used"),
    });
  });
  it("fails where --device gpu finds none, and where the driver crashes", async () => {
    const none: AdapterChoice = { system: { kind: "none" }, used: { kind: "none" }, isBundled: false };
    expect(await look(adapter(async () => none, "gpu"))).toMatchObject({ status: "fail" });
    const crash: AdapterChoice = {
      system: { kind: "crashed", how: "SIGSEGV" },
      used: { kind: "crashed", how: "SIGSEGV" },
      isBundled: false,
    };
    expect(await look(adapter(async () => crash, "gpu"))).toMatchObject({ status: "fail", found: expect.stringContaining("SIGSEGV") });
    expect(await look(arithmetic(async () => crash))).toMatchObject({ status: "skip" });
    expect(await look(adapter(async () => ({ ...software(), system: { kind: "crashed", how: "SIGSEGV" } }), "auto"))).toMatchObject({
      status: "warn",
    });
  });
  it("fails an adapter that computes otherwise", async () => {
    const wrong = software({ selfTest: { compared: 1000, milliseconds: 100, deviation: "this adapter does not compute ..." } });
    expect(await look(arithmetic(async () => wrong))).toMatchObject({ status: "fail", remedy: expect.stringContaining("Do not train") });
    expect(await look(arithmetic(async () => software()))).toMatchObject({ status: "ok" });
  });
});

describe("memory", () => {
  const check = (
    { adapterFreeBytes, ...facts }: Partial<MachineMemory> & { adapterFreeBytes?: number },
    adapterReport: Partial<AdapterReport> = {},
    isBundled = true,
  ) =>
    memory({
      facts: () => ({ totalBytes: 2 ** 35, availableBytes: 2 ** 34, ...facts }),
      cards: async () =>
        adapterFreeBytes === undefined ? [] : [{ name: report.card.name, pciId: "0000:19:00.0", freeBytes: adapterFreeBytes }],
      run: async () => run,
      adapter: async () => ({ ...software(adapterReport), isBundled }),
      engine: { profile: "auto", microBatchSequences: 1 },
    });

  it("compares what is free with what the run needs, here, in a buffer and on the GPU", async () => {
    expect(await look(check({}))).toMatchObject({ status: "ok", found: expect.stringContaining("test needs about") });
    expect(await look(check({ availableBytes: 2 ** 29 }))).toMatchObject({ status: "fail" });
    expect(await look(check({}, { facts: { ...TYPICAL_GPU, maxBufferSize: 1024 } }))).toMatchObject({
      status: "fail",
      found: expect.stringContaining("binds at most 1024"),
    });
    expect(await look(check({ adapterFreeBytes: 1 << 19 }, { isSoftware: false }, false))).toMatchObject({
      status: "fail",
      found: expect.stringMatching(/not even micro-batch 1 fits/),
      remedy: expect.stringContaining("nvidia-smi"),
    });
    // all that is free and no more: the driver needs its part
    const offer = memoryOffer(run.config.config, null);
    const { need } = await fit({
      plan: run.plan!,
      settings: { profile: "auto", microBatchSequences: 1, offer },
      adapter: TYPICAL_GPU,
    });
    expect(await look(check({ adapterFreeBytes: need.adapterBytes }, { isSoftware: false, facts: TYPICAL_GPU }, false))).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/not even micro-batch 1 fits/),
    });
  });
});

describe("disk", () => {
  it("is skipped without a folder; makes it, measures it, and leaves nothing in it", async () => {
    expect(await look(disk(undefined, noRun))).toMatchObject({ status: "skip" });
    const path = join(folder, "checkpoints");
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "ok", found: expect.stringMatching(/writes \d+ MiB\/s/) });
    expect(readdirSync(path)).toEqual([]);
  });
  it("fails where a file is in the way", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await look(disk(join(folder, "file"), noRun))).toMatchObject({ status: "fail" });
  });
  it.skipIf(!isRoot)("finds a disk that is full, small, read-only, or out of inodes", async () => {
    const path = join(folder, "disk");
    mountTmpfs(path, "size=64k");
    writeFileSync(join(path, "ballast"), new Uint8Array(64 * 1024));
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "fail", found: expect.stringContaining("is full") });
    execFileSync("mount", ["-o", "remount,size=1m", path]);
    expect(await look(disk(path, noRun))).toMatchObject({ status: "fail" });
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "warn", remedy: expect.stringContaining("Make room") });
    execFileSync("mount", ["-o", "remount,ro", path]);
    expect(await look(disk(path, noRun))).toMatchObject({ status: "fail", found: expect.stringContaining("read-only") });
    const few = join(folder, "few");
    mountTmpfs(few, "size=1g,nr_inodes=10");
    expect(await look(disk(few, noRun))).toMatchObject({ status: "fail", found: expect.stringContaining("inodes") });
  });
});

describe("limits", () => {
  it("passes a usual system, and names what is too small", async () => {
    const usual = { openFiles: 65536, shmBytes: 2 ** 26, inotifyInstances: 128 };
    expect(await look(limits(async () => usual))).toMatchObject({ status: "ok" });
    expect(await look(limits(async () => ({ ...usual, openFiles: 512 })))).toMatchObject({
      status: "warn",
      remedy: expect.stringContaining("ulimit -n"),
    });
    expect(await look(limits(async () => ({ ...usual, openFiles: 64 })))).toMatchObject({ status: "fail" });
    expect(await look(limits(async () => ({ ...usual, shmBytes: null })))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("no /dev/shm"),
    });
    expect(await look(limits(async () => ({ ...usual, inotifyInstances: 1 })))).toMatchObject({ status: "warn" });
    expect((await systemLimits()).openFiles).toBeGreaterThan(0);
  });
  it("sees this shell's real ulimit", () => {
    const module = new URL("./checks/limits.ts", import.meta.url).href;
    const script = `import { systemLimits } from ${JSON.stringify(module)}; process.stdout.write(String((await systemLimits()).openFiles));`;
    const out = execFileSync("bash", [
      "-c",
      `ulimit -n 96; exec "$0" --disable-warning=ExperimentalWarning --input-type=module-typescript -e "$1"`,
      process.execPath,
      script,
    ]);
    expect(out.toString()).toBe("96");
  });
});

describe("runCheck", () => {
  it("fails a check that throws, and one that never ends", async () => {
    expect(await runCheck({ id: "a", title: "A", run: () => Promise.reject(new Error("broken")) })).toMatchObject({
      status: "fail",
      found: "broken",
    });
    let aborted = false;
    const hangs: Check = {
      id: "b",
      title: "B",
      timeoutMs: 50,
      run: (signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => (aborted = true));
        }),
    };
    expect(await runCheck(hangs)).toMatchObject({ status: "fail", found: "no answer within 0.05 s" });
    expect(aborted).toBe(true);
  });
});
