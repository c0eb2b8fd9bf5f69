import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { codeOf } from "./compliance.ts";
import { httpFiles } from "./httpFiles.ts";
import { serveRange, serveWhole, startFileServer } from "./testFileServer.node.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

const server = await startFileServer();
afterAll(() => server.close());
afterEach(() => server.reset());

const content = Uint8Array.from({ length: 400 }, (_, i) => i % 251);
const limits = { timeoutMs: 150, retryPauseMs: 1, tries: 3 };

const open = (options = {}) => {
  const [url] = server.publish({ "a.txt": content });
  const provider = createTokenFileProvider(httpFiles([url], { ...limits, ...options }), {
    maxSeqLen: 10,
    vocabSize: 256,
    tokenBytes: 2,
    shuffle: "DontShuffle",
  });
  return { url, provider };
};

type Lie = (request: IncomingMessage, response: ServerResponse, body: Uint8Array, times: number) => void;

const sendPart = (response: ServerResponse, part: Uint8Array, headers: Record<string, string | number> = {}): void => {
  response.writeHead(206, headers).end(part);
};

/** How a server may answer a ranged GET; HEAD is answered truly. */
const lies: [name: string, lie: Lie, outcome: string][] = [
  ["drops the connection in the middle, every time", (_q, r, b) => cut(r, b), "unreachable"],
  ["drops the connection in the middle, once", (q, r, b, n) => (n === 0 ? cut(r, b) : serveRange(q, r, b)), "right"],
  ["stalls for ever before the first byte", () => undefined, "unreachable"],
  [
    "stalls for ever in the middle",
    (_q, r, b) => {
      r.writeHead(206, { "content-length": 20 });
      r.write(b.subarray(0, 5));
    },
    "unreachable",
  ],
  ["answers late, but within the limit", (q, r, b) => void setTimeout(() => serveRange(q, r, b), 60), "right"],
  ["sends another range", (_q, r, b) => sendPart(r, b.subarray(1, 21), { "content-range": "bytes 1-20/400" }), "bad-file"],
  ["names a range that is none", (_q, r, b) => sendPart(r, b.subarray(0, 20), { "content-range": "bytes */400" }), "bad-file"],
  ["sends fewer bytes than it names", (_q, r, b) => sendPart(r, b.subarray(0, 19), { "content-range": "bytes 0-19/400" }), "unreachable"],
  ["sends more bytes than it names", (_q, r, b) => sendPart(r, b.subarray(0, 21), { "content-range": "bytes 0-19/400" }), "bad-file"],
  ["says that the file has another size", (_q, r, b) => sendPart(r, b.subarray(0, 20), { "content-range": "bytes 0-19/500" }), "bad-file"],
  ["ignores the range", (q, r, b) => serveWhole(q, r, b), "right"],
  ["ignores the range and is cut off", (_q, r, b) => void r.writeHead(200).end(b.subarray(0, 399)), "unreachable"],
  ["ignores the range and sends a larger file", (_q, r) => void r.writeHead(200).end(new Uint8Array(401)), "bad-file"],
  ["compresses", (_q, r, b) => sendPart(r, b.subarray(0, 20), { "content-encoding": "br" }), "bad-file"],
  ["fails with 500 and heals", (q, r, b, n) => (n < 2 ? void r.writeHead(500).end() : serveRange(q, r, b)), "right"],
  ["fails with 503 for ever", (_q, r) => void r.writeHead(503).end(), "unreachable"],
  ["is overloaded for a while", (q, r, b, n) => (n < 2 ? void r.writeHead(429).end() : serveRange(q, r, b)), "right"],
  ["forgets the file", (_q, r) => void r.writeHead(404).end(), "unreachable"],
  ["has a shorter file now", (_q, r) => void r.writeHead(416).end(), "bad-file"],
  ["redirects for ever", (q, r) => void r.writeHead(302, { location: q.url! }).end(), "unreachable"],
  ["speaks no HTTP", (q) => void q.socket.end("SSH-2.0-OpenSSH_9.6\r\n"), "unreachable"],
];

function cut(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(206, { "content-range": "bytes 0-19/400", "content-length": 20 });
  response.write(body.subarray(0, 7), () => response.destroy());
}

describe("a web server that", () => {
  test.each(lies)("%s", async (_name, lie, outcome) => {
    // a busy machine is late too: only what never comes is given up soon
    const { provider } = open(outcome === "unreachable" ? {} : { tries: 50, timeoutMs: 400 });
    let times = 0;
    server.handler = (request, response, body) =>
      request.method === "HEAD" ? serveWhole(request, response, body) : lie(request, response, body, times++);
    const work = provider.getSequences(0n, 1n);
    if (outcome === "right") {
      expect((await work).map((sequence) => [...sequence])).toEqual([[...content.subarray(0, 10)], [...content.subarray(10, 20)]]);
    } else {
      expect(await codeOf(work)).toBe(outcome);
    }
  });

  test("drips a byte now and then is given up too", async () => {
    const { provider } = open({ tries: 2, minBytesPerSecond: 1000 });
    server.handler = (request, response, body) => {
      if (request.method === "HEAD") return serveWhole(request, response, body);
      response.writeHead(206, { "content-length": 400 });
      let at = 0;
      const timer = setInterval(() => response.write(body.subarray(at, ++at)), 40);
      response.on("close", () => clearInterval(timer));
    };
    const error = await provider.getSequences(0n, 39n).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringContaining("fewer than 400 bytes") });
  });

  test("redirects to where the file is is followed", async () => {
    const [moved] = server.publish({ "moved.txt": content });
    const { url, provider } = open();
    const old = server.pathOf(url);
    server.handler = (request, response, body) =>
      request.url === old ? void response.writeHead(302, { location: moved }).end() : serveRange(request, response, body);
    expect((await provider.getSequences(39n, 39n))[0]![9]).toBe(399 % 251);
  });

  test("changes the file between two requests is found out by size or ETag, never by wrong tokens", async () => {
    const { url, provider } = open();
    await provider.getSequences(0n, 0n);
    server.files.set(server.pathOf(url), new Uint8Array(500));
    expect(await codeOf(provider.getSequences(1n, 1n))).toBe("bad-file");

    const tagged = open();
    let etag = '"one"';
    server.handler = (request, response, body) => {
      response.setHeader("etag", etag);
      serveRange(request, response, body);
    };
    await tagged.provider.getSequences(0n, 0n);
    etag = '"two"';
    const error = await tagged.provider.getSequences(1n, 1n).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "bad-file", message: expect.stringContaining("changed while in use") });
  });

  test("gives no size is refused", async () => {
    const { provider } = open();
    server.handler = (_request, response) => void response.writeHead(200, { "transfer-encoding": "chunked" }).end();
    expect(await codeOf(provider.sequenceCount())).toBe("bad-file");
  });
});
