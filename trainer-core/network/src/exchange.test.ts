import type { Stream } from "@libp2p/interface";
import { streamPair } from "@libp2p/utils";
import { describe, expect, test } from "vitest";
import { BlobRequestKind, blobRequestBytes, decodeBlobAnswer, decodeBlobRequest, encodeBlobRequest } from "./blobWire.ts";
import { askOverStream, serveStream, subscribeOverStream } from "./exchange.ts";
import { FrameTag, StreamReader, writeFrame } from "./framing.ts";

const nothing = new Uint8Array(0);

/** What a server sends back to raw bytes, as (tag, text) of its first frame. */
async function answerTo(bytes: Uint8Array): Promise<[number, string]> {
  const [client, server] = await streamPair();
  const reader = new StreamReader(client);
  void serveStream(server, 10, async (request, push) => push(request));
  client.send(bytes);
  await client.close();
  const { tag, body } = await reader.readFrame(100);
  return [tag, new TextDecoder().decode(body)];
}

describe("a server facing a hostile client", () => {
  test.each([
    ["an unknown tag", [9, 0, 0, 0, 0], /^malformed\n/],
    ["a request over the limit", [0, 11, 0, 0, 0], /^too-large\n/],
    ["a request cut short", [0, 10, 0, 0, 0, 1], /^remote-error\n/],
    ["an end instead of a request", [2, 0, 0, 0, 0], /^malformed\n/],
    ["nothing", [], /^remote-error\n/],
  ])("%s is answered with an error", async (_name, bytes, expected) => {
    const [tag, text] = await answerTo(Uint8Array.from(bytes));
    expect(tag).toBe(FrameTag.error);
    expect(text).toMatch(expected);
  });

  test("a good request is answered", async () => {
    expect(await answerTo(Uint8Array.of(0, 2, 0, 0, 0, 104, 105))).toEqual([FrameTag.data, "hi"]);
  });
});

describe("a client facing a hostile server", () => {
  const ask = (stream: Stream): Promise<unknown> => askOverStream(stream, nothing, 10, {});
  const subscribe = (stream: Stream): Promise<unknown> => subscribeOverStream(stream, nothing, 10, () => {}, new AbortController().signal);

  test.each([
    ["an answer over the limit", FrameTag.data, new Uint8Array(11), "too-large"],
    ["an end without an answer", FrameTag.end, nothing, "malformed"],
    ["an error of a made-up code", FrameTag.error, new TextEncoder().encode("aborted\nha"), "remote-error"],
    ["an error without a code", FrameTag.error, new TextEncoder().encode("ha"), "remote-error"],
    ["an error that is not UTF-8", FrameTag.error, Uint8Array.of(255, 254), "remote-error"],
  ])("%s is a typed error", async (_name, tag, body, code) => {
    for (const act of [ask, subscribe]) {
      if (act === subscribe && tag === FrameTag.end) continue;
      const [client, server] = await streamPair();
      const failed = expect(act(client)).rejects.toMatchObject({ code });
      await writeFrame(server, tag, body);
      await failed;
    }
  });
});

describe("blob requests", () => {
  const address = { root: new Uint8Array(32).fill(5), sizeBytes: 2 ** 40 + 3 };

  test("survive the wire", () => {
    const request = { kind: BlobRequestKind.chunk, address, index: 4_000_000_000 };
    expect(decodeBlobRequest(encodeBlobRequest(request))).toEqual(request);
  });

  test("of every wrong length, kind and size are refused", () => {
    const good = encodeBlobRequest({ kind: BlobRequestKind.list, address, index: 0 });
    for (let length = 0; length < blobRequestBytes; length++) expect(() => decodeBlobRequest(good.subarray(0, length))).toThrow(/45 bytes/);
    expect(() => decodeBlobRequest(Uint8Array.of(...good, 0))).toThrow(/45 bytes/);
    expect(() => decodeBlobRequest(good.with(0, 2))).toThrow(/kind 2/);
    expect(() => decodeBlobRequest(good.with(40, 255))).toThrow(/2\^53/);
  });

  test("have answers with a known status only", () => {
    expect(decodeBlobAnswer(Uint8Array.of(0, 9))).toEqual(Uint8Array.of(9));
    expect(decodeBlobAnswer(Uint8Array.of(1))).toBeNull();
    for (const bytes of [[], [2], [1, 0]]) expect(() => decodeBlobAnswer(Uint8Array.from(bytes))).toThrow(/status/);
  });
});
