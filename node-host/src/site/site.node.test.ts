import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PAGE_CSP } from "@starling/config/page/csp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rangeOf, segmentsOf } from "./files.ts";
import { PageBuild, sourcesHash } from "./pageBuild.ts";
import { serveSite, type Site } from "./site.ts";
import { waitingPage } from "./waitingPage.ts";

const SCRIPT = "export const a = 1;\n";
const TOKENS = new Uint8Array(1000).map((_, i) => i);
let folder: string;
let site: Site;
let page: PageBuild;
let title = "first";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "starling-site-"));
  mkdirSync(join(folder, "dist", "assets"), { recursive: true });
  mkdirSync(join(folder, "train"));
  writeFileSync(join(folder, "dist", "index.html"), "<!doctype html><p>page");
  writeFileSync(join(folder, "dist", "assets", "main-abc.js"), SCRIPT);
  writeFileSync(join(folder, "dist", ".hidden"), "no");
  writeFileSync(join(folder, "train", "tokens.bin"), TOKENS);
  writeFileSync(join(folder, "train", "other.bin"), "other");
  writeFileSync(join(folder, "secret.txt"), "secret");
  page = new PageBuild({ directory: join(folder, "dist"), mayBuild: false });
  await page.settled;
  site = await serveSite({
    page,
    config: () => ({ title, clusters: [], coordinators: [] }),
    data: () => new Map([["run", [join(folder, "train", "tokens.bin")]]]),
    host: "127.0.0.1",
    port: 0,
  });
});
afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, init?: RequestInit): Promise<Response> => fetch(new URL(path, site.url), init);

/** fetch tidies paths; an attacker does not */
function raw(path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port: site.port, path }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    sent.on("error", reject).end();
  });
}

it("the page and its files come under the policy, each cached as it may be", async () => {
  const index = await get("/");
  expect(index.status).toBe(200);
  expect(index.headers.get("content-security-policy")).toBe(PAGE_CSP);
  expect(index.headers.get("x-content-type-options")).toBe("nosniff");
  expect(index.headers.get("cache-control")).toBe("no-cache");
  const script = await get("/assets/main-abc.js");
  expect(script.headers.get("content-type")).toContain("text/javascript");
  expect(script.headers.get("cache-control")).toContain("immutable");
  expect(await script.text()).toBe(SCRIPT);
  const again = await get("/", { headers: { "if-none-match": index.headers.get("etag")! } });
  expect(again.status).toBe(304);
  expect((await get("/assets/gone.js")).status).toBe(404);
});

it("config.json is made for each request and kept by nobody", async () => {
  const first = await get("/config.json");
  expect(first.headers.get("cache-control")).toBe("no-store");
  expect(await first.json()).toEqual({ title: "first", clusters: [], coordinators: [] });
  title = "second";
  expect(await (await get("/config.json?x=1")).json()).toMatchObject({ title: "second" });
});

it("token files come whole, by ranges and as HEAD", async () => {
  const bytes = async (response: Response): Promise<number[]> => [...new Uint8Array(await response.arrayBuffer())];
  const whole = await get("/data/run/tokens.bin");
  expect(await bytes(whole)).toEqual([...TOKENS]);
  const part = await get("/data/run/tokens.bin", { headers: { range: "bytes=10-19" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 10-19/1000"]);
  expect(await bytes(part)).toEqual([...TOKENS.subarray(10, 20)]);
  expect(await bytes(await get("/data/run/tokens.bin", { headers: { range: "bytes=-3" } }))).toEqual([...TOKENS.subarray(997)]);
  const beyond = await get("/data/run/tokens.bin", { headers: { range: "bytes=1000-" } });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
  const head = await get("/data/run/tokens.bin", { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "1000", ""]);
});

it("nothing above the roots, hidden or of another run is served, and nothing is taken", async () => {
  for (const path of [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%5c..%5csecret.txt",
    "/data/run/../secret.txt",
    "/data/run/..%2fsecret.txt",
    "/data/run/%2e%2e%2fsecret.txt",
    "/data/run/",
    "/data/run/other.bin",
    "/data/other/tokens.bin",
    "/data/__proto__/tokens.bin",
    "/.hidden",
    "/assets",
    "/%00",
    "/%",
    "http://127.0.0.1/",
  ]) {
    const { status, body } = await raw(path);
    expect([path, status]).toEqual([path, 404]);
    expect(body).not.toContain("secret\n");
  }
  expect((await get("/", { method: "POST", body: "x" })).status).toBe(405);
});

it("while the page is not there a page says so and loads itself anew; the configuration is there all the same", async () => {
  const none = new PageBuild({ directory: join(folder, "nowhere"), mayBuild: false });
  await none.settled;
  expect(none.state).toMatchObject({ type: "failed", old: false });
  const other = await serveSite({
    page: none,
    config: () => ({ clusters: [], coordinators: [] }),
    data: () => new Map(),
    host: "127.0.0.1",
    port: 0,
  });
  try {
    const response = await fetch(other.url);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain(join(folder, "nowhere"));
    expect((await fetch(`${other.url}config.json`)).status).toBe(200);
    expect((await fetch(`${other.url}assets/x.js`)).status).toBe(503);
  } finally {
    await other.close();
  }
  expect(waitingPage({ type: "building" }).reloadSeconds).toBe(2);
  expect(waitingPage({ type: "failed", why: "<script>", old: false }).html).not.toContain("<script>");
});

it("the sources have one hash", async () => {
  const hash = await sourcesHash();
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await sourcesHash()).toBe(hash);
});

it.each([
  ["bytes=0-0", { start: 0, end: 0 }],
  ["bytes=5-", { start: 5, end: 9 }],
  ["bytes=5-99", { start: 5, end: 9 }],
  ["bytes=-99", { start: 0, end: 9 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", null],
  ["bytes=0-1,3-4", null],
  ["items=0-1", null],
  [undefined, null],
])("the range %s of ten bytes", (header, expected) => {
  expect(rangeOf(header, 10)).toEqual(expected);
});

it("a path is its segments", () => {
  expect(segmentsOf("/a/b%20c?d#e")).toEqual(["a", "b c"]);
  expect(segmentsOf("//a")).toEqual(["a"]);
  expect(segmentsOf("*")).toBeNull();
});
