import type { Stream } from "@libp2p/interface";
import { generateKeypair, NetworkError, openRequest, sealRequest, toMultiaddr } from "@starling/network";
import { decodeBlobAnswer, decodeBlobRequest, encodeBlobAnswer, encodeBlobNotFound, encodeBlobRequest } from "@starling/network/blobWire";
import { FrameTag, StreamReader } from "@starling/network/framing";
import { dialableAddresses, hostOf, parseAddress, peerIdIn, peerIdOf, peerIdText, peerKeyFromText } from "@starling/network/peerIds";
import { expectBytes, expectSame, filled, text, utf8, type FuzzTarget } from "../target.ts";

const isRefusal = (error: unknown): boolean => error instanceof NetworkError;
const audience = { domain: "starling/test/1", runId: "fuzz" };
const peer = generateKeypair(filled(32));

/** A stream whose other side says `bytes` in two pieces and hangs up: libp2p's own pair takes ten milliseconds for each. */
class Feed extends EventTarget {
  readStatus = "readable";
  readonly readBufferLength = 0;

  feed(bytes: Uint8Array): void {
    const half = bytes.length >> 1;
    for (const piece of [bytes.subarray(0, half), bytes.subarray(half)]) {
      if (piece.length > 0) this.dispatchEvent(Object.assign(new Event("message"), { data: piece }));
    }
    this.dispatchEvent(new Event("remoteCloseWrite"));
  }

  pause(): void {
    this.readStatus = "paused";
  }

  resume(): void {
    this.readStatus = "readable";
  }
}

export const networkTargets: FuzzTarget[] = [
  {
    name: "signed-request",
    isRefusal,
    decode(bytes) {
      openRequest(bytes, audience);
      return true;
    },
    valid: () =>
      Promise.all(
        [0, 1, 300].map((size, sequence) =>
          sealRequest({ ...audience, signer: peer, method: "witness", sequence, timestampMs: 1_700_000_000_000, body: filled(size) }),
        ),
      ),
  },
  {
    name: "blob-request",
    isRefusal,
    decode(bytes) {
      expectBytes(encodeBlobRequest(decodeBlobRequest(bytes)), bytes, "blob request");
      return true;
    },
    valid: () => [0, 1].map((kind) => encodeBlobRequest({ kind, address: { root: filled(32), sizeBytes: 5_000_000 }, index: kind * 3 })),
  },
  {
    name: "blob-answer",
    isRefusal,
    decode(bytes) {
      const body = decodeBlobAnswer(bytes);
      expectBytes(body === null ? encodeBlobNotFound() : encodeBlobAnswer(body), bytes, "blob answer");
      return true;
    },
    valid: () => [encodeBlobNotFound(), encodeBlobAnswer(filled(100)), encodeBlobAnswer(new Uint8Array(0))],
  },
  {
    name: "frames",
    isRefusal,
    // All frames of a stream, as a subscriber reads them.
    async decode(bytes) {
      const stream = new Feed();
      const reader = new StreamReader(stream as unknown as Stream);
      stream.feed(bytes);
      for (;;) {
        const { tag, body } = await reader.readFrame(1000);
        if (body.byteLength > (tag === FrameTag.data ? 1000 : 4096)) throw new Error("a body over its limit");
        if (tag === FrameTag.end) return true;
      }
    },
    valid: () => [Uint8Array.of(0, 3, 0, 0, 0, 1, 2, 3, 2, 0, 0, 0, 0), Uint8Array.of(1, 4, 0, 0, 0, 65, 10, 66, 67, 2, 0, 0, 0, 0)],
  },
  {
    name: "address",
    isRefusal,
    decode(bytes) {
      const typed = text(bytes);
      const address = parseAddress(toMultiaddr(typed));
      if (address === null) return false;
      hostOf(address);
      peerIdIn(address);
      dialableAddresses([typed, typed], peerIdOf(Buffer.from(peer.publicKey).toString("hex")), 8);
      expectSame(parseAddress(address.toString())?.toString(), address.toString(), "address");
      return true;
    },
    valid: () =>
      [
        "/ip4/127.0.0.1/tcp/4001",
        `/ip4/10.0.0.7/tcp/20000/ws/p2p/${peerIdText(peer.publicKey)}`,
        "/ip6/2001:db8::1/tcp/4001",
        "/dns4/rig0.example.org/tcp/20000",
        "rig0:20000",
        "127.0.0.1:1",
        "[::1]:65535",
        "/ip6/::ffff:1.2.3.4/tcp/5",
        "/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
      ].map(utf8),
  },
  {
    name: "peer-id",
    isRefusal,
    decode(bytes) {
      const typed = text(bytes);
      expectSame(peerKeyFromText(peerIdText(peerKeyFromText(typed))), peerKeyFromText(typed), "peer id");
      return true;
    },
    valid: () => [utf8(peerIdText(peer.publicKey)), utf8("bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l")],
  },
];
