/** What is known of one process of the run: what it does now, how it is, what it exchanges with whom. */
import type { HostEvent } from "../events.ts";

type RoundEvent = Extract<HostEvent, { type: "round" }>["event"];

export interface PeerTraffic {
  peer: string;
  receivedBytes: number;
  sentBytes: number;
  /** bytes/s, since the time before; 0 at the first */
  receivedRate: number;
  sentRate: number;
  rttMs: number | null;
}

export interface ModelDownload {
  verifiedBytes: number;
  sizeBytes: number;
  providers: number;
  startedAtMs: number;
}

export interface NodeView {
  name: string;
  /** null: not a child of this process */
  process: "running" | "ended" | "restarting" | "given-up" | null;
  pid: number | null;
  restarts: number;
  /** first 8 hex digits of its id */
  peer: string | null;
  adapter: string | null;
  /** MatFormer tier that it trains; null: not known yet */
  tier: number | null;
  /** what it does, in a few words */
  stage: string;
  health: "good" | "busy" | "warn" | "bad";
  step: number;
  lastLoss: number | null;
  lastTrainMs: number | null;
  tokens: number;
  /** other members it is connected to */
  connected: number;
  traffic: readonly PeerTraffic[];
  trafficAtMs: number | null;
  download: ModelDownload | null;
  /** finished fetches of results, lists and records */
  fetched: { count: number; bytes: number; lastWhat: string; lastMs: number } | null;
  parameterHash: { step: number; hash: string } | null;
  rssBytes: number | null;
  /** share of one core, over the last interval */
  cpuShare: number | null;
  cpu: { seconds: number; atMs: number } | null;
  lagP99Ms: number | null;
  witnessedStep: number;
  saved: { path: string; step: number } | null;
}

export function freshNode(name: string): NodeView {
  return {
    name,
    process: null,
    pid: null,
    restarts: 0,
    peer: null,
    adapter: null,
    tier: null,
    stage: "starts",
    health: "busy",
    step: 0,
    lastLoss: null,
    lastTrainMs: null,
    tokens: 0,
    connected: 0,
    traffic: [],
    trafficAtMs: null,
    download: null,
    fetched: null,
    parameterHash: null,
    rssBytes: null,
    cpuShare: null,
    cpu: null,
    lagP99Ms: null,
    witnessedStep: 0,
    saved: null,
  };
}

export function onNodeEvent(node: NodeView, event: HostEvent, atMs: number): NodeView {
  switch (event.type) {
    case "listening":
      return { ...node, peer: event.peerId.slice(0, 8), stage: "coordinates", health: "good" };
    case "starting":
      return { ...node, peer: event.peerId.slice(0, 8), stage: "compiles its kernels", health: "busy" };
    case "engine":
      return { ...node, adapter: event.adapter, tier: event.matformer?.tier ?? 0, stage: "waits for the epoch", health: "busy" };
    case "peers":
      return { ...node, connected: event.connected };
    case "traffic":
      return withTraffic(node, event.peers, atMs);
    case "resources": {
      const share = node.cpu && atMs > node.cpu.atMs ? ((event.cpuSeconds - node.cpu.seconds) * 1000) / (atMs - node.cpu.atMs) : null;
      return { ...node, rssBytes: event.rssBytes, lagP99Ms: event.lagP99Ms, cpuShare: share, cpu: { seconds: event.cpuSeconds, atMs } };
    }
    case "saved":
      return { ...node, saved: { path: event.path, step: event.step } };
    case "stopping":
      return { ...node, stage: event.doing, health: "busy" };
    case "stopped":
      return { ...node, stage: "stopped", health: "busy" };
    case "round":
      return onRound(node, event.event, atMs);
    default:
      return node;
  }
}

function onRound(node: NodeView, event: RoundEvent, atMs: number): NodeView {
  switch (event.type) {
    case "phase":
      if (event.runState === "Paused") return { ...node, stage: "the run is paused", health: "busy" };
      if (event.runState === "Cooldown") return { ...node, stage: "cooldown", health: "good" };
      return event.runState === "WaitingForMembers" && node.health !== "bad"
        ? { ...node, stage: "waits for the epoch", health: "busy" }
        : node;
    case "epochReady":
      return { ...node, stage: "ready for the epoch", health: "good" };
    case "roundBegan":
      return { ...node, step: event.step, stage: event.batches.length > 0 ? "trains" : "no batch in this round", health: "good" };
    case "trained":
      return {
        ...node,
        stage: "trained",
        health: "good",
        lastLoss: event.loss ?? node.lastLoss,
        lastTrainMs: event.trainMs,
        tokens: node.tokens + event.tokens,
      };
    case "witnessSent":
      return { ...node, witnessedStep: event.step };
    case "parameterHash":
    case "epochModel":
      return { ...node, parameterHash: { step: event.step, hash: event.parameterHash } };
    case "behind":
      return { ...node, stage: `behind: waits for ${event.missing}`, health: "warn" };
    case "stranded":
      return { ...node, stage: `trains again next epoch: ${event.reason}`, health: "bad" };
    case "epochLost":
      return { ...node, stage: `epoch lost: ${event.reason}`, health: "bad" };
    case "wentBack":
      return { ...node, stage: `nobody held epoch ${event.lostEpoch}: goes back`, health: "warn" };
    case "resync":
      return { ...node, stage: "takes the agreed parameters", health: "warn" };
    case "modelReceived":
      return { ...node, stage: "has the model", health: "good", download: null };
    case "left":
      return { ...node, stage: "left the run", health: "busy" };
    default:
      return onTransfer(node, event, atMs);
  }
}

/** Progress of what is fetched from peers, and of what it is fetched for. */
function onTransfer(node: NodeView, event: RoundEvent, atMs: number): NodeView {
  switch (event.type) {
    case "modelProgress": {
      const { verifiedBytes, sizeBytes, providers } = event;
      const startedAtMs = node.download?.sizeBytes === sizeBytes ? node.download.startedAtMs : atMs;
      return {
        ...node,
        stage: "takes the model from peers",
        health: "busy",
        download: { verifiedBytes, sizeBytes, providers, startedAtMs },
      };
    }
    case "download": {
      const { count = 0, bytes = 0 } = node.fetched ?? {};
      return {
        ...node,
        fetched: { count: count + 1, bytes: bytes + event.bytes, lastWhat: `${event.what} of step ${event.step}`, lastMs: event.ms },
      };
    }
    case "replay":
      return { ...node, stage: `late: replays rounds ${event.fromStep} to ${event.toStep}`, health: "warn" };
    case "caughtUp":
      return { ...node, stage: "caught up", health: "good" };
    default:
      return node;
  }
}

function withTraffic(node: NodeView, peers: Extract<HostEvent, { type: "traffic" }>["peers"], atMs: number): NodeView {
  const before = new Map(node.traffic.map((t) => [t.peer, t]));
  const seconds = node.trafficAtMs === null ? 0 : (atMs - node.trafficAtMs) / 1000;
  const rate = (now: number, then: number | undefined) => (then === undefined || seconds <= 0 ? 0 : Math.max(0, now - then) / seconds);
  const traffic = peers.map(({ peer, receivedBytes, sentBytes, rttMs }) => ({
    peer,
    receivedBytes,
    sentBytes,
    rttMs,
    receivedRate: rate(receivedBytes, before.get(peer)?.receivedBytes),
    sentRate: rate(sentBytes, before.get(peer)?.sentBytes),
  }));
  return { ...node, traffic, trafficAtMs: atMs };
}
