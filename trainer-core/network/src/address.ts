import { NetworkError } from "./errors.ts";

/**
 * A multiaddr from what people type: one already (`/ip4/...`), or `host:port`, `1.2.3.4:port`, `[::1]:port`.
 * @throws NetworkError `malformed`
 */
export function toMultiaddr(address: string, transport: "tcp" | "ws" = "tcp"): string {
  if (address.startsWith("/")) return address;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port === 0 || port > 65_535) {
    throw new NetworkError("malformed", `expected host:port with a port from 1 to 65535, or a multiaddr, got ${address.slice(0, 128)}`);
  }
  const [, ip6, host] = match;
  const kind = ip6 !== undefined ? "ip6" : /^\d+\.\d+\.\d+\.\d+$/.test(host) ? "ip4" : "dns";
  return `/${kind}/${ip6 ?? host}/tcp/${port}${transport === "ws" ? "/ws" : ""}`;
}
