/** What the coordinator's state means for this tab, and its points over all epochs of this sitting. */
import { DRAIN_ROUNDS } from "@starling/config";
import type { PeerNetwork } from "@starling/network";
import type { CoordinatorState, Snapshot } from "@starling/sdk";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { phaseLimitMs } from "@starling/sdk/phaseLimit";
import type { TabFacts } from "./protocol.ts";

/** Adds up the points of a sitting: a slot's are told at the end of its epoch, and the next epoch's slot begins at none. */
export class PointsTally {
  /** of the slot as it was seen last; null before the first look, whose points are of an earlier sitting */
  #last: { earned: bigint; slashed: bigint } | null = null;
  #total = { earned: 0n, slashed: 0n };

  take(slot: { earned: bigint; slashed: bigint } | undefined): void {
    const now = slot ? { earned: slot.earned, slashed: slot.slashed } : { earned: 0n, slashed: 0n };
    const last = this.#last ?? now;
    const more = (before: bigint, after: bigint) => (after > before ? after - before : 0n);
    this.#total = {
      earned: this.#total.earned + more(last.earned, now.earned),
      slashed: this.#total.slashed + more(last.slashed, now.slashed),
    };
    this.#last = now;
  }

  get total(): { earned: bigint; slashed: bigint } {
    return { ...this.#total };
  }
}

export function tabFacts(
  { bytes, members, coordinatorNowMs }: Snapshot,
  /** when it came, Unix ms here: the coordinator's clock may be another */
  receivedMs: number,
  own: { session: Uint8Array; peerId: Uint8Array },
  points: PointsTally,
  network: Pick<PeerNetwork, "connectedPeers" | "traffic">,
  longestSubmitMs: number | null,
): TabFacts {
  const machine = Machine.load(bytes);
  const state: CoordinatorState = machine.state();
  const { runState, epoch, step, epochStartStep, lastStep, config, clients, rounds } = state;
  const slot = clients.find(({ session }) => equalBytes(session, own.session));
  points.take(slot);
  const isRound = runState === "RoundTrain" || runState === "RoundWitness";
  const height = isRound ? rounds.at(-1)?.height : undefined;
  const isWaited = runState !== "WaitingForMembers" || members.length >= config.initMinClients;
  const limitMs = isWaited ? phaseLimitMs(state) : null;
  const known = new Set(members.map(({ peerId }) => toHex(peerId)));
  const peers = network.connectedPeers().map((key) => toHex(key));
  const traffic = network.traffic();
  return {
    ...{ runState, epoch, step },
    phaseEndsMs: limitMs === null ? null : Number(state.runStateStartedMs) + limitMs - Number(coordinatorNowMs) + receivedMs,
    round: isRound ? step - epochStartStep + 1 : 0,
    rounds: lastStep > 0 ? lastStep - epochStartStep : config.roundsPerEpoch > 0 ? config.roundsPerEpoch + DRAIN_ROUNDS : 0,
    members: members.length,
    live: clients.filter((client) => client.state === "Healthy").length,
    slot: slot
      ? {
          index: slot.index,
          state: slot.state,
          roundsTrained: slot.roundsTrained,
          missedRounds: slot.missedRounds,
          isWitness: height !== undefined && machine.elected(height).some(({ clientIndex }) => clientIndex === slot.index),
        }
      : null,
    isMember: known.has(toHex(own.peerId)),
    ...points.total,
    connected: peers.filter((peer) => known.has(peer) && peer !== toHex(own.peerId)).length,
    receivedBytes: traffic.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
    sentBytes: traffic.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    longestSubmitMs,
  };
}
