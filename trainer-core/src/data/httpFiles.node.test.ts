import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { tokenFileCompliance } from "./tokenFileCompliance.ts";
import { createDataProvider } from "./createDataProvider.ts";
import { httpFiles, numberedUrls } from "./httpFiles.ts";
import { serveRange, serveWhole, startFileServer } from "./testFileServer.node.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

const server = await startFileServer();
afterAll(() => server.close());
afterEach(() => server.reset());

const fast = { timeoutMs: 1000, retryPauseMs: 1 };
/** An honest server on a busy machine may be late. */
const patient = { timeoutMs: 30_000, retryPauseMs: 1 };

tokenFileCompliance("HTTP with ranges", async (data) => createTokenFileProvider(httpFiles(server.publish(data.files), patient), data));

describe("HTTP data from a server without ranges", () => {
  tokenFileCompliance("HTTP, whole files", async (data) => {
    server.handler = serveWhole;
    return createTokenFileProvider(httpFiles(server.publish(data.files), patient), data);
  });
});

describe("HTTP data", () => {
  const text = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);
  const provider = (urls: string[], options = {}) =>
    createTokenFileProvider(httpFiles(urls, { ...fast, ...options }), {
      maxSeqLen: 10,
      vocabSize: 256,
      tokenBytes: 2,
      shuffle: "DontShuffle",
    });

  test("a contiguous batch is one ranged request", async () => {
    const urls = server.publish({ "a.txt": text(1000) });
    const sequences = await provider(urls).getSequences(3n, 9n);
    expect(sequences.map((s) => s[0])).toEqual([30, 40, 50, 60, 70, 80, 90]);
    const path = server.pathOf(urls[0]);
    expect(server.requests).toEqual([`HEAD ${path}`, `GET ${path} bytes=30-99`]);
  });

  test("a server without ranges: a small file is fetched once, a large one refused", async () => {
    server.handler = serveWhole;
    const small = provider(server.publish({ "a.txt": text(1000) }));
    for (const index of [0n, 5n, 99n]) expect((await small.getSequences(index, index))[0][0]).toBe((Number(index) * 10) % 251);
    expect(server.requests).toHaveLength(2);
    const large = provider(server.publish({ "a.txt": text(1000) }), { wholeFileBudgetBytes: 999 });
    await expect(large.getSequences(0n, 0n)).rejects.toMatchObject({ code: "range-unsupported" });
  });

  test("temporary failures are retried: errors, cut answers, silence, dropped connections", async () => {
    const urls = server.publish({ "a.txt": text(1000) });
    let attempt = 0;
    server.handler = (request, response, body) => {
      if (request.method === "HEAD") return serveWhole(request, response, body);
      switch (attempt++) {
        case 0:
          return void response.writeHead(503).end();
        case 1:
          response.writeHead(206, { "content-length": 20 });
          response.write(body.subarray(0, 7));
          return void setTimeout(() => response.destroy(), 5);
        case 2:
          return; // never answers
        case 3:
          return void response.destroy();
        default:
          return serveRange(request, response, body);
      }
    };
    const [first, second] = await provider(urls).getSequences(0n, 1n);
    expect([first![9], second![0]]).toEqual([9, 10]);
    expect(attempt).toBe(5);
  });

  test("a server without ranges sends a file once, however many read it at the same time, and never more than there is room for", async () => {
    const urls = server.publish({ "a.txt": text(100), "b.txt": text(100) });
    let bodies = 0;
    let sent = 0;
    server.handler = (request, response, body) => {
      if (request.method === "HEAD") return serveWhole(request, response, body);
      response.writeHead(200, { "content-length": body.length });
      response.flushHeaders();
      bodies++;
      setTimeout(() => response.end(body, () => sent++), 100);
    };
    const source = httpFiles(urls, { wholeFileBudgetBytes: 150 });
    const reads = Array.from({ length: 6 }, (_, i) => source.read(urls[0], 10 * i, 10));
    expect((await Promise.all(reads)).map(([first]) => first)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(bodies).toBe(6);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toBe(1);
    await expect(source.read(urls[1], 0, 10)).rejects.toMatchObject({ code: "range-unsupported" });
    // both files at once, where there is room for one
    const fresh = httpFiles(urls, { wholeFileBudgetBytes: 150 });
    const both = await Promise.allSettled(urls.map((url) => fresh.read(url, 0, 10)));
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  test("a slow answer that keeps coming is not given up", async () => {
    const urls = server.publish({ "a.txt": text(100) });
    server.handler = (request, response, body) => {
      if (request.method === "HEAD") return serveWhole(request, response, body);
      response.writeHead(206, { "content-length": 40 });
      for (let i = 0; i < 4; i++) setTimeout(() => response.write(body.subarray(i * 10, i * 10 + 10)), i * 100);
    };
    expect((await provider(urls, { timeoutMs: 250 }).getSequences(0n, 3n)).map((s) => s[0])).toEqual([0, 10, 20, 30]);
    expect(server.requests).toHaveLength(2);
  });

  test("gives up after the last try with the reason, and works again afterwards", async () => {
    const urls = server.publish({ "a.txt": text(100) });
    const source = provider(urls, { tries: 3 });
    server.handler = (_request, response) => void response.writeHead(500).end();
    await expect(source.getSequences(0n, 0n)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/HTTP 500.*3 times/),
    });
    expect(server.requests).toHaveLength(3);
    server.handler = serveRange;
    expect(await source.sequenceCount()).toBe(10);
  });

  test("what asking again cannot mend is not retried", async () => {
    await expect(provider([`${server.origin}/nowhere.txt`]).sequenceCount()).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("404"),
    });
    expect(server.requests).toHaveLength(1);
    const urls = server.publish({ "a.txt": text(100) });
    const source = provider(urls);
    await source.sequenceCount();
    server.files.set(server.pathOf(urls[0]), text(20));
    server.requests = [];
    await expect(source.getSequences(5n, 5n)).rejects.toMatchObject({ code: "bad-file" });
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, (response: ServerResponse, body: Uint8Array) => void]>([
    [
      "another range than asked for",
      (response, body) => response.writeHead(206, { "content-range": "bytes 1-10/100" }).end(body.subarray(1, 11)),
    ],
    ["more than asked for", (response, body) => response.writeHead(206).end(body)],
  ])("refuses %s", async (_name, answer) => {
    const urls = server.publish({ "a.txt": text(100) });
    server.handler = (request, response, body) =>
      request.method === "HEAD" ? serveWhole(request, response, body) : answer(response, body);
    await expect(provider(urls).getSequences(0n, 0n)).rejects.toMatchObject({ code: "bad-file" });
    expect(server.requests).toHaveLength(2);
  });

  test("an abort ends a request in flight and the pause between two", async () => {
    const urls = server.publish({ "a.txt": text(100) });
    for (const [options, answer] of [
      [{ timeoutMs: 60_000 }, () => undefined],
      [{ retryPauseMs: 60_000 }, (_: IncomingMessage, response: ServerResponse) => void response.writeHead(503).end()],
    ] as const) {
      const asked = new Promise<void>((resolve) => {
        server.handler = (request, response) => {
          answer(request, response);
          setTimeout(resolve, 20);
        };
      });
      const controller = new AbortController();
      const work = provider(urls, options).sequenceCount(controller.signal);
      void asked.then(() => controller.abort());
      await expect(work).rejects.toMatchObject({ code: "aborted" });
    }
  });

  test("numbered files and a single url come from the run config", async () => {
    expect(numberedUrls("http://x/{}.bin", 98, 3, 3)).toEqual(["http://x/098.bin", "http://x/099.bin", "http://x/100.bin"]);
    const tokens = (first: number): Uint8Array => new Uint8Array(Uint16Array.from([first, first + 1]).buffer);
    const urls = server.publish({ "007.bin": tokens(0), "008.bin": tokens(2) });
    const http = { token_size_in_bytes: "TwoBytes", shuffle: "DontShuffle" } as const;
    const options = { maxSeqLen: 2, vocabSize: 8, http: fast };
    const url_template = urls[0].replace("007", "{}");
    const numbered = createDataProvider(
      { Http: { ...http, location: { NumberedFiles: { url_template, start_index: 7, n_left_pad_zeros: 3, num_files: 2 } } } },
      options,
    );
    expect((await numbered.getSequences(0n, 1n)).map((s) => [...s])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const single = createDataProvider({ Http: { ...http, location: { SingleUrl: urls[1] } } }, options);
    expect((await single.getSequences(0n, 0n)).map((s) => [...s])).toEqual([[2, 3]]);
  });
});
