import { afterAll, afterEach, describe, expect, test } from "vitest";
import { codeOf, firstTokens } from "./compliance.ts";
import { createDataProvider } from "./createDataProvider.ts";
import { serveWhole, startFileServer } from "./testFileServer.node.ts";
import { u16 } from "./tokenFileCompliance.ts";

const server = await startFileServer();
afterAll(() => server.close());
afterEach(() => server.reset());

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const http = { token_size_in_bytes: "TwoBytes", shuffle: "DontShuffle" } as const;
const options = {
  maxSeqLen: 2,
  vocabSize: 256,
  http: { timeoutMs: 30_000, retryPauseMs: 1, tries: 2, storageEndpoint: `${server.origin}/` },
};

describe("a Google Cloud Storage bucket", () => {
  const open = (filter_directory = "set") =>
    createDataProvider({ Http: { ...http, location: { Gcp: { bucket_name: "bucket", filter_directory } } } }, options);

  test("is listed page by page, without an account; its token files are read in ascending order", async () => {
    const [a, b] = server.publish({ "a.bin": u16([1, 2, 3, 4]), "b.bin": u16([5, 6]) });
    const pages = new Map([
      [
        "",
        {
          items: [
            { name: "set/b.bin", mediaLink: b },
            { name: "set/README.md", mediaLink: `${server.origin}/x` },
          ],
          nextPageToken: "next",
        },
      ],
      ["next", { items: [{ name: "set/a.bin", mediaLink: a }] }],
    ]);
    const asked: URLSearchParams[] = [];
    server.files.set("/storage/v1/b/bucket/o", new Uint8Array(0));
    const { handler } = server;
    server.handler = (request, response, body) => {
      if (!request.url!.startsWith("/storage/v1")) return handler(request, response, body);
      const query = new URL(request.url!, server.origin).searchParams;
      asked.push(query);
      serveWhole(request, response, json(pages.get(query.get("pageToken") ?? "")));
    };
    expect(firstTokens(await open().getSequences(0n, 2n))).toEqual([1, 3, 5]);
    expect(asked.map((query) => query.get("prefix"))).toEqual(["set/", "set/"]);
  });

  test("without token files, without a listing, or with another answer, is an error that says so", async () => {
    server.files.set("/storage/v1/b/bucket/o", json({ items: [] }));
    expect(await codeOf(open("nowhere").check())).toBe("empty");
    server.files.set("/storage/v1/b/bucket/o", json({ items: 7 }));
    expect(await codeOf(open().check())).toBe("bad-file");
    server.files.delete("/storage/v1/b/bucket/o");
    expect(await codeOf(open().check())).toBe("unreachable");
  });
});

describe("WeightedHttp", () => {
  const publish = (document: unknown): string => server.publish({ "weights.json": json(document) })[0]!;

  test("draws by weight, over HTTP, and goes on past the end", async () => {
    const [a, b] = server.publish({ "a.bin": u16([0, 0, 1, 1, 2, 2, 3, 3]), "b.bin": u16([100, 0, 101, 0]) });
    const url = publish({
      shuffle: "DontShuffle",
      providers: [
        [{ ...http, location: { SingleUrl: a } }, 3],
        [{ ...http, location: { SingleUrl: b } }, 1],
      ],
    });
    const provider = createDataProvider({ WeightedHttp: url }, options);
    expect(await provider.sequenceCount()).toBe(6);
    expect(firstTokens(await provider.getSequences(0n, 11n))).toEqual([0, 1, 100, 2, 3, 0, 101, 1, 2, 3, 100, 0]);
  });

  test("a shuffled mixture is another order in each pass, the same for everyone", async () => {
    const [a, b] = server.publish({ "a.bin": u16(Array.from({ length: 40 }, (_, i) => i)), "b.bin": u16([200, 0, 202, 0]) });
    const url = publish({
      shuffle: { Seeded: Array(32).fill(3) },
      providers: [a, b].map((one) => ({ ...http, location: { SingleUrl: one } })),
    });
    const tokens = async () => firstTokens(await createDataProvider({ WeightedHttp: url }, options).getSequences(0n, 43n));
    const [first, again] = [await tokens(), await tokens()];
    expect(again).toEqual(first);
    const sorted = (values: number[]): number[] => values.toSorted((x, y) => x - y);
    // by length: a pass takes every sequence of each source once
    expect(sorted(first.slice(0, 22))).toEqual(sorted(first.slice(22)));
    expect(new Set(first.slice(0, 22)).size).toBe(22);
    expect(first.slice(22)).not.toEqual(first.slice(0, 22));
  });

  test.each<[string, Uint8Array, string]>([
    ["no JSON", new TextEncoder().encode("{"), "bad-file"],
    ["JSON of something else", json({ providers: [] }), "bad-file"],
    ["over 1 MiB", new Uint8Array(2 ** 20 + 1), "bad-file"],
  ])("refuses %s", async (_name, body, code) => {
    const [url] = server.publish({ "weights.json": body });
    expect(await codeOf(createDataProvider({ WeightedHttp: url! }, options).check())).toBe(code);
  });

  test("a list that cannot be had now is asked for again by the next call", async () => {
    const [a] = server.publish({ "a.bin": u16([7, 7]) });
    const url = publish({ shuffle: "DontShuffle", providers: [{ ...http, location: { SingleUrl: a } }] });
    const { handler } = server;
    server.handler = (_request, response) => void response.writeHead(503).end();
    const provider = createDataProvider({ WeightedHttp: url }, options);
    expect(await codeOf(provider.check())).toBe("unreachable");
    server.handler = handler;
    expect(firstTokens(await provider.getSequences(0n, 0n))).toEqual([7]);
  });
});
