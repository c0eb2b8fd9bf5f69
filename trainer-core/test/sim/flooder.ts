/** A member that sends what nobody can use, as fast as a simulation can bear. */
import { blobProtocol } from "@starling/network/blobWire";
import type { Signer } from "@starling/network/keys";
import type { PeerNetwork } from "@starling/network/port";
import { commitmentHash, signAnnounce } from "../../src/protocol/commitment.ts";
import { announceProtocol, gossipMessage, gossipTopic, listProtocol, modelProtocol } from "../../src/protocol/messages.ts";
import type { SimulatedProcess } from "./process.ts";

const everyMs = 150;
const mostBytes = 600;
const mostReplayed = 32;
const protocols = [blobProtocol, announceProtocol, listProtocol, modelProtocol];

export interface FlooderPorts {
  runId: string;
  network: PeerNetwork;
  process: SimulatedProcess;
  signer: Signer;
  random: () => number;
}

/** Junk bytes, messages heard before, announcements of another run and of far rounds; to the topic and to request handlers. */
export function startFlood({ runId, network, process, signer, random }: FlooderPorts): void {
  const heard: Uint8Array[] = [];
  const upTo = (end: number): number => Math.floor(random() * end);
  const junk = (length: number): Uint8Array => Uint8Array.from({ length }, () => upTo(256));
  network.subscribe(gossipTopic(runId), (_from, data) => {
    heard.push(data.slice());
    if (heard.length > mostReplayed) heard.splice(upTo(heard.length), 1);
  });

  const foreign = async (): Promise<Uint8Array> => {
    const isOtherRun = random() < 0.5;
    const fields = {
      runId: isOtherRun ? "another" : runId,
      epoch: upTo(4),
      step: isOtherRun ? 1 + upTo(40) : 0xffff_0000 + upTo(0xffff),
      batch: upTo(8),
      start: 0n,
      end: 0n,
      sender: network.self,
      epochStartHash: junk(32),
      residualRoot: junk(32),
      payloadBytes: 16,
    };
    const announce = await signAnnounce(signer, fields, commitmentHash(fields, junk(16)), { root: junk(32), sizeBytes: 16 });
    return gossipMessage.encode({ type: "announce", value: announce });
  };
  const damaged = (message: Uint8Array): Uint8Array => {
    const copy = message.slice(0, random() < 0.3 ? upTo(message.length) : message.length);
    if (copy.length > 0) copy[upTo(copy.length)] ^= 1 << upTo(8);
    return copy;
  };
  const sendOne = async (): Promise<void> => {
    const choice = random();
    const known = heard[upTo(heard.length)];
    if (choice < 0.25 || known === undefined) await network.publish(gossipTopic(runId), junk(upTo(mostBytes)));
    else if (choice < 0.45) await network.publish(gossipTopic(runId), known);
    else if (choice < 0.6) await network.publish(gossipTopic(runId), damaged(known));
    else if (choice < 0.75) await network.publish(gossipTopic(runId), await foreign());
    else {
      const peers = network.connectedPeers();
      const peer = peers[upTo(peers.length)];
      const protocol = protocols[upTo(protocols.length)];
      if (peer !== undefined) await network.request(peer, protocol, junk(upTo(mostBytes)), { maxResponseBytes: 1 << 20, timeoutMs: 2_000 });
    }
  };
  const next = (): void => {
    // being refused is a flooder's lot
    void sendOne().catch(() => {});
    process.scheduler.schedule(everyMs, next);
  };
  next();
}
