import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import type { PeerId } from "@libp2p/interface";
import { peerIdFromPublicKey, peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { connectionLimits } from "./limits.ts";
import { NetworkError } from "./errors.ts";
import { keyHex, type PeerKey } from "./port.ts";

/** Raw ed25519 key of a libp2p peer id in hexadecimal, or null for another kind of key. */
export function hexOf(peer: PeerId): string | null {
  return peer.type === "Ed25519" ? keyHex(peer.publicKey.raw) : null;
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

export function peerIdOf(hex: string): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(bytesOf(hex)));
}

/** libp2p's spelling of a key: `12D3Koo...`. */
export function peerIdText(key: PeerKey): string {
  return peerIdOf(keyHex(key)).toString();
}

/** Reading base58 takes the square of its length; an ed25519 peer id has 52 to 65 characters. */
const maxPeerIdChars = 128;
/** Far above any address that can be dialled. */
const maxAddressChars = 512;

/** The inverse of `peerIdText`. @throws NetworkError `malformed` */
export function peerKeyFromText(text: string): PeerKey {
  try {
    const hex = text.length > maxPeerIdChars ? null : hexOf(peerIdFromString(text));
    if (hex !== null) return bytesOf(hex);
  } catch {
    // The same error as for another kind of key: neither names an ed25519 peer.
  }
  throw new NetworkError("malformed", `expected an ed25519 peer id like 12D3Koo..., got ${text.slice(0, maxPeerIdChars)}`);
}

/** Null when it does not parse: member lists carry what others wrote. */
export function parseAddress(text: string): Multiaddr | null {
  if (text.length > maxAddressChars) return null;
  try {
    return multiaddr(text);
  } catch {
    return null;
  }
}

/** Who answers for an address: its IPv4 address, or the first half of its IPv6 address, as every host owns a whole /64. */
export function hostOf(address: Multiaddr): string {
  const component = address.getComponents().find(({ name }) => name === "ip4" || name === "ip6");
  return component?.value === undefined ? address.toString() : hostOfIp(component.value);
}

export function hostOfIp(ip: string): string {
  return ip.includes(":") ? prefix64(ip) : ip;
}

function prefix64(ip6: string): string {
  const [head, tail] = ip6.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  // As sockets spell it: "::ffff:10.0.0.7".
  if (ip6.includes(".")) return ip6.slice(ip6.lastIndexOf(":") + 1);
  // "::ffff:a00:7" is the IPv4 address 10.0.0.7 in disguise.
  if (groups[5] === "ffff" && groups.slice(0, 5).every((group) => group === "0")) {
    return groups
      .slice(6)
      .map((group) => Number.parseInt(group, 16))
      .flatMap((word) => [word >> 8, word & 255])
      .join(".");
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** The peer id that an address ends in, if any. What stands before `/p2p-circuit` is a relay's. */
export function peerIdIn(address: Multiaddr): string | undefined {
  const last = address.getComponents().findLast(({ name }) => name === "p2p" || name === "p2p-circuit");
  return last?.name === "p2p" ? last.value : undefined;
}

/** Whether the way to the peer leads over another one. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name === "p2p-circuit");
}

/** Longest address that is told: what the coordinators keep of one. A tab's, through webrtc-direct at an IPv6 address, would have 259. */
const maxToldChars = 256;

/**
 * The addresses by which others find us, at most as many as they try, the best first: this machine's own network last, as it
 * serves only who is on it too; of each host TCP, then webrtc-direct, then WebSockets.
 */
export function worthTelling(addresses: readonly Multiaddr[]): string[] {
  const rank = (text: string): number =>
    (/^\/ip4\/127\.|^\/ip6\/::1\//.test(text) ? 10 : 0) + (text.includes("/webrtc-direct") ? 1 : text.includes("/ws") ? 2 : 0);
  return addresses
    .map(String)
    .filter((text) => text.length <= maxToldChars)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, connectionLimits.addressesPerPeer.value);
}

/** What is usable of a member's addresses: parsed, ending in `peer`, at most `limit`. */
export function dialableAddresses(texts: readonly string[], peer: PeerId, limit: number): Multiaddr[] {
  const usable: Multiaddr[] = [];
  for (const text of texts.slice(0, limit)) {
    const address = parseAddress(text);
    if (address === null) continue;
    const named = peerIdIn(address);
    if (named === undefined) usable.push(address.encapsulate(`/p2p/${peer}`));
    else if (named === peer.toString()) usable.push(address);
  }
  return usable;
}
