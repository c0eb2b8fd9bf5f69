/** The page as it is shipped: what a first visit loads, and what it must not. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { PAGE_CSP_META } from "@starling/config/page/csp";
import { build, type Manifest } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const REPOSITORY = join(import.meta.dirname, "..", "..");
/** issue 6: under 250 kB before wallet or trainer are needed */
const MOST_FIRST_LOAD_BYTES = 250_000;
/** a stop for a build that hangs on a busy machine, not a measure of speed */
const BUILD_LIMIT_MS = 400_000;

let folder: string;
let manifest: Manifest;
const text = (path: string) => readFileSync(join(folder, path), "utf8");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "starling-page-"));
  await build({
    configFile: join(REPOSITORY, "vite.config.ts"),
    root: join(REPOSITORY, "web"),
    logLevel: "error",
    build: { outDir: folder, emptyOutDir: true },
  });
  manifest = JSON.parse(text(".vite/manifest.json")) as Manifest;
}, BUILD_LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** what the browser must have before the module `key` runs */
function closure(...keys: string[]): Set<string> {
  const found = new Set<string>();
  const visit = (key: string) => {
    if (found.has(key)) return;
    found.add(key);
    for (const next of manifest[key].imports ?? []) visit(next);
  };
  keys.forEach(visit);
  return found;
}

/** scripts of the closure, and the Workers that it starts, which load at once on the list of runs */
function scripts(keys: Set<string>): string[] {
  const files = [...keys].flatMap((key) => [manifest[key].file, ...(manifest[key].assets ?? [])]);
  return [...new Set(files)].filter((file) => file.endsWith(".js"));
}

const gzipBytes = (files: string[]) => files.reduce((sum, file) => sum + gzipSync(text(file), { level: 9 }).length, 0);

describe("the built page", () => {
  it("loads less than 250 kB of gzip script on the list of runs, its Worker counted", () => {
    const files = scripts(closure("index.html", "src/runs/RunsPage.tsx"));
    const bytes = gzipBytes(files);
    console.log(
      `first load: ${bytes} bytes gzip in ${files.length} scripts; without Workers ${gzipBytes(files.filter((f) => !/worker/i.test(f)))}`,
    );
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(MOST_FIRST_LOAD_BYTES);
  });

  it("keeps wallet and chain out of the first load, as chunks of their own", () => {
    const first = closure("index.html", "src/runs/RunsPage.tsx");
    for (const late of ["src/wallet/edge.ts", "src/chain/connect.ts", "src/create/CreatePage.tsx", "src/train/TrainPage.tsx"]) {
      expect(manifest[late]?.isDynamicEntry, late).toBe(true);
      expect(first.has(late), late).toBe(false);
    }
    const words = scripts(first).map(text).join("\n");
    // of wallet-adapter and of web3.js
    for (const foreign of ["WalletNotConnectedError", "BLOCKHASH_CACHE_TIMEOUT_MS"]) expect(words.includes(foreign), foreign).toBe(false);
    expect(text(manifest["src/wallet/edge.ts"].file)).toContain("WalletNotConnectedError");
  });

  it("has its policy in the page, no inline script or style, and no third party", () => {
    for (const page of ["index.html", "lab.html"]) {
      const html = text(page).replaceAll("&#39;", "'");
      expect(html).toContain(`content="${PAGE_CSP_META}"`);
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
      expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
      expect(html.replaceAll(/http:\/\/www\.w3\.org\/\S+/g, "")).not.toMatch(/https?:\/\//);
    }
    for (const file of Object.values(manifest).flatMap((chunk) => chunk.css ?? []))
      expect(text(file)).not.toMatch(/@import|url\((?!data:)[^)]*\/\//);
  });
});
