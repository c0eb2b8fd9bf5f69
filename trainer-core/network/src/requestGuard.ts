import type { Connection, Stream } from "@libp2p/interface";
import type { LimitReports } from "./limitReports.ts";
import { rateLimits, streamLimits } from "./limits.ts";
import type { Offenders } from "./offenders.ts";
import { bytesOf, hexOf, hostOf } from "./peerIds.ts";
import { TokenBuckets } from "./tokenBucket.ts";

export interface RequestGuardOptions {
  reports: LimitReports;
  offenders: Offenders;
  isNamed: (hex: string) => boolean;
  now?: () => number;
}

/** Keeps streams and requests of a peer within their rates; a coordinator's strangers by their address, as keys are free. */
export class RequestGuard {
  readonly #options: RequestGuardOptions;
  readonly #now: () => number;
  readonly #streams = new TokenBuckets(rateLimits.streams);
  readonly #requests = new TokenBuckets(rateLimits.requestsPerProtocol);
  readonly #strangers = new TokenBuckets(rateLimits.strangerRequestsPerHost);

  constructor(options: RequestGuardOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Counts the streams that the other side opens, before their protocol is negotiated. */
  watch(connection: Connection): void {
    const hex = hexOf(connection.remotePeer);
    // Every connection of ours is multiplexed; libp2p declares the muxer for itself only.
    const { muxer } = connection as Connection & {
      muxer: { addEventListener(type: "stream", listener: (event: CustomEvent<Stream>) => void): void };
    };
    let open = 0;
    muxer.addEventListener("stream", ({ detail: stream }) => {
      // yamux counts as well, WebRTC does not
      const isWithin = open < streamLimits.inboundStreamsPerConnection.value;
      if (isWithin && hex !== null && this.#streams.take(hex, 1, this.#now())) {
        open++;
        stream.addEventListener("close", () => open--, { once: true });
        return;
      }
      stream.abort(new Error("too many streams"));
      if (hex !== null) this.#over(hex, hostOf(connection.remoteAddr));
    });
  }

  /** Whether a request of `hex` may be read. */
  mayAsk(hex: string, protocol: string, connection: Connection): boolean {
    const nowMs = this.#now();
    const host = hostOf(connection.remoteAddr);
    const isWithin =
      this.#requests.take(`${hex} ${protocol}`, 1, nowMs) && (this.#options.isNamed(hex) || this.#strangers.take(host, 1, nowMs));
    if (!isWithin) this.#over(hex, host);
    return isWithin;
  }

  #over(hex: string, host: string): void {
    this.#options.reports.hit("request-rate", this.#options.isNamed(hex) ? { peer: bytesOf(hex) } : { host });
    this.#options.offenders.strike(hex);
  }
}
