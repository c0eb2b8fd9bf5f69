import { describe, expect, it } from "vitest";
import { rejectedWith } from "./complianceClient.ts";
import { CoordinatorError } from "./errors.ts";
import { Machine } from "./machine.ts";
import { encodeFrame, FrameReader, MAX_SNAPSHOT_BYTES } from "./snapshotFrames.ts";
import { Scene } from "./testScene.ts";
import type { Snapshot } from "./types.ts";

/** Snapshots of a run of `count` clients: in training, and a report later. */
async function twoOf(count: number): Promise<[Snapshot, Snapshot]> {
  const scene = new Scene();
  const identities = await scene.train(count);
  const before = scene.core.snapshot();
  const { step, clients } = scene.core.state();
  const [{ session }] = identities;
  scene.core.witness(session.publicKey, {
    step,
    bitmap: new Uint8Array(32),
    listRoot: new Uint8Array(32).fill(1),
    reveal: identities[0].preimageOf(clients[0].chainHead)!,
    parameterHash: new Uint8Array(32),
  });
  return [before, scene.core.snapshot()];
}

describe("snapshot frames", () => {
  it("come back as they were, the first whole and the next as what changed", async () => {
    const [before, after] = await twoOf(24);
    const whole = await encodeFrame(before, null);
    const change = await encodeFrame(after, before);
    expect(change.length).toBeLessThan(400);
    const reader = new FrameReader();
    expect(await reader.read(whole)).toEqual(before);
    const read = await reader.read(change);
    expect(read).toEqual(after);
    expect(Machine.load(read.bytes).state().rounds[0].witnesses).toHaveLength(1);
  });

  it("tell of members that came or moved, and say nothing of those that did not", async () => {
    const [before] = await twoOf(3);
    const [first, ...others] = before.members;
    const moved = [{ ...first, multiaddrs: ["/ip4/127.0.0.1/tcp/2"] }, ...others];
    for (const members of [moved, others, before.members]) {
      const after = { ...before, nonce: before.nonce + 1n, members };
      const reader = new FrameReader();
      await reader.read(await encodeFrame(before, null));
      expect(await reader.read(await encodeFrame(after, before))).toEqual(after);
    }
  });

  it("are refused when damaged, foreign, out of order, or larger inside than a snapshot may be", async () => {
    const [before, after] = await twoOf(3);
    const frame = await encodeFrame(before, null);
    const change = await encodeFrame(after, before);
    const reader = new FrameReader();
    await rejectedWith("malformed", reader.read(new Uint8Array([9, ...frame.subarray(1)])));
    await rejectedWith("malformed", reader.read(frame.subarray(0, frame.length - 10)));
    await rejectedWith("malformed", reader.read(new Uint8Array(0)));
    await rejectedWith("malformed", reader.read(change));
    await reader.read(frame);
    await reader.read(change);
    await rejectedWith("malformed", reader.read(change));
    const bomb = new Blob([new Uint8Array(MAX_SNAPSHOT_BYTES + 1)]).stream().pipeThrough(new CompressionStream("deflate"));
    const packed = new Uint8Array(await new Response(bomb).arrayBuffer());
    expect(packed.length).toBeLessThan(10_000);
    await rejectedWith("malformed", reader.read(new Uint8Array([1, ...packed])));
  });

  it("never throw anything but a CoordinatorError, whatever the bytes (seed 7)", async () => {
    const [before, after] = await twoOf(3);
    const whole = await encodeFrame(before, null);
    const change = await encodeFrame(after, before);
    let state = 7;
    const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
    for (let i = 0; i < 300; i++) {
      const bytes = (i % 2 === 0 ? whole : change).slice();
      for (let flips = 0; flips < 1 + (i % 4); flips++) bytes[1 + (random() % (bytes.length - 1))] = random() & 0xff;
      const reader = new FrameReader();
      await reader.read(whole);
      await reader.read(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(CoordinatorError));
    }
  });
});
