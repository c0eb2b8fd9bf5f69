import { equalBytes, toHex } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import { type ClientSlot, type Member, type PeerAddress } from "./types.ts";

/** More than an epoch has slots for: who finds the run full is taken in when somebody leaves. */
export const MAX_MEMBERS = 512;
export const MAX_MULTIADDRS = 8;
export const MAX_MULTIADDR_CHARS = 256;
export const MAX_EJECTED_OWNERS = 1024;

/** A member that is present, with all that is known of it. */
export interface SavedMember extends Member {
  multiaddrs: string[];
}

/**
 * Who is present, in order of joining, and where everyone can be dialled. Who has a place in the run is the machine's to
 * say: the core asks it for one for each who is here, and gives up the places of those who are not.
 */
export class MemberTable {
  /** by session, hex; a Map keeps the order of insertion */
  #members = new Map<string, SavedMember>();
  /** by owner, hex; oldest first */
  readonly #ejectedOwners = new Map<string, Uint8Array>();

  get(session: Uint8Array): Member | null {
    return this.#members.get(toHex(session)) ?? null;
  }

  /** In order of joining. */
  all(): Member[] {
    return [...this.#members.values()];
  }

  /** In order of joining. */
  saved(): SavedMember[] {
    return [...this.#members.values()].map((member) => ({ ...member }));
  }

  ejectedOwners(): Uint8Array[] {
    return [...this.#ejectedOwners.values()];
  }

  /** Into an empty table, what `saved` and `ejectedOwners` of another one gave. */
  restore(members: readonly SavedMember[], ejectedOwners: readonly Uint8Array[]): void {
    for (const owner of ejectedOwners.slice(-MAX_EJECTED_OWNERS)) this.#ejectedOwners.set(toHex(owner), owner);
    for (const member of members.slice(0, MAX_MEMBERS)) this.#members.set(toHex(member.session), { ...member });
  }

  /** Returns whether anything changed. @throws CoordinatorError `ejected`, `overloaded`, `malformed` */
  join(member: Member, multiaddrs: readonly string[]): boolean {
    this.refuseEjected(member.owner);
    if (multiaddrs.length > MAX_MULTIADDRS || multiaddrs.some((address) => address.length > MAX_MULTIADDR_CHARS)) {
      throw new CoordinatorError("malformed", `a member has at most ${MAX_MULTIADDRS} addresses of ${MAX_MULTIADDR_CHARS} characters`);
    }
    const saved: SavedMember = { ...member, multiaddrs: [...multiaddrs] };
    const hex = toHex(member.session);
    // a session is unique, and so is a peer: whoever shows either again takes the place of the one before
    const replaced = [...this.#members].filter(([session, other]) => session === hex || equalBytes(other.peerId, member.peerId));
    if (replaced.length === 0) {
      if (this.#members.size >= MAX_MEMBERS) {
        throw new CoordinatorError("overloaded", `${MAX_MEMBERS} members are here already; try again later`);
      }
      this.#members.set(hex, saved);
      return true;
    }
    if (replaced.length === 1 && isSame(replaced[0][1], saved)) return false;
    const place = replaced[0][0];
    const gone = new Set(replaced.map(([session]) => session));
    this.#members = new Map(
      [...this.#members].flatMap(([session, other]): [string, SavedMember][] =>
        session === place ? [[hex, saved]] : gone.has(session) ? [] : [[session, other]],
      ),
    );
    return true;
  }

  /** @throws CoordinatorError `ejected` */
  refuseEjected(owner: Uint8Array): void {
    const hex = toHex(owner);
    if (!this.#ejectedOwners.has(hex)) return;
    throw new CoordinatorError("ejected", `owner ${hex.slice(0, 8)} was ejected from this run and cannot join it again`);
  }

  /** Returns who that was, null if nobody. */
  remove(session: Uint8Array): Member | null {
    const hex = toHex(session);
    const member = this.#members.get(hex) ?? null;
    this.#members.delete(hex);
    return member;
  }

  /** Removes members whose grant is over. Returns them. */
  expire(nowMs: bigint): Member[] {
    const expired = [...this.#members.values()].filter(({ expiresMs }) => expiresMs <= nowMs);
    for (const { session } of expired) this.remove(session);
    return expired;
  }

  /**
   * A member revealed a link: whenever it joins an epoch anew it must start from there, not from the head it came with. A
   * member that came again with a fresh chain meanwhile keeps the fresh one.
   */
  advanceChain(session: Uint8Array, reveal: Uint8Array, previousHead: Uint8Array): void {
    const member = this.#members.get(toHex(session));
    if (member !== undefined && equalBytes(member.chainHead, previousHead)) member.chainHead = reveal;
  }

  /** Bars the owner for ever, or until very many others were, and removes its sessions. Returns them. */
  eject(owner: Uint8Array): Member[] {
    const hex = toHex(owner);
    if (this.#ejectedOwners.size >= MAX_EJECTED_OWNERS && !this.#ejectedOwners.has(hex)) {
      const [oldest] = this.#ejectedOwners.keys();
      this.#ejectedOwners.delete(oldest);
    }
    this.#ejectedOwners.set(hex, owner);
    const out = [...this.#members.values()].filter((member) => equalBytes(member.owner, owner));
    for (const { session } of out) this.remove(session);
    return out;
  }

  /** The allowlist: everyone present, and those of `clients` (the running epoch's slots) who are in good standing. */
  addresses(clients: readonly ClientSlot[]): PeerAddress[] {
    const members = new Map<string, PeerAddress>();
    for (const { peerId, multiaddrs } of this.#members.values()) members.set(toHex(peerId), { peerId, multiaddrs });
    for (const { state, peerId } of clients) {
      const hex = toHex(peerId);
      if (state === "Healthy" && !members.has(hex)) members.set(hex, { peerId, multiaddrs: [] });
    }
    return [...members.values()];
  }
}

function isSame(a: SavedMember, b: SavedMember): boolean {
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
