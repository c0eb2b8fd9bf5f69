/** Runs in a network namespace of its own (ownNamespace.ts): relays, tabs, and what happens between them, as one JSON object on stdout. */
import type { Page } from "playwright-core";
import { BlobService, keyHex } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { bytesOf } from "@starling/network/peerIds";
import { launchChromium } from "../chromium.ts";
import { serveSite } from "../site.ts";
import type { PlainMember, Tab } from "./tab.ts";

const HOST = "10.77.0.1";
const BLOB_BYTES = 8 * 1024 * 1024;
const WAIT_MS = 30_000;

/** What the test looks at. Times in ms, speeds in MB/s. */
export interface TabsReport {
  version: string;
  dialWebSocketMs: number;
  dialWebRtcDirectMs: number;
  dialTabMs: number;
  fromDaemonByWebSocket: number;
  fromDaemonByWebRtcDirect: number;
  fromTab: number;
  toTab: number;
  /** of the 8 MiB that went between the tabs */
  receivedFromTab: number;
  relayedBytes: number;
  /** after the relay through which they met has gone */
  withoutRelay: number;
  /** addresses of the first tab before and after */
  addressesBefore: string[];
  addressesAfter: string[];
  /** a tab that comes when the first relay has gone */
  lateDialMs: number;
  strangerIsTold: string;
  strangerConnections: number;
}

type Call = <K extends keyof Tab>(page: Page, name: K, ...args: Parameters<Tab[K]>) => Promise<Awaited<ReturnType<Tab[K]>>>;
const call: Call = (page, name, ...args) =>
  page.evaluate(
    ([key, values]) =>
      (globalThis as unknown as { tab: Record<string, (...a: unknown[]) => unknown> }).tab[key as string](...(values as unknown[])),
    [name, args] as const,
  ) as never;

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${WAIT_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const speed = (ms: number): number => BLOB_BYTES / 1e6 / (ms / 1000);

const [directory] = process.argv.slice(2);
const site = await serveSite({ "/": directory });
const relay = async (seed: number, listen: string[]) =>
  createNodeNetwork({ seed: new Uint8Array(32).fill(seed), listen, isRelay: true, onError: () => undefined });
const first = await relay(1, [`/ip4/${HOST}/tcp/0/ws`]);
const second = await relay(2, [`/ip4/${HOST}/udp/0/webrtc-direct`, `/ip4/${HOST}/tcp/0/ws`]);
const browser = await launchChromium();
const open = async (seed: number): Promise<{ page: Page; peerId: string }> => {
  // a profile each, as on two machines
  const page = await (await browser.newContext()).newPage();
  page.on("pageerror", (error) => process.stderr.write(`tab ${seed}: ${error.stack ?? error.message}\n`));
  await page.goto(site.url);
  await page.waitForFunction("globalThis.tab !== undefined");
  return { page, peerId: await call(page, "start", seed) };
};

const [a, b, late, stranger] = [await open(11), await open(12), await open(13), await open(14)];
const secondAt = second.multiaddrs();
const daemons: PlainMember[] = [
  { peerId: keyHex(first.self), multiaddrs: first.multiaddrs() },
  { peerId: keyHex(second.self), multiaddrs: secondAt.filter((address) => address.includes("/webrtc-direct")) },
];
const tabs = [a, b, late].map(({ peerId }): PlainMember => ({ peerId, multiaddrs: [] }));
const members = [...daemons, ...tabs];
const plain = members.map(({ peerId, multiaddrs }) => ({ peerId: bytesOf(peerId), multiaddrs }));
for (const network of [first, second]) network.setMembers(plain);
const [firstId, secondId] = daemons.map(({ peerId }) => peerId);

// tab to daemon, each way of dialling alone
await call(a.page, "setMembers", [daemons[0]]);
const dialWebSocketMs = await call(a.page, "connect", firstId);
await call(b.page, "setMembers", [daemons[1]]);
const dialWebRtcDirectMs = await call(b.page, "connect", secondId);
const held = new BlobService({ network: first });
const alsoHeld = new BlobService({ network: second });
const bytes = crypto.getRandomValues(new Uint8Array(65_536));
const large = new Uint8Array(BLOB_BYTES).map((_, i) => bytes[i % 65_536] ^ (i >> 16));
const { root } = await held.put(large);
await alsoHeld.put(large);
const daemonBlob = { root: keyHex(root), sizeBytes: BLOB_BYTES };
const fromDaemonByWebSocket = speed(await call(a.page, "get", daemonBlob, firstId));
const fromDaemonByWebRtcDirect = speed(await call(b.page, "get", daemonBlob, secondId));

// tab to tab: both know the same two daemons, and of each other only the peer id
for (const { page } of [a, b])
  await call(
    page,
    "setMembers",
    members.filter(({ peerId }) => peerId !== late.peerId),
  );
await until("two reservations each", async () => {
  const known = await Promise.all([a, b].map(({ page }) => call(page, "multiaddrs")));
  return known.every((addresses) => addresses.length === 2);
});
const addressesBefore = await call(a.page, "multiaddrs");
const relayedOf = (): number =>
  [first, second].flatMap((network) => network.traffic()).reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
const relayedBefore = relayedOf();
const dialTabMs = await call(a.page, "connect", b.peerId);
const blobOfB = await call(b.page, "put", BLOB_BYTES, 1);
const blobOfA = await call(a.page, "put", BLOB_BYTES, 2);
const receivedBefore = await call(a.page, "receivedFrom", b.peerId);
const fromTab = speed(await call(a.page, "get", blobOfB, b.peerId));
const receivedFromTab = (await call(a.page, "receivedFrom", b.peerId)) - receivedBefore;
const toTab = speed(await call(b.page, "get", blobOfA, a.peerId));
const relayedBytes = relayedOf() - relayedBefore;

// the relay goes; what was made through it stays, and newcomers take the other
await first.stop();
await until("the loss is noticed", async () => (await call(a.page, "multiaddrs")).length === 1);
const addressesAfter = await call(a.page, "multiaddrs");
const third = await call(b.page, "put", BLOB_BYTES, 3);
const withoutRelay = speed(await call(a.page, "get", third, b.peerId));
for (const { page } of [a, b, late]) await call(page, "setMembers", members.slice(1));
await call(late.page, "connect", secondId);
const lateDialMs = await call(late.page, "connect", a.peerId);

// nobody lists the stranger: neither daemon nor tab lets it in. By WebSocket, as WebRTC takes its time to say so
const byWebSocket = { peerId: secondId, multiaddrs: secondAt.filter((address) => address.includes("/ws")) };
await call(stranger.page, "setMembers", [byWebSocket, ...members.slice(2)]);
const strangerIsTold = await call(stranger.page, "connect", secondId).then(
  () => "let in",
  (error: Error) => /(refused|unreachable|not-a-member)/.exec(error.message)?.[1] ?? error.message,
);
await call(stranger.page, "connect", a.peerId).catch(() => 0);
const strangerConnections = (await call(stranger.page, "connected")).length;

for (const { page } of [a, b, late, stranger]) await call(page, "stop");
const report: TabsReport = {
  version: browser.version(),
  dialWebSocketMs,
  dialWebRtcDirectMs,
  dialTabMs,
  fromDaemonByWebSocket,
  fromDaemonByWebRtcDirect,
  fromTab,
  toTab,
  receivedFromTab,
  relayedBytes,
  withoutRelay,
  addressesBefore,
  addressesAfter,
  lateDialMs,
  strangerIsTold,
  strangerConnections,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await browser.close();
await site.close();
// node-datachannel's threads would go on
process.exit(0);
