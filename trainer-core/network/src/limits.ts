/**
 * Every limit of the network, each with its reason; `docs/limits.md` is rendered from here. They hold 32 clients of one
 * testnet behind one address, each connected to every other, that all start, stall and reconnect at once.
 *
 * A rate has a bucket: `burst` at once, then `perSecond`.
 */
interface Count {
  value: number;
  unit: string;
  why: string;
}

interface Rate {
  perSecond: number;
  burst: number;
  unit: string;
  why: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

export const connectionLimits = {
  connections: { value: 1024, unit: "connections", why: "256 clients, twice each while both sides dial, and as many strangers" },
  connectionsPerHost: { value: 512, unit: "connections", why: "two to each of 256 clients of one lab behind one address" },
  connectionsPerPeer: {
    value: 8,
    unit: "connections",
    why: "both sides dial, and a dead connection is noticed after 20 s; the oldest goes",
  },
  strangersPerHost: {
    value: 128,
    unit: "connections",
    why: "coordinator only: who has not joined yet, or only looks; the oldest goes, so that newcomers get their turn",
  },
  strangers: { value: 512, unit: "connections", why: "coordinator only: strangers of all hosts leave half of the connections to members" },
  upgradesPerHost: {
    value: 128,
    unit: "handshakes",
    why: "under way at once; the oldest goes, so that a host that begins many and ends none keeps nobody out",
  },
  upgrades: { value: 512, unit: "handshakes", why: "of all hosts; the oldest of the host with the most goes" },
  upgradeMs: { value: 30_000, unit: "ms", why: "a machine whose CPUs are busy training takes seconds for a handshake" },
  addressesPerPeer: { value: 8, unit: "addresses", why: "a member's list of addresses is its own word" },
} as const satisfies Record<string, Count>;

/** A relay carries the signalling by which two tabs find each other, and no more: what they then exchange goes between them. */
export const relayLimits = {
  reservations: { value: 256, unit: "members", why: "each tab of a run of 256 may be reached through here; strangers never" },
  reservationMs: { value: 30 * 60_000, unit: "ms", why: "a tab that is gone without a word; the others renew in time" },
  relayedBytes: {
    value: 128 * KiB,
    unit: "bytes per relayed connection",
    why: "ten times what WebRTC's offer, answer and candidates measure",
  },
  relayedMs: { value: 60_000, unit: "ms", why: "signalling takes seconds" },
  relayedAtOnce: {
    value: 64,
    unit: "relayed connections of a member",
    why: "a tab that arrives meets all others at once; who must wait tries again",
  },
  relaysPerTab: { value: 3, unit: "relays", why: "where a tab can be reached; one that is lost is replaced" },
  signallingHandshakes: {
    value: 32,
    unit: "WebRTC handshakes",
    why: "under way at once, of all hosts: the sender's address of a UDP packet proves nothing, so only WebRTC itself can be crowded out",
  },
} as const satisfies Record<string, Count>;

export const streamLimits = {
  outboundStreams: { value: 32, unit: "streams per protocol and connection", why: "requests beyond it wait their turn here" },
  inboundStreams: {
    value: 64,
    unit: "streams per protocol and connection",
    why: "twice what the other side opens, as both may have dialled",
  },
  inboundStreamsPerConnection: {
    value: 192,
    unit: "streams per connection",
    why: "a stream that nobody reads holds a window of 256 KiB: 48 MiB",
  },
  streamWindowBytes: { value: MiB, unit: "bytes", why: "libp2p's 16 MiB let one blob hold up every small message for 250 ms" },
  writeStallMs: { value: 30_000, unit: "ms", why: "a peer that asks and does not take the answer" },
  servedChunksPerPeer: { value: 4, unit: "answers of 1 MiB at once", why: "twice what one download asks of one provider at once" },
  servedChunks: { value: 64, unit: "answers of 1 MiB at once", why: "64 MiB of copies; peers wait in turn, so that no one starves" },
  smallAnswerBytes: {
    value: 128 * KiB,
    unit: "bytes",
    why: "blobs up to this size wait for no turn: a client that catches up asks for hundreds",
  },
  partials: { value: 256, unit: "unfinished blobs", why: "results of a round of 256; above it the oldest idle one goes" },
} as const satisfies Record<string, Count>;

export const gossipLimits = {
  messageBytes: { value: 64 * KiB, unit: "bytes", why: "a list of 256 batches has 8 KiB" },
  rpcBytes: { value: 320 * KiB, unit: "bytes", why: "one message, and up to 5000 message ids" },
  topicBytesPerPeer: { value: 64 * KiB, unit: "bytes of topic names", why: "about 64 topics: a run needs a handful" },
  outboundBufferBytes: { value: 8 * MiB, unit: "bytes per peer", why: "what a peer that stopped reading may hold here" },
} as const satisfies Record<string, Count>;

export const rateLimits = {
  handshakesPerHost: {
    perSecond: 20,
    burst: 256,
    unit: "handshakes",
    why: "256 clients that come at once, or 31 neighbours that all redial; costs 4 to 12 ms each, so a flood from one host a tenth of a core or two",
  },
  handshakes: { perSecond: 60, burst: 1024, unit: "handshakes", why: "of all hosts: half a core" },
  /** Of one neighbour, its own and those it relays: grows with the members, of whom a third may be flooding through it. */
  gossipMessages: { perSecond: 100, burst: 1000, unit: "messages of a neighbour", why: "before any signature is looked at" },
  gossipMessagesPerMember: {
    perSecond: 10,
    burst: 160,
    unit: "more for each member",
    why: "a third of them may flood through an honest neighbour",
  },
  gossipBytes: { perSecond: 2 * MiB, burst: 16 * MiB, unit: "bytes of a neighbour's gossip", why: "before anything is parsed" },
  gossipBytesPerMember: { perSecond: 128 * KiB, burst: MiB, unit: "bytes more for each member", why: "as for messages" },
  /** Checked before relaying, so that honest neighbours never pass on more. */
  authorMessages: { perSecond: 20, burst: 400, unit: "messages of an author", why: "an honest one sends a few a round" },
  authorBytes: {
    perSecond: 384 * KiB,
    burst: 4 * MiB,
    unit: "bytes of an author's gossip",
    why: "a list of 8 KiB a round and announcements",
  },
  requestsPerProtocol: {
    perSecond: 200,
    burst: 1000,
    unit: "requests of a peer for one protocol",
    why: "a model's chunks at 200 MB/s, or every result of a run of 256 at once",
  },
  streams: {
    perSecond: 500,
    burst: 2500,
    unit: "streams of a peer",
    why: "before a protocol is negotiated, which costs about 0.5 ms",
  },
  strangerRequestsPerHost: {
    perSecond: 100,
    burst: 500,
    unit: "requests of a host's strangers together",
    why: "coordinator only: keys are free, so strangers count by their address; joining takes three requests",
  },
  /** What was over a limit of a peer's; when it is used up, the peer is cut off. */
  strikes: {
    perSecond: 20,
    burst: 1000,
    unit: "strikes of a peer",
    why: "a machine that wakes up sends what it missed; a flood has that in a second",
  },
} as const satisfies Record<string, Rate>;

/** All of them by topic, for docs/limits.md. */
export const allLimits: Record<string, Record<string, Count | Rate>> = {
  Connections: connectionLimits,
  "Relays and WebRTC": relayLimits,
  "Streams, requests and blobs": streamLimits,
  Gossip: gossipLimits,
  Rates: rateLimits,
};

/** A message of a topic that nobody here reads or whose signature is wrong weighs like this many: honest peers send and relay none of the latter. */
export const junkWeight = 10;
/** Strikes for a message whose signature is missing or wrong: its sender is cut off after 100 of them. */
export const junkStrikes = 10;
/** First time; doubles with each. */
export const firstCutOffMs = 60_000;
export const longestCutOffMs = 16 * 60_000;
/** gossipsub's score falls by the square of the penalties above its threshold, and heals by itself. */
export const strikesPerPenalty = 100;
