/** The coordinator's clients and votes as events, for displays. What changes many times a second is told at intervals. */
import type { CoordinatorState, Elected } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { toHex } from "@starling/sdk/bytes";
import type { HostEvent, HostLog } from "../events.ts";

const VOTES_EVERY_MS = 500;
const ROSTER_EVERY_MS = 5_000;
const NAMED_MISSING = 8;

type Votes = Extract<HostEvent, { type: "votes" }>;
type Roster = Extract<HostEvent, { type: "roster" }>;

export interface RosterTeller {
  /** takes every newer state, packed, with the peer ids (32) of the run's members */
  tell(bytes: Uint8Array, members: readonly Uint8Array[]): void;
  stop(): void;
}

export function rosterTeller(log: HostLog): RosterTeller {
  let newest: { bytes: Uint8Array; members: readonly Uint8Array[] } | null = null;
  let lastVotes = "";
  let lastShape = "";
  let rosterAtMs = -Infinity;
  const look = (): void => {
    if (newest === null) return;
    const { bytes, members } = newest;
    newest = null;
    const machine = Machine.load(bytes);
    const state = machine.state();
    const elected = electedNow(machine, state);
    const votes = votesOf(machine, state, elected);
    if (votes && JSON.stringify(votes) !== lastVotes) {
      lastVotes = JSON.stringify(votes);
      log(votes);
    }
    const roster = rosterOf(state, elected, members);
    // who is here is news at once, how each one does is not
    const shape = JSON.stringify([roster.epoch, roster.slots.map((s) => [s.client, s.state]), roster.waiting]);
    if (shape === lastShape && performance.now() - rosterAtMs < ROSTER_EVERY_MS) return;
    lastShape = shape;
    rosterAtMs = performance.now();
    log(roster);
  };
  const timer = setInterval(look, VOTES_EVERY_MS);
  return {
    tell: (bytes, members) => (newest = { bytes, members }),
    stop: () => clearInterval(timer),
  };
}

function electedNow(machine: Machine, { runState, rounds }: CoordinatorState): readonly Elected[] {
  const round = rounds.at(-1);
  return round && (runState === "RoundTrain" || runState === "RoundWitness") ? machine.elected(round.height) : [];
}

function votesOf(machine: Machine, { runState, step, rounds, clients }: CoordinatorState, elected: readonly Elected[]): Votes | null {
  const round = rounds.at(-1);
  if (!round || elected.length === 0) return null;
  const of = runState === "RoundTrain" ? "results" : "downloads";
  const reported = new Set(round.witnesses.filter((w) => of === "results" || w.listsHeld !== null).map((w) => w.clientIndex));
  const missing = elected
    .filter(({ clientIndex }) => !reported.has(clientIndex))
    .map(({ clientIndex }) => name(clients[clientIndex]?.peerId));
  return {
    type: "votes",
    step,
    of,
    reported: reported.size,
    elected: elected.length,
    quorum: machine.quorum(round.height),
    missing: missing.slice(0, NAMED_MISSING),
  };
}

function rosterOf({ epoch, clients }: CoordinatorState, elected: readonly Elected[], members: readonly Uint8Array[]): Roster {
  const witnesses = new Set(elected.map(({ clientIndex }) => clientIndex));
  const inEpoch = new Set(clients.filter((c) => c.state === "Healthy").map((c) => name(c.peerId)));
  return {
    type: "roster",
    epoch,
    slots: clients.map(({ peerId, index, state, roundsTrained, missedRounds }) => ({
      client: name(peerId),
      index,
      state,
      roundsTrained,
      missedRounds,
      isWitness: witnesses.has(index),
    })),
    waiting: members.map(name).filter((member) => !inEpoch.has(member)),
  };
}

/** First 8 hex digits of a peer id, as every line names a client. */
function name(peerId: Uint8Array | undefined): string {
  return peerId ? toHex(peerId).slice(0, 8) : "?";
}
