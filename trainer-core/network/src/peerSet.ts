import { keyHex, type Member, type PeerKey } from "./port.ts";
import { NetworkError } from "./errors.ts";

/** Who may talk to us, and where they can be dialled: the members, plus pinned peers, plus anyone if `allowAll`. */
export class PeerSet {
  readonly #allowAll: boolean;
  #members = new Map<string, Member>();
  readonly #pinned = new Map<string, Member>();

  constructor(allowAll: boolean) {
    this.#allowAll = allowAll;
  }

  setMembers(members: readonly Member[]): void {
    for (const member of members) checkKey(member.peerId);
    this.#members = new Map(members.map((member) => [keyHex(member.peerId), copyOf(member)]));
  }

  pin(peer: Member): void {
    checkKey(peer.peerId);
    this.#pinned.set(keyHex(peer.peerId), copyOf(peer));
  }

  isPinned(hex: string): boolean {
    return this.#pinned.has(hex);
  }

  unpin(hex: string): void {
    this.#pinned.delete(hex);
  }

  allows(hex: string): boolean {
    return this.#allowAll || this.names(hex);
  }

  /** Listed or pinned: a peer we keep connected, not merely tolerate. */
  names(hex: string): boolean {
    return this.#members.has(hex) || this.#pinned.has(hex);
  }

  /** Every named peer once, with the addresses of both lists. */
  named(): Map<string, Member> {
    const all = new Map(this.#members);
    for (const [hex, pinned] of this.#pinned) {
      const listed = this.#members.get(hex)?.multiaddrs ?? [];
      all.set(hex, { peerId: pinned.peerId, multiaddrs: [...new Set([...pinned.multiaddrs, ...listed])] });
    }
    return all;
  }

  addresses(hex: string): string[] {
    return [...new Set([...(this.#pinned.get(hex)?.multiaddrs ?? []), ...(this.#members.get(hex)?.multiaddrs ?? [])])];
  }

  /** @throws NetworkError `not-a-member` */
  require(hex: string): void {
    if (!this.allows(hex)) {
      throw new NetworkError(
        "not-a-member",
        `peer ${hex.slice(0, 8)} is neither a member nor pinned; list it with setMembers() or pin() first`,
      );
    }
  }
}

export function checkKey(key: PeerKey): void {
  if (key.byteLength !== 32) {
    throw new NetworkError("malformed", `a peer key has 32 bytes, this one has ${key.byteLength}`);
  }
}

function copyOf(member: Member): Member {
  return { peerId: member.peerId.slice(), multiaddrs: [...member.multiaddrs] };
}
