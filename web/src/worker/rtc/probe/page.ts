/** The page of e2e/rtcBridge.node.test.ts: lends its WebRTC to a Worker, and carries the test's questions to it. */
import { createRtcHost } from "../host.ts";
import type { FromProbe, ToProbe } from "./worker.ts";

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const rtc = createRtcHost()!;
worker.postMessage({ type: "rtc", port: rtc.port } satisfies ToProbe, [rtc.port]);

const ask = (message: Exclude<ToProbe, { type: "rtc" }>): Promise<FromProbe> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromProbe>) => resolve(data);
    worker.onerror = ({ message: why }) => reject(new Error(why));
    worker.postMessage(message);
  });

Object.assign(globalThis, { probe: { ask, end: () => worker.terminate() } });
