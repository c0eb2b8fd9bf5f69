import { equalBytes, toHex } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import type { ClientSlot, Membership, PeerAddress } from "./types.ts";

/** More than an epoch has slots for, so that a full epoch still has a queue. */
export const MAX_PENDING = 512;
export const MAX_MULTIADDRS = 8;
export const MAX_MULTIADDR_CHARS = 256;
export const MAX_EJECTED_OWNERS = 1024;

/** A pending member, with all that is known of it. */
export interface SavedMember extends Membership {
  multiaddrs: string[];
  /** when its grant ends, Unix ms; null = never */
  expiresMs: bigint | null;
}

/** Who wants to be in the next epoch, in order of joining, and where everyone can be dialled. */
export class MemberTable {
  /** by session, hex; a Map keeps the order of insertion */
  #pending = new Map<string, SavedMember>();
  /** by owner, hex; oldest first */
  readonly #ejectedOwners = new Map<string, Uint8Array>();

  get size(): number {
    return this.#pending.size;
  }

  get(session: Uint8Array): Membership | null {
    return this.#pending.get(toHex(session)) ?? null;
  }

  pending(): Membership[] {
    return [...this.#pending.values()].map(({ owner, session, peerId, chainHead }) => ({ owner, session, peerId, chainHead }));
  }

  /** In order of joining. */
  saved(): SavedMember[] {
    return [...this.#pending.values()].map((member) => ({ ...member }));
  }

  ejectedOwners(): Uint8Array[] {
    return [...this.#ejectedOwners.values()];
  }

  /** Into an empty table, what `saved` and `ejectedOwners` of another one gave. */
  restore(members: readonly SavedMember[], ejectedOwners: readonly Uint8Array[]): void {
    for (const owner of ejectedOwners.slice(-MAX_EJECTED_OWNERS)) this.#ejectedOwners.set(toHex(owner), owner);
    for (const member of members.slice(0, MAX_PENDING)) this.#pending.set(toHex(member.session), { ...member });
  }

  /** Returns whether anything changed. @throws CoordinatorError `ejected`, `overloaded`, `malformed` */
  join(membership: Membership, multiaddrs: readonly string[], expiresMs: bigint | null): boolean {
    if (this.#ejectedOwners.has(toHex(membership.owner))) {
      throw new CoordinatorError(
        "ejected",
        `owner ${toHex(membership.owner).slice(0, 8)} was ejected from this run and cannot join it again`,
      );
    }
    if (multiaddrs.length > MAX_MULTIADDRS || multiaddrs.some((address) => address.length > MAX_MULTIADDR_CHARS)) {
      throw new CoordinatorError("malformed", `a member has at most ${MAX_MULTIADDRS} addresses of ${MAX_MULTIADDR_CHARS} characters`);
    }
    const member: SavedMember = { ...membership, multiaddrs: [...multiaddrs], expiresMs };
    const hex = toHex(member.session);
    // a session is unique, and so is a peer: whoever shows either again takes the place of the one before
    const replaced = [...this.#pending].filter(([session, other]) => session === hex || equalBytes(other.peerId, member.peerId));
    if (replaced.length === 0) {
      if (this.#pending.size >= MAX_PENDING) {
        throw new CoordinatorError("overloaded", `${MAX_PENDING} members are waiting already; try again later`);
      }
      this.#pending.set(hex, member);
      return true;
    }
    if (replaced.length === 1 && sameMember(replaced[0][1], member)) return false;
    const place = replaced[0][0];
    const gone = new Set(replaced.map(([session]) => session));
    this.#pending = new Map(
      [...this.#pending].flatMap(([session, other]): [string, SavedMember][] =>
        session === place ? [[hex, member]] : gone.has(session) ? [] : [[session, other]],
      ),
    );
    return true;
  }

  /** Returns whether it was there. */
  remove(session: Uint8Array): boolean {
    return this.#pending.delete(toHex(session));
  }

  /** Drops members whose grant is over. Returns whether there were any. */
  expire(nowMs: bigint): boolean {
    let any = false;
    for (const [hex, member] of this.#pending) {
      if (member.expiresMs !== null && member.expiresMs <= nowMs) any = this.#pending.delete(hex);
    }
    return any;
  }

  /**
   * A member revealed a link: its next slot must start from there, not from the head it joined with. A member that
   * joined again with a fresh chain meanwhile keeps the fresh one.
   */
  advanceChain(session: Uint8Array, reveal: Uint8Array, previousHead: Uint8Array): void {
    const member = this.#pending.get(toHex(session));
    if (member !== undefined && equalBytes(member.chainHead, previousHead)) member.chainHead = reveal;
  }

  noteEjected(clients: readonly ClientSlot[]): void {
    for (const { state, owner } of clients) {
      if (state !== "Ejected") continue;
      const hex = toHex(owner);
      if (this.#ejectedOwners.size >= MAX_EJECTED_OWNERS && !this.#ejectedOwners.has(hex)) {
        const [oldest] = this.#ejectedOwners.keys();
        this.#ejectedOwners.delete(oldest);
      }
      this.#ejectedOwners.set(hex, owner);
      for (const [session, member] of this.#pending) {
        if (toHex(member.owner) === hex) this.#pending.delete(session);
      }
    }
  }

  /**
   * A client that was dropped may be frozen, its connection still open: no epoch waits for it before it is heard from. One
   * that lives sees that it is no member, and joins again.
   */
  noteDropped(before: readonly ClientSlot[], after: readonly ClientSlot[]): void {
    for (const { index, state, session } of after) {
      if (state === "Dropped" && before[index]?.state !== "Dropped") this.remove(session);
    }
  }

  /** The allowlist: everyone pending, and those of `clients` (the running epoch's slots) who are in good standing. */
  addresses(clients: readonly ClientSlot[]): PeerAddress[] {
    const members = new Map<string, PeerAddress>();
    for (const { peerId, multiaddrs } of this.#pending.values()) members.set(toHex(peerId), { peerId, multiaddrs });
    for (const { state, peerId } of clients) {
      const hex = toHex(peerId);
      if (state === "Healthy" && !members.has(hex)) members.set(hex, { peerId, multiaddrs: [] });
    }
    return [...members.values()];
  }
}

function sameMember(a: SavedMember, b: SavedMember): boolean {
  return (
    equalBytes(a.owner, b.owner) &&
    equalBytes(a.session, b.session) &&
    equalBytes(a.peerId, b.peerId) &&
    equalBytes(a.chainHead, b.chainHead) &&
    a.expiresMs === b.expiresMs &&
    a.multiaddrs.length === b.multiaddrs.length &&
    a.multiaddrs.every((address, i) => address === b.multiaddrs[i])
  );
}
