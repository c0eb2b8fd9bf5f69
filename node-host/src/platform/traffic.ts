/** What a process exchanges with its peers, as events. */
import { toHex } from "@starling/sdk/bytes";
import type { PeerNetwork } from "@starling/network";
import type { HostEvent } from "../events.ts";

/** A line of events stays short, whatever the number of peers. */
const TOLD_PEERS = 32;

/** Of the peers connected now, those with which the most was exchanged. */
export function trafficEvent(network: PeerNetwork): Extract<HostEvent, { type: "traffic" }> {
  const busiest = network.traffic().sort((a, b) => b.receivedBytes + b.sentBytes - a.receivedBytes - a.sentBytes);
  const peers = busiest
    .slice(0, TOLD_PEERS)
    .map(({ peer, receivedBytes, sentBytes, rttMs }) => ({ peer: toHex(peer).slice(0, 8), receivedBytes, sentBytes, rttMs }));
  return { type: "traffic", peers };
}
