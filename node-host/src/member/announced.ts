/** `--announce-address`: what other members are told in the place of the addresses listened on. */
import { isIP } from "node:net";
import { parseAddress } from "@starling/network/peerIds";
import { HostError } from "../errors.ts";

/** Multiaddrs; undefined where those listened on will do. Errors: HostError bad-option. */
export function announcedAddresses(addresses: readonly string[] | undefined, port: number): string[] | undefined {
  return addresses?.map((address) => {
    const version = isIP(address);
    if (version !== 0) {
      if (port === 0) {
        throw new HostError(
          "bad-option",
          `--announce-address ${address} needs --bind-p2p-port: the port that your router forwards to this machine`,
        );
      }
      return `/ip${version}/${address}/tcp/${port}`;
    }
    if (!address.startsWith("/") || parseAddress(address) === null) {
      throw new HostError(
        "bad-option",
        `--announce-address ${address}: must be an IP address, or a multiaddr such as /dns4/rig.example.org/tcp/4001`,
      );
    }
    return address;
  });
}
