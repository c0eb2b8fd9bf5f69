/** The page as any static host serves it: under its policy every page opens without a word on the console, and a broken config.json is a sentence. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { PAGE_CSP } from "@starling/config/page/csp";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./src/chromium.ts";
import { REPOSITORY } from "./src/processes.ts";

/** a stop for a build that hangs on a busy machine, not a measure of speed */
const BUILD_LIMIT_MS = 400_000;

describe("the page under its policy", () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  const home = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  /** null: not served */
  let config: string | null = JSON.stringify({ clusters: [], coordinators: [] });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-page-"));
    await build({
      configFile: join(REPOSITORY, "vite.config.ts"),
      root: join(REPOSITORY, "web"),
      logLevel: "error",
      build: { outDir: folder, emptyOutDir: true },
    });
    server = createServer((request, response) => {
      const path = normalize(new URL(request.url!, "http://page").pathname);
      response.setHeader("Content-Security-Policy", PAGE_CSP);
      if (path === "/config.json") return void response.writeHead(config === null ? 404 : 200).end(config ?? "");
      try {
        const body = readFileSync(join(folder, path === "/" ? "index.html" : path));
        response
          .writeHead(200, { "content-type": TYPES[extname(path)] ?? (path === "/" ? "text/html" : "application/octet-stream") })
          .end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await launchChromium();
  }, BUILD_LIMIT_MS);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(null));
    rmSync(folder, { recursive: true, force: true });
  });

  async function watched(): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on(
      "request",
      (request) =>
        new URL(request.url()).host !== new URL(home()).host && !request.url().startsWith("data:") && complaints.push(request.url()),
    );
    return { page, complaints };
  }

  it("every page opens without a word on the console, a breach or a request to others", async () => {
    const { page, complaints } = await watched();
    for (const path of ["/", "/create", "/rewards", "/kit", "/nowhere"]) {
      await page.goto(`${home()}/#${path}`);
      await page.locator("h1").first().waitFor({ state: "attached" });
      await page.waitForLoadState("networkidle");
      expect(complaints, path).toEqual([]);
    }
    await page.getByRole("link", { name: "Starling" }).click();
    expect(await page.title()).toContain("Starling");
    await page.close();
  });

  it.each<[string, string | null, RegExp]>([
    ["missing", null, /no config\.json beside this page to name the networks it looks at \(HTTP 404\)/],
    ["not JSON", "<html>", /is not JSON/],
    ["wrong", '{"clusters": [{"name": "Devnet"}], "coordinators": []}', /cannot be used: clusters\[0\]\.chain: must be a text/],
  ])("a config.json that is %s is a sentence, and trying again helps", async (_, broken, sentence) => {
    const before = config;
    config = broken;
    const page = await browser.newPage();
    await page.goto(home());
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const said = await alert.textContent();
    config = before;
    expect(said!.replaceAll(/\s+/g, " ")).toMatch(sentence);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
    await page.close();
  });

  it("the scheme follows the system until it is chosen, and the choice stays", async () => {
    const context = await browser.newContext({ colorScheme: "dark" });
    const page = await context.newPage();
    const scheme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.goto(home());
    await page.getByRole("button", { name: "Switch to the light scheme" }).waitFor();
    expect(await scheme()).toBe("dark");
    await page.emulateMedia({ colorScheme: "light" });
    await expect.poll(scheme).toBe("light");
    await page.getByRole("button", { name: "Switch to the dark scheme" }).click();
    expect(await scheme()).toBe("dark");
    await page.reload();
    await page.getByRole("button", { name: "Switch to the light scheme" }).waitFor();
    expect(await scheme()).toBe("dark");
    await context.close();
  });
});
