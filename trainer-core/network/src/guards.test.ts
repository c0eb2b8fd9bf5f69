import type { Connection } from "@libp2p/interface";
import { streamPair } from "@libp2p/utils";
import { multiaddr } from "@multiformats/multiaddr";
import { describe, expect, test } from "vitest";
import { NetworkError } from "./errors.ts";
import { askOverStream, refuseStream } from "./exchange.ts";
import { type LimitHit, LimitReports } from "./limitReports.ts";
import { firstCutOffMs, longestCutOffMs, rateLimits, streamLimits } from "./limits.ts";
import { Offenders } from "./offenders.ts";
import { generateKeypair } from "./keys.ts";
import { hostOf, isRelayed, parseAddress, peerIdIn, peerIdOf, peerIdText, peerKeyFromText, worthTelling } from "./peerIds.ts";
import { keyHex } from "./port.ts";
import { RequestGuard } from "./requestGuard.ts";
import { TokenBucket, TokenBuckets } from "./tokenBucket.ts";

describe("a token bucket", () => {
  test("gives its burst, then its rate, and never more than its burst", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
    const takes = (nowMs: number, times: number): number =>
      Array.from({ length: times }, () => bucket.take(1, nowMs)).filter(Boolean).length;
    expect([takes(0, 5), takes(50, 1), takes(100, 2), takes(1100, 20), takes(60_000, 20)]).toEqual([3, 0, 1, 3, 3]);
    expect(bucket.take(4, 120_000)).toBe(false);
    expect(bucket.isFull(120_000)).toBe(true);
  });

  test("goes on when the clock is set back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 3_600_000);
    expect(bucket.take(1, 3_600_000)).toBe(true);
    expect(bucket.take(2, 0)).toBe(true);
    expect(bucket.take(1, 100)).toBe(true);
  });

  test("by name: a flood of names shares one bucket and grows no table", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 }, 10);
    for (let i = 0; i < 10; i++) expect(buckets.take(`honest ${i}`, 1, 0)).toBe(true);
    let passed = 0;
    for (let i = 0; i < 1000; i++) if (buckets.take(`flood ${i}`, 1, 1)) passed++;
    expect(passed).toBe(2);
    expect(buckets.size).toBeLessThanOrEqual(11);
    expect(buckets.take("honest 3", 1, 1)).toBe(true);
    // full again after a while: forgotten, and room for others
    expect(buckets.take("newcomer", 1, 10_000)).toBe(true);
  });

  test("keeps what was used when the rate grows", () => {
    const buckets = new TokenBuckets({ perSecond: 0, burst: 5 });
    for (let i = 0; i < 5; i++) buckets.take("a", 1, 0);
    buckets.setRate({ perSecond: 100, burst: 50 });
    expect(buckets.take("a", 1, 0)).toBe(false);
    expect(buckets.take("a", 10, 100)).toBe(true);
  });
});

describe("who goes over the limits", () => {
  test("is first ignored, then loses score, then is cut off, for twice as long each time, and forgiven", () => {
    let nowMs = 0;
    let penalties = 0;
    const cutOffs: number[] = [];
    const offenders = new Offenders({ now: () => nowMs, onPenalty: () => penalties++, onCutOff: (_hex, forMs) => cutOffs.push(forMs) });
    const flood = (): void => {
      for (let i = 0; i <= rateLimits.strikes.burst; i++) offenders.strike("bad");
    };
    offenders.strike("clumsy");
    expect([penalties, offenders.isCutOff("clumsy")]).toEqual([0, false]);
    flood();
    expect(penalties).toBe(10);
    expect(offenders.isCutOff("bad")).toBe(true);
    expect(offenders.isCutOff("clumsy")).toBe(false);
    for (let i = 0; i < 6; i++) {
      nowMs += longestCutOffMs + 1;
      expect(offenders.isCutOff("bad")).toBe(false);
      flood();
    }
    expect(cutOffs).toEqual([1, 2, 4, 8, 16, 16, 16].map((times) => times * firstCutOffMs));
    // A rate within what strikes heal at is never cut off.
    for (let second = 0; second < 200; second++, nowMs += 1000)
      for (let i = 0; i < rateLimits.strikes.perSecond; i++) offenders.strike("slow");
    expect(offenders.isCutOff("slow")).toBe(false);
  });

  test("is reported at once, then rarely, with a count; a flood of culprits together", async () => {
    const hits: LimitHit[] = [];
    const reports = new LimitReports((hit) => hits.push(hit));
    for (let i = 0; i < 500; i++) reports.hit("upgrades-per-host", { host: "10.0.0.1" });
    reports.hit("gossip-rate", { peer: new Uint8Array(32).fill(7) });
    expect(hits).toEqual([
      { limit: "upgrades-per-host", peer: null, host: "10.0.0.1", count: 1 },
      { limit: "gossip-rate", peer: new Uint8Array(32).fill(7), host: null, count: 1 },
    ]);
    for (let i = 0; i < 5000; i++) reports.hit("upgrades-per-host", { host: `host ${i}` });
    expect(hits.length).toBeLessThan(1100);
    expect(hits.at(-1)).toEqual({ limit: "upgrades-per-host", peer: null, host: null, count: 1 });
  });
});

describe("requests", () => {
  /** What the guard looks at of a connection. */
  const connectionFrom = (host: string): Connection => ({ remoteAddr: multiaddr(`/ip4/${host}/tcp/1`) }) as unknown as Connection;

  test("of strangers count by their address, of a peer by protocol; members of the same host are served", () => {
    const struck: string[] = [];
    const hits: LimitHit[] = [];
    const guard = new RequestGuard({
      now: () => 0,
      reports: new LimitReports((hit) => hits.push(hit)),
      offenders: { strike: (hex: string) => struck.push(hex) } as unknown as Offenders,
      isNamed: (hex) => hex.startsWith("aa"),
    });
    const [flooding, quiet] = ["10.0.0.1", "10.0.0.2"].map(connectionFrom);
    const { burst } = rateLimits.strangerRequestsPerHost;
    // a new key for each request: keys are free
    let passed = 0;
    for (let i = 0; i < 3 * burst; i++) if (guard.mayAsk(i.toString(16).padStart(64, "0"), "/p/1", flooding)) passed++;
    expect(passed).toBe(burst);
    expect(struck).toHaveLength(2 * burst);
    expect(hits).toEqual([{ limit: "request-rate", peer: null, host: "10.0.0.1", count: 1 }]);
    expect(guard.mayAsk("aa".repeat(32), "/p/1", flooding)).toBe(true);
    expect(guard.mayAsk("bb".repeat(32), "/p/1", quiet)).toBe(true);
    for (let i = 0; i < rateLimits.requestsPerProtocol.burst; i++) guard.mayAsk("aa".repeat(32), "/p/1", quiet);
    expect(guard.mayAsk("aa".repeat(32), "/p/1", quiet)).toBe(false);
    expect(guard.mayAsk("aa".repeat(32), "/p/2", quiet)).toBe(true);
  });

  test("have their streams counted on every transport: one more than a connection may have open is aborted, and a closed one makes room", () => {
    const struck: string[] = [];
    const guard = new RequestGuard({
      now: () => 0,
      reports: new LimitReports(),
      offenders: { strike: (hex: string) => struck.push(hex) } as unknown as Offenders,
      isNamed: () => true,
    });
    const muxer = new EventTarget();
    const remotePeer = peerIdOf(keyHex(generateKeypair(new Uint8Array(32).fill(9)).publicKey));
    guard.watch({ ...connectionFrom("10.0.0.1"), remotePeer, muxer } as unknown as Connection);
    class Opened extends EventTarget {
      isAborted = false;
      abort(): void {
        this.isAborted = true;
      }
    }
    const open = (): Opened => {
      const stream = new Opened();
      muxer.dispatchEvent(new CustomEvent("stream", { detail: stream }));
      return stream;
    };
    const streams = Array.from({ length: streamLimits.inboundStreamsPerConnection.value }, open);
    expect(streams.some(({ isAborted }) => isAborted)).toBe(false);
    expect(open().isAborted).toBe(true);
    expect(struck).toHaveLength(1);
    streams[0].dispatchEvent(new Event("close"));
    expect(open().isAborted).toBe(false);
  });

  test("that are refused are told why", async () => {
    const [asking, asked] = await streamPair();
    const answer = askOverStream(asking, new Uint8Array(10), 10, {});
    const refused = expect(answer).rejects.toMatchObject({ code: "overloaded", message: expect.stringContaining("ask again later") });
    await refuseStream(asked, new NetworkError("overloaded", "ask again later"));
    await refused;
    asking.abort(new Error("done"));
  });
});

describe("addresses", () => {
  test.each([
    ["/ip4/10.0.0.7/tcp/1", "10.0.0.7"],
    ["/ip6/2001:db8:1:2:3:4:5:6/tcp/1", "2001:db8:1:2::/64"],
    ["/ip6/2001:db8:1:2:ffff::1/tcp/1/ws", "2001:db8:1:2::/64"],
    ["/ip6/2001:db8::1/tcp/1", "2001:db8:0:0::/64"],
    ["/ip6/::1/tcp/1", "0:0:0:0::/64"],
  ])("%s comes from %s", (address, host) => {
    expect(hostOf(multiaddr(address))).toBe(host);
  });

  test("an IPv4 address in an IPv6 one is the same host", () => {
    expect(hostOf(multiaddr("/ip6/::ffff:10.0.0.7/tcp/1"))).toBe("10.0.0.7");
  });

  test("through a relay name the peer behind it, not the relay", () => {
    const [relay, tab] = [7, 8].map((fill) => peerIdText(generateKeypair(new Uint8Array(32).fill(fill)).publicKey));
    const through = `/ip4/10.0.0.7/tcp/1/ws/p2p/${relay}/p2p-circuit/webrtc`;
    expect(peerIdIn(multiaddr(through))).toBeUndefined();
    expect(peerIdIn(multiaddr(`${through}/p2p/${tab}`))).toBe(tab);
    expect([through, "/ip4/10.0.0.7/tcp/1"].map((text) => isRelayed(multiaddr(text)))).toEqual([true, false]);
  });

  test("are told best first: others' networks before our own, TCP before webrtc-direct before WebSockets, eight at most", () => {
    const hash = "uEiB4wZI_xBQ-YsSdUFsKmnY0h-6PtgjlxOXczKzf_sQf0w";
    const of = (host: string): string[] => [
      `/ip4/${host}/tcp/1`,
      `/ip4/${host}/udp/1/webrtc-direct/certhash/${hash}`,
      `/ip4/${host}/tcp/2/ws`,
    ];
    const mixed = [...of("127.0.0.1"), ...of("10.0.0.7").reverse(), "/ip6/::1/tcp/1", ...of("192.0.2.1")];
    const told = worthTelling(mixed.map((text) => multiaddr(text)));
    expect(told).toHaveLength(8);
    expect(told.slice(0, 2)).toEqual(["/ip4/10.0.0.7/tcp/1", "/ip4/192.0.2.1/tcp/1"]);
    expect(told[5]).toBe("/ip4/192.0.2.1/tcp/2/ws");
    expect(told.slice(6)).toEqual(["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]);
  });

  test("of absurd length are refused at once", () => {
    const startMs = performance.now();
    expect(() => peerKeyFromText("z".repeat(1 << 20))).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(parseAddress(`/ip4/1.2.3.4/tcp/1/p2p/${"z".repeat(1 << 20)}`)).toBeNull();
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});
