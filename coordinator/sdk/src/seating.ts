import { equalBytes, sha256, toHex } from "./bytes.ts";
import { type Machine, MachineError } from "./machine.ts";
import type { MemberTable } from "./members.ts";
import { type CoordinatorState, type Member, NEVER_EXPIRES } from "./types.ts";

interface Seat {
  member: Member;
  /** over from the running epoch; otherwise it joined since */
  isCarried: boolean;
}

/**
 * Brings who has a place in the machine in step with who is present: those who are here get one as soon as there is one,
 * those who are not give theirs up, but a slot of the running epoch stays whose it is. `isAwaited`: away, and may come back
 * yet. Returns whether anything changed.
 */
export function seatMembers(machine: Machine, table: MemberTable, isAwaited: (session: Uint8Array) => boolean, nowMs: bigint): boolean {
  const members = new Map(table.all().map((member) => [toHex(member.session), member]));
  let changed = vacate(machine, members, isAwaited);
  const seats = new Map(seatsOf(machine.state()).map((seat) => [toHex(seat.member.session), seat]));
  let isFull = false;
  for (const [session, member] of members) {
    const seat = seats.get(session);
    if (seat === undefined ? isFull : isSeated(member, seat)) {
      if (seat?.isCarried === true) table.advanceChain(member.session, seat.member.chainHead, member.chainHead);
      continue;
    }
    try {
      // grants end by the wall clock, which is not the run's: those whose grant is over are not here
      if (machine.join({ ...member, expiresMs: NEVER_EXPIRES }, nowMs)) changed = true;
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      if (error.code === "OwnerEjected") {
        table.eject(member.owner);
        changed = true;
      } else if (error.code === "RunFull" || error.code === "TableUnsettled") isFull = true;
      else throw error;
    }
  }
  return changed;
}

const NOBODY = new Uint8Array(0);

/** Gives up the places of those who are neither here nor awaited, of a peer that is here under another session, and the other way round. */
function vacate(machine: Machine, members: ReadonlyMap<string, Member>, isAwaited: (session: Uint8Array) => boolean): boolean {
  const peers = new Set([...members.values()].map(({ peerId }) => toHex(peerId)));
  const owners = new Map<string, Uint8Array>();
  for (const { member } of seatsOf(machine.state())) {
    const isHere = equalBytes(members.get(toHex(member.session))?.peerId ?? NOBODY, member.peerId);
    const mayReturn = isAwaited(member.session) && !peers.has(toHex(member.peerId));
    if (!isHere && !mayReturn) owners.set(toHex(member.owner), member.owner);
  }
  // other sessions of that owner get their places back right after
  for (const owner of owners.values()) machine.withdrawCarry(owner);
  return owners.size > 0;
}

/** Who is in the next epoch as things stand. */
function seatsOf({ pending, clients }: CoordinatorState): Seat[] {
  return [
    ...pending.map((member) => ({ member, isCarried: false })),
    ...clients.filter(({ state, carried }) => state === "Healthy" && carried).map((member) => ({ member, isCarried: true })),
  ];
}

function isSeated(member: Member, { member: seated, isCarried }: Seat): boolean {
  return (
    equalBytes(member.owner, seated.owner) &&
    equalBytes(member.peerId, seated.peerId) &&
    (equalBytes(member.chainHead, seated.chainHead) || (isCarried && areNeighbours(member.chainHead, seated.chainHead)))
  );
}

/** A slot goes on in the chain that its client has begun. One of the two may not know of the last link yet. */
function areNeighbours(a: Uint8Array, b: Uint8Array): boolean {
  return equalBytes(sha256(a), b) || equalBytes(sha256(b), a);
}
