/** A bare tab for tabs.node.test.ts: the browser's network and blobs, without the app, on the page's own thread. */
import { BlobService, keyHex, type PeerNetwork } from "@starling/network";
import { createBrowserNetwork } from "@starling/network/libp2pBrowser";
import { bytesOf } from "@starling/network/peerIds";

/** A member as it passes between processes: the peer id in hexadecimal. */
export interface PlainMember {
  peerId: string;
  multiaddrs: string[];
}

export interface PlainBlob {
  root: string;
  sizeBytes: number;
}

let network: PeerNetwork;
let blobs: BlobService;

const tab = {
  async start(seed: number): Promise<string> {
    network = await createBrowserNetwork({ seed: new Uint8Array(32).fill(seed) });
    blobs = new BlobService({ network });
    return keyHex(network.self);
  },
  setMembers(members: PlainMember[]): void {
    network.setMembers(members.map(({ peerId, multiaddrs }) => ({ peerId: bytesOf(peerId), multiaddrs })));
  },
  connected: (): string[] => network.connectedPeers().map(keyHex),
  multiaddrs: (): string[] => network.multiaddrs(),
  /** ms until the other has answered; throws what `connect` throws, as "code: message" */
  async connect(peerId: string): Promise<number> {
    const startMs = performance.now();
    await network.connect(bytesOf(peerId)).catch((error: Error & { code?: string }) => {
      throw new Error(`${error.code}: ${error.message}`);
    });
    return performance.now() - startMs;
  },
  async put(sizeBytes: number, fill: number): Promise<PlainBlob> {
    const bytes = new Uint8Array(sizeBytes);
    for (let i = 0; i < sizeBytes; i++) bytes[i] = Math.imul(i + fill, 2_654_435_761) >>> 24;
    const { root } = await blobs.put(bytes);
    return { root: keyHex(root), sizeBytes };
  },
  /** Fetches from that peer alone; every byte is verified. Resolves to the ms it took. */
  async get({ root, sizeBytes }: PlainBlob, provider: string): Promise<number> {
    const startMs = performance.now();
    await blobs.get({ root: bytesOf(root), sizeBytes }, [bytesOf(provider)], { keep: false });
    return performance.now() - startMs;
  },
  /** bytes received from that peer over the connections that stand */
  receivedFrom: (peerId: string): number => network.traffic().find(({ peer }) => keyHex(peer) === peerId)?.receivedBytes ?? 0,
  stop: (): Promise<void> => network.stop(),
};

export type Tab = typeof tab;
Object.assign(globalThis, { tab });
