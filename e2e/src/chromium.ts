/** Headless Chromium with WebGPU on its own software adapter: Debian's where it is, else apt's, else the one npm already brought. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { chromium, type Browser } from "playwright-core";
import { unpackSwiftShader } from "@starling/trainer-core/device/dawn.node";

const SYSTEM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** webgpu-probe: --enable-unsafe-webgpu is what makes the software adapter appear; the rest keeps Chromium off the network. */
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function systemChromium(): string | null {
  return SYSTEM.find((path) => existsSync(path)) ?? null;
}

/** As root on Debian or Ubuntu the browser is one command away. */
function installed(): string | null {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return null;
  const apt = (...args: string[]) =>
    spawnSync("apt-get", args, { stdio: ["ignore", 2, 2], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } }).status === 0;
  if (!apt("install", "-y", "--no-install-recommends", "chromium")) {
    if (!apt("update") || !apt("install", "-y", "--no-install-recommends", "chromium")) return null;
  }
  return systemChromium();
}

/** Chromium of npm @sparticuz/chromium (x64), unpacked once beside its SwiftShader. */
function npmChromium(): string | null {
  try {
    const require = createRequire(import.meta.resolve("@starling/trainer-core/device/dawn.node"));
    const packed = join(dirname(require.resolve("@sparticuz/chromium")), "..", "bin", "chromium.br");
    const swiftShader = unpackSwiftShader();
    const folder = `${swiftShader}-chromium`;
    const path = join(folder, "chromium");
    if (existsSync(path)) return path;
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(swiftShader)) copyFileSync(join(swiftShader, file), join(folder, file));
    writeFileSync(path, brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
    return path;
  } catch {
    return null;
  }
}

/** Throws with what was tried when there is no browser. */
export async function launchChromium(): Promise<Browser> {
  return (await launchFirst()).browser;
}

async function launchFirst(): Promise<{ browser: Browser; path: string }> {
  const tried: string[] = [];
  for (const find of [systemChromium, installed, npmChromium]) {
    const executablePath = find();
    if (executablePath === null) continue;
    try {
      return { browser: await chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS }), path: executablePath };
    } catch (error) {
      tried.push(`${executablePath}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  throw new Error(`no Chromium: install it with "apt-get install chromium"${tried.length > 0 ? ` (tried ${tried.join("; ")})` : ""}`);
}

/** Path of a Chromium that starts here, and its version. Errors: as launchChromium. */
export async function findChromium(): Promise<{ path: string; version: string }> {
  const { browser, path } = await launchFirst();
  try {
    return { path, version: browser.version() };
  } finally {
    await browser.close();
  }
}
