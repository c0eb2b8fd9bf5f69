import { streamPair } from "@libp2p/utils";
import { describe, expect, test } from "vitest";
import { FrameTag, StreamReader, writeFrame } from "./framing.ts";

describe("frames", () => {
  test("bodies of every awkward size arrive whole and in order", async () => {
    const [out, incoming] = await streamPair();
    const reader = new StreamReader(incoming);
    const sizes = [0, 1, 4, 65_535, 65_536, 65_537, 131_072, 300_001];
    const writing = (async () => {
      for (const size of sizes) await writeFrame(out, FrameTag.data, new Uint8Array(size).fill(size));
      await out.close();
    })();
    for (const size of sizes) {
      const { tag, body } = await reader.readFrame(300_001);
      expect([tag, body.byteLength, body[size - 1]]).toEqual([FrameTag.data, size, size === 0 ? undefined : size & 255]);
    }
    await writing;
    expect(await reader.read(1)).toBeNull();
  });

  test.each([
    ["a body over the limit", [0, 101, 0, 0, 0], "too-large"],
    ["a body of 4 GiB", [0, 255, 255, 255, 255], "too-large"],
    ["an error text over its own limit", [1, 1, 16, 0, 0], "too-large"],
    ["an unknown tag", [3, 0, 0, 0, 0], "malformed"],
    ["half a header", [0, 1], "unreachable"],
    ["a body cut short", [0, 10, 0, 0, 0, 1, 2, 3], "unreachable"],
  ])("%s is refused", async (_name, bytes, code) => {
    const [out, incoming] = await streamPair();
    const reader = new StreamReader(incoming);
    out.send(Uint8Array.from(bytes));
    const read = expect(reader.readFrame(100)).rejects.toMatchObject({ code });
    await out.close();
    await read;
  });

  test("an abort ends a read, a reset ends it as unreachable", async () => {
    const [out, incoming] = await streamPair();
    const reader = new StreamReader(incoming);
    const controller = new AbortController();
    const read = expect(reader.readExactly(1, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    controller.abort();
    await read;
    await expect(reader.readExactly(1, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    const broken = expect(reader.readExactly(1)).rejects.toMatchObject({ code: "unreachable" });
    out.abort(new Error("gone"));
    await broken;
  });

  test("the reader pauses the stream above its mark and loses nothing", async () => {
    const [out, incoming] = await streamPair();
    const reader = new StreamReader(incoming, { highBytes: 1000, lowBytes: 500 });
    for (let i = 0; i < 20; i++) out.send(new Uint8Array(400).fill(i));
    while (incoming.readStatus !== "paused") await new Promise((resolve) => setTimeout(resolve, 1));
    const all = await reader.readExactly(8000);
    expect([...all]).toEqual(Array.from({ length: 8000 }, (_, i) => Math.floor(i / 400)));
  });
});
