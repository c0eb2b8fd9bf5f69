/** A Worker that dials by the page's WebRTC and has bytes echoed. */
import { keyHex } from "@starling/network";
import { installRtc } from "../client.ts";

export type ToProbe = { type: "rtc"; port: MessagePort } | { type: "echo"; address: string; bytes: number; times: number };
export type FromProbe = { type: "echoed"; peer: string; equal: boolean; ms: number } | { type: "failed"; message: string };

const LIMIT_MS = 60_000;

async function echo({ address, bytes, times }: Extract<ToProbe, { type: "echo" }>): Promise<FromProbe> {
  // the bridge is in place: libp2p looks for WebRTC when it is loaded
  const { createBrowserNetwork } = await import("@starling/network/libp2pBrowser");
  const network = await createBrowserNetwork({ seed: crypto.getRandomValues(new Uint8Array(32)), allowAll: true });
  try {
    const peer = await network.connectAddress(address);
    const sent = Uint8Array.from({ length: bytes }, (_, i) => (i * 31) & 255);
    const startedMs = performance.now();
    // several streams at once, each a data channel of its own
    const answers = await Promise.all(
      Array.from({ length: times }, () => network.request(peer, "/test/echo/1", sent, { maxResponseBytes: bytes, timeoutMs: LIMIT_MS })),
    );
    const equal = answers.every((answer) => answer.length === bytes && answer.every((byte, i) => byte === sent[i]));
    return { type: "echoed", peer: keyHex(peer), equal, ms: performance.now() - startedMs };
  } finally {
    await network.stop();
  }
}

self.addEventListener("message", ({ data }: MessageEvent<ToProbe>) => {
  if (data.type === "rtc") return installRtc(data.port);
  echo(data).then(
    (answer) => self.postMessage(answer),
    (error: Error) => self.postMessage({ type: "failed", message: error.message } satisfies FromProbe),
  );
});
