import type { GossipSub } from "@libp2p/gossipsub";
import type { PeerId } from "@libp2p/interface";
import type { LimitReports } from "./limitReports.ts";
import { gossipLimits, junkStrikes, junkWeight, rateLimits } from "./limits.ts";
import type { Offenders } from "./offenders.ts";
import { bytesOf, hexOf } from "./peerIds.ts";
import { TokenBuckets } from "./tokenBucket.ts";

export interface GossipGuardOptions {
  reports: LimitReports;
  offenders: Offenders;
  isReadHere: (topic: string) => boolean;
  now?: () => number;
}

/**
 * Keeps gossip within its rates. What a neighbour sends is counted before it is parsed and before a signature is looked at;
 * what an author says is counted after its signature and before it is relayed, so that honest neighbours, who all count
 * alike, never relay more than they may.
 */
export class GossipGuard {
  readonly #options: GossipGuardOptions;
  readonly #now: () => number;
  readonly #messages = new TokenBuckets(rateLimits.gossipMessages);
  readonly #bytes = new TokenBuckets(rateLimits.gossipBytes);
  readonly #authorMessages = new TokenBuckets(rateLimits.authorMessages);
  readonly #authorBytes = new TokenBuckets(rateLimits.authorBytes);

  constructor(options: GossipGuardOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The neighbours' rates grow with the members that they relay for. */
  setMembers(count: number): void {
    const grown = (base: { perSecond: number; burst: number }, each: { perSecond: number; burst: number }) => ({
      perSecond: base.perSecond + count * each.perSecond,
      burst: base.burst + count * each.burst,
    });
    this.#messages.setRate(grown(rateLimits.gossipMessages, rateLimits.gossipMessagesPerMember));
    this.#bytes.setRate(grown(rateLimits.gossipBytes, rateLimits.gossipBytesPerMember));
  }

  /** Puts itself between libp2p's streams and gossipsub. */
  attach(pubsub: GossipSub): void {
    const inner = pubsub as unknown as GossipInternals;
    const pipe = inner.pipePeerReadStream.bind(inner);
    inner.pipePeerReadStream = (peer, stream) => pipe(peer, this.#withinBytes(peer, stream));
    const handle = inner.handleReceivedRpc.bind(inner);
    inner.handleReceivedRpc = (peer, rpc) => {
      rpc.messages = rpc.messages.filter((message) => this.#mayPass(peer, message));
      return handle(peer, rpc);
    };
    const validate = inner.validateReceivedMessage.bind(inner);
    inner.validateReceivedMessage = async (peer, message) => {
      const result = await validate(peer, message);
      // "error": no signature, a wrong one, or fields that do not belong. Nobody honest relays it.
      if (result.reason === "error") this.#junk(peer, junkWeight - 1);
      return result;
    };
  }

  /** Whether a message whose signature is proven may be delivered and relayed. */
  mayRelay(author: string, bytes: number): boolean {
    const nowMs = this.#now();
    if (this.#authorMessages.take(author, 1, nowMs) && this.#authorBytes.take(author, bytes, nowMs)) return true;
    this.#options.reports.hit("gossip-rate", { peer: bytesOf(author) });
    return false;
  }

  async *#withinBytes(peer: PeerId, frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    const hex = hexOf(peer) ?? peer.toString();
    for await (const frame of frames) {
      if (this.#options.offenders.isCutOff(hex)) return;
      if (this.#bytes.take(hex, frame.byteLength, this.#now())) yield frame;
      else this.#over(peer);
    }
  }

  #mayPass(peer: PeerId, { topic, data }: RpcMessage): boolean {
    const hex = hexOf(peer) ?? peer.toString();
    if (this.#options.offenders.isCutOff(hex)) return false;
    const isRead = this.#options.isReadHere(topic);
    if (!this.#messages.take(hex, isRead ? 1 : junkWeight, this.#now())) {
      this.#over(peer);
      return false;
    }
    if ((data?.byteLength ?? 0) > gossipLimits.messageBytes.value) {
      this.#junk(peer, junkWeight);
      return false;
    }
    return isRead;
  }

  #junk(peer: PeerId, weight: number): void {
    const hex = hexOf(peer) ?? peer.toString();
    this.#report("gossip-junk", hex);
    this.#messages.take(hex, weight, this.#now());
    this.#options.offenders.strike(hex, junkStrikes);
  }

  #over(peer: PeerId): void {
    const hex = hexOf(peer) ?? peer.toString();
    this.#report("gossip-rate", hex);
    this.#options.offenders.strike(hex);
  }

  #report(limit: "gossip-junk" | "gossip-rate", hex: string): void {
    this.#options.reports.hit(limit, { peer: bytesOf(hex) });
  }
}

/**
 * Two messages of one signature are the same message: a duplicate is known by it, without verifying it once more. It is
 * remembered only once it has been verified.
 */
export function fastMessageId({ signature }: { signature?: Uint8Array }): string {
  return String.fromCharCode(...(signature ?? new Uint8Array(0)).subarray(0, 64));
}

interface Frame {
  byteLength: number;
  subarray(): Uint8Array;
}

interface RpcMessage {
  topic: string;
  data?: Uint8Array;
}

/** Methods of @libp2p/gossipsub 17.1.1 that it has for such use in tests and subclasses, but does not declare. */
interface GossipInternals {
  pipePeerReadStream(peer: PeerId, stream: AsyncIterable<Frame>): Promise<void>;
  handleReceivedRpc(peer: PeerId, rpc: { messages: RpcMessage[] }): Promise<void>;
  validateReceivedMessage(peer: PeerId, message: RpcMessage): Promise<{ reason?: string }>;
}
