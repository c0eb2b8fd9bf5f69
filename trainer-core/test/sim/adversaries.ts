/** Dishonest members: an honest client whose ports lie. */
import { blobProtocol } from "@starling/network/blobWire";
import type { BlobService } from "@starling/network/blobs";
import type { Signer } from "@starling/network/keys";
import type { MemoryHub } from "@starling/network/memoryHub";
import { keyHex, type PeerNetwork } from "@starling/network/port";
import { equalBytes } from "@starling/sdk/bytes";
import type { Snapshot, WitnessReport } from "@starling/sdk/types";
import { commitmentHash, listRoot, signAnnounce } from "../../src/protocol/commitment.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import {
  type Announce,
  gossipMessage,
  gossipTopic,
  listProtocol,
  modelProtocol,
  modelResponse,
  recordProtocol,
  recordResponse,
} from "../../src/protocol/messages.ts";
import type { RevealSource } from "../../src/round/ports.ts";
import type { SnapshotViewer } from "../../src/round/view.ts";
import { CoordinatorLink } from "./coordinatorLink.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SimulatedServer } from "./server.ts";

/**
 * `forger`: serves other parameters than those it names. `framer`: moves what others signed to another round, as proof
 * that they equivocated. `copier`: says that its result is in another trainer's blob. `misleader`: signs half of its peers
 * an announcement of its true commitment with a blob that does not exist. `flooder`: sends junk, what others sent before,
 * and messages of other runs, to topics and request handlers. `rewriter`: answers who is late with another history, and who
 * needs the model with a changed tensor under the right leaves.
 */
export const adversaryKinds = [
  "equivocator",
  "liar",
  "withholder",
  "forger",
  "framer",
  "copier",
  "misleader",
  "flooder",
  "rewriter",
] as const;
export type Adversary = (typeof adversaryKinds)[number];
type Random = () => number;

/** Announces, and never hands over what it announced. */
export function withholdBlobs(hub: MemoryHub, network: PeerNetwork, random: Random): void {
  hub.neverServe(network.self, blobProtocol, random() < 0.5 ? "silent" : "error");
}

interface AnnouncerPorts {
  hub: MemoryHub;
  network: PeerNetwork;
  blobs: BlobService;
  signer: Signer;
  random: Random;
}

/** The network of an adversary that lies in its gossip. */
export function announcerOf(adversary: Adversary | null): ((ports: AnnouncerPorts) => PeerNetwork) | null {
  switch (adversary) {
    case "equivocator":
      return (ports) => tellHalf(ports, (first) => secondResult(first, ports));
    case "misleader":
      return (ports) => tellHalf(ports, (first) => elsewhere(first, ports));
    case "framer":
      return frame;
    case "copier":
      return copy;
    case "rewriter":
      return rewrite;
    default:
      return null;
  }
}

/** Half of the peers hear of the true result, the others of `second`; what either names and there is, is served. */
function tellHalf({ hub, network, random }: AnnouncerPorts, second: (first: Announce) => Promise<Announce>): PeerNetwork {
  const others = new Map<string, Promise<Announce>>();
  const half = Math.floor(random() * 2);
  return withPublish(network, async (topic, data) => {
    const gossip = gossipMessage.decode(data);
    if (gossip.type !== "announce") return network.publish(topic, data);
    const first = gossip.value;
    const name = keyHex(first.commitment);
    if (!others.has(name)) others.set(name, second(first));
    const other = gossipMessage.encode({ type: "announce", value: await others.get(name)! });
    [...hub.networks.keys()].sort().forEach((hex, i) => {
      if (hex === keyHex(network.self)) return;
      const told = i % 2 === half ? data : other;
      hub.gossip(keyHex(network.self), hex, () => hub.networks.get(hex)?.receive(topic, network.self, told.slice()));
    });
  });
}

/** Tells everybody, with each announcement of its own, that each other trainer signed two results for its newest batch. */
function frame({ network }: AnnouncerPorts): PeerNetwork {
  const heard = new Map<string, Announce[]>();
  let isListening = false;
  return withPublish(network, async (topic, data) => {
    if (!isListening) {
      isListening = true;
      network.subscribe(topic, (from, heardData) => {
        const gossip = readable(heardData);
        if (gossip?.type !== "announce" || !equalBytes(gossip.value.fields.sender, from)) return;
        const known = heard.get(keyHex(from)) ?? [];
        if (known[0]?.fields.step !== gossip.value.fields.step) heard.set(keyHex(from), [gossip.value, ...known].slice(0, 2));
      });
    }
    await network.publish(topic, data);
    for (const [newest, before] of heard.values()) {
      if (before === undefined) continue;
      const moved = { ...before, fields: newest.fields };
      await network.publish(topic, gossipMessage.encode({ type: "evidence", value: { first: newest, second: moved } }));
    }
  });
}

/** What another liar sent may be junk. */
function readable(data: Uint8Array): ReturnType<typeof gossipMessage.decode> | null {
  try {
    return gossipMessage.decode(data);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** Announces the blob of whoever else announced first in this step, for a commitment that it does not hold. */
function copy({ network, signer }: AnnouncerPorts): PeerNetwork {
  const heard = new Map<number, Announce>();
  let isListening = false;
  return withPublish(network, async (topic, data) => {
    if (!isListening) {
      isListening = true;
      network.subscribe(topic, (_from, heardData) => {
        const gossip = readable(heardData);
        if (gossip?.type === "announce" && !heard.has(gossip.value.fields.step)) heard.set(gossip.value.fields.step, gossip.value);
      });
    }
    const gossip = gossipMessage.decode(data);
    if (gossip.type !== "announce") return network.publish(topic, data);
    const { fields, commitment } = gossip.value;
    const other = heard.get(fields.step);
    if (other === undefined) return network.publish(topic, data);
    const value = await signAnnounce(signer, fields, commitment, other.blob);
    return network.publish(topic, gossipMessage.encode({ type: "announce", value }));
  });
}

/** Records say that nobody holds a list, so that nothing counts; the model's first tensor has another sign. */
function rewrite({ network, blobs }: AnnouncerPorts): PeerNetwork {
  const changed = async (protocol: string, answer: Uint8Array): Promise<Uint8Array> => {
    if (protocol === recordProtocol) {
      const record = recordResponse.decode(answer);
      if (record === null) return answer;
      return recordResponse.encode({ ...record, witnesses: record.witnesses.map((entry) => ({ ...entry, listsHeld: 0 })) });
    }
    const manifest = modelResponse.decode(answer);
    if (manifest === null) return answer;
    const [first, ...rest] = manifest.tensors;
    const values = blobs.peek(first.blob)!.slice();
    values[3] ^= 0x80;
    return modelResponse.encode({ ...manifest, tensors: [{ ...first, blob: await blobs.put(values) }, ...rest] });
  };
  const handle: PeerNetwork["handle"] = (protocol, limits, handler) =>
    network.handle(protocol, limits, async (from, request, signal) => {
      const answer = await handler(from, request, signal);
      return protocol === recordProtocol || protocol === modelProtocol ? changed(protocol, answer) : answer;
    });
  return withOwn(network, { handle });
}

function withPublish(network: PeerNetwork, publish: PeerNetwork["publish"]): PeerNetwork {
  return withOwn(network, { publish });
}

function withOwn(network: PeerNetwork, own: Partial<PeerNetwork>): PeerNetwork {
  return new Proxy<PeerNetwork>(network, {
    get(target, property) {
      if (Object.hasOwn(own, property)) return own[property as keyof PeerNetwork];
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The same result with its last sign the other way: as good in form. */
async function secondResult(first: Announce, { blobs, signer }: AnnouncerPorts): Promise<Announce> {
  const payload = blobs.peek(first.blob)!.slice();
  payload[payload.length - 1] ^= 1;
  const commitment = commitmentHash(first.fields, payload);
  return signAnnounce(signer, first.fields, commitment, await blobs.put(payload));
}

/** The same result, at an address where there is nothing. */
async function elsewhere({ fields, commitment, blob }: Announce, { signer }: AnnouncerPorts): Promise<Announce> {
  return signAnnounce(signer, fields, commitment, { ...blob, root: commitment });
}

export interface LiarPorts {
  runId: string;
  session: Uint8Array;
  reveals: RevealSource;
  viewer: Pick<SnapshotViewer, "view">;
  hub: MemoryHub;
  network: PeerNetwork;
}

/**
 * A witness that reports at once, before anybody honest: made-up results in every form of list, made-up downloads (none,
 * all, at random), a made-up parameter hash, and equivocation of the innocent. Its lists are never served, and sometimes
 * gossiped.
 */
export class LyingCoordinator extends CoordinatorLink {
  readonly #ports: LiarPorts;
  readonly #random: Random;
  #told = new Set<string>();

  constructor(server: SimulatedServer, process: SimulatedProcess, ports: LiarPorts, random: Random) {
    super(server, ports.session, process, () => 1, random);
    this.#ports = ports;
    this.#random = random;
    ports.hub.neverServe(ports.network.self, listProtocol, random() < 0.5 ? "silent" : "error");
    this.subscribe((snapshot) => void this.#lie(snapshot).catch(() => {}));
  }

  /** What the honest client inside would say is not said. */
  override async witness(): Promise<void> {}
  override async downloaded(): Promise<void> {}
  override async healthCheck(): Promise<void> {}

  async #lie(snapshot: Snapshot): Promise<void> {
    const { state, plans } = this.#ports.viewer.view(snapshot);
    const plan = plans.find(({ step }) => step === state.step);
    const self = state.clients.findIndex(({ session }) => equalBytes(session, this.#ports.session));
    if (plan === undefined || self < 0 || !plan.elected.some(({ clientIndex }) => clientIndex === self)) return;
    const name = `${state.epoch}/${state.step}/${state.runState}`;
    if (this.#told.has(name)) return;
    this.#told.add(name);
    if (state.runState === "RoundTrain") {
      const reveal = this.#ports.reveals.preimageOf(state.clients[self].chainHead);
      if (reveal === null) return;
      const isLast = state.lastStep !== 0 && state.step === state.lastStep - 1;
      const bitmap = new Uint8Array(32);
      plan.assignments.forEach(({ batch }) => (bitmap[batch >> 3] |= this.#random() < 0.5 ? 1 << (batch & 7) : 0));
      const parameterHash = isLast && this.#random() < 0.8 ? this.#bytes() : new Uint8Array(32);
      const lie: WitnessReport = {
        step: state.step,
        bitmap,
        listRoot: await this.#makeList(state.epoch, plan.step, plan.assignments.length),
        reveal,
        parameterHash,
      };
      await super.witness(lie);
      if (this.#random() < 0.3) await this.reportEquivocation((self + 1) % state.clients.length);
    } else if (state.runState === "RoundWitness") {
      const entered = plan.witnesses.reduce((mask, { position }) => mask | (1 << position), 0);
      const choice = this.#random();
      const claimed = choice < 0.4 ? 0 : choice < 0.7 ? entered : entered & Math.floor(this.#random() * 2 ** 31);
      await super.downloaded(state.step, claimed >>> 0);
    }
  }

  async #makeList(epoch: number, step: number, batches: number): Promise<Uint8Array> {
    if (this.#random() < 0.3) return this.#bytes();
    const entries = Array.from({ length: batches }, (_, batch) => ({ batch, commitment: this.#bytes() }));
    const { runId, network } = this.#ports;
    if (this.#random() < 0.5) {
      const list = { runId, epoch, step, witness: network.self, entries };
      await network.publish(gossipTopic(runId), gossipMessage.encode({ type: "list", value: list }));
    }
    return listRoot(runId, epoch, step, entries);
  }

  #bytes(): Uint8Array {
    return Uint8Array.from({ length: 32 }, () => Math.floor(this.#random() * 256));
  }
}
