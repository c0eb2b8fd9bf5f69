/**
 * WebGPU in Node: Dawn from npm `webgpu`. Without a GPU it brings up SwiftShader, a software Vulkan driver that the npm
 * package `@sparticuz/chromium` carries, needing neither root nor apt (webgpu-probe.md section 2).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { DeviceError } from "./errors.ts";

/** dlopen(3): NOW | GLOBAL | NODELETE. NODELETE keeps the library after Node closes a module it could not register. */
const DLOPEN_FLAGS = 2 | 0x100 | 0x1000;

export interface DawnGpu {
  gpu: GPU;
  /** true when the bundled SwiftShader was loaded because no driver gave an adapter */
  bundledSoftware: boolean;
}

// Dawn aborts the process when the object `create()` returned is collected while a device lives.
const retained: GPU[] = [];
let bundledLoaded = false;

/** Unpacks SwiftShader once; returns the folder with libvulkan.so.1 and the driver's manifest. */
export function unpackSwiftShader(): string {
  const require = createRequire(import.meta.url);
  let packageRoot: string;
  try {
    packageRoot = join(dirname(require.resolve("@sparticuz/chromium")), ".."); // the entry is build/index.js
    if (!existsSync(join(packageRoot, "bin", "swiftshader.tar.br"))) throw new Error("bin/swiftshader.tar.br is not in the package");
  } catch (cause) {
    throw new DeviceError(
      "no-adapter",
      "there is no GPU driver, and the bundled software adapter (npm @sparticuz/chromium) is not installed: run `npm ci` without --omit=optional, or install a Vulkan driver",
      { cause },
    );
  }
  const cache = join(packageRoot, "..", "..", ".cache");
  let folder = join(cache, "starling-swiftshader-153");
  try {
    mkdirSync(cache, { recursive: true });
  } catch {
    folder = join(tmpdir(), "starling-swiftshader-153"); // node_modules may be read-only
  }
  if (existsSync(join(folder, "libvulkan.so.1"))) return folder;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const [name, bytes] of untar(brotliDecompressSync(readFileSync(join(packageRoot, "bin", "swiftshader.tar.br"))))) {
    writeFileSync(join(fresh, name), bytes, { mode: 0o755 });
  }
  try {
    renameSync(fresh, folder);
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(folder, "libvulkan.so.1"))) throw cause; // otherwise another process was first
  }
  return folder;
}

/** The regular files of a ustar archive, by base name: this one archive is flat and trusted (pinned by the lockfile). */
function* untar(tar: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at + 512 <= tar.length;) {
    const text = (from: number, length: number) =>
      tar
        .subarray(at + from, at + from + length)
        .toString("latin1")
        .replace(/\0.*$/s, "");
    const name = text(0, 100);
    if (!name) return;
    const bytes = Number.parseInt(text(124, 12).trim(), 8);
    const type = text(156, 1);
    if (type === "0" || type === "") yield [name.split("/").pop()!, tar.subarray(at + 512, at + 512 + bytes)];
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
}

/**
 * Makes the bundled software driver the one that the Vulkan loader will find. Has to run in the process's main thread:
 * an environment variable set inside a worker thread never reaches the C library.
 */
export function useBundledSoftwareDriver(): void {
  if (bundledLoaded) return;
  useSoftwareDriverOf(unpackSwiftShader());
}

/** The driver of another Chromium, in its folder; false where that holds none. As `useBundledSoftwareDriver`, main thread only. */
export function useSoftwareDriverOf(folder: string): boolean {
  if (!existsSync(join(folder, "libvulkan.so.1")) || !existsSync(join(folder, "vk_swiftshader_icd.json"))) return false;
  process.env["VK_DRIVER_FILES"] = join(folder, "vk_swiftshader_icd.json");
  process.env["VK_ICD_FILENAMES"] = process.env["VK_DRIVER_FILES"];
  try {
    process.dlopen({ exports: {} } as NodeJS.Module, join(folder, "libvulkan.so.1"), DLOPEN_FLAGS);
  } catch {
    // "Module did not self-register" is expected: it is no Node module, but it stays loaded under its soname
  }
  bundledLoaded = true;
  return true;
}

/**
 * What everything here that computes is opened with. Zero-filling workgroup memory makes barrier kernels compile 6x slower on a software
 * adapter, and ours write before they read; the other two give tensor cores and, on NVIDIA, f16, and are ignored elsewhere.
 */
export const DAWN_FLAGS: readonly string[] = ["enable-dawn-features=disable_workgroup_init,allow_unsafe_apis,vulkan_enable_f16_on_nvidia"];

/** Dawn's GPU object with `flags` as create() takes them (`adapter=...`, `backend=null`, `enable-dawn-features=...`). */
export async function createDawn(flags: readonly string[] = []): Promise<GPU> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([...flags]) as GPU;
  retained.push(gpu);
  return gpu;
}

/** Polls right after a submit that may answer at once; afterwards one a millisecond. */
const EAGER_POLLS = 100;
/** since the last submit to any of this thread's devices */
let polls = 0;
let isCalm = false;

/**
 * Dawn's Node binding asks the GPU for news in a loop of `setImmediate`, some 40,000 times a round, which keeps a core from the
 * software adapter that would have the news (measured: a round takes twice as long) and heats one beside a real GPU. For a thread
 * that does nothing but drive devices, of which this is one: eager after each submit, then a millisecond apart. Replaces the thread's
 * `setImmediate`.
 */
export function calmPolling({ queue }: GPUDevice): void {
  const submit = queue.submit.bind(queue);
  queue.submit = (commandBuffers) => {
    polls = 0;
    submit(commandBuffers);
  };
  if (isCalm) return;
  isCalm = true;
  const immediate = globalThis.setImmediate;
  const calm = (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
    polls++ < EAGER_POLLS ? immediate(callback, ...args) : setTimeout(callback, 1, ...args);
  globalThis.setImmediate = Object.assign(calm, { __promisify__: immediate.__promisify__ }) as unknown as typeof setImmediate;
}
