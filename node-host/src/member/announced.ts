/** `--announce-address`: what other members are told in the place of the addresses listened on. */
import { isIP } from "node:net";
import { parseAddress } from "@starling/network/peerIds";
import { HostError } from "../errors.ts";

/** 0 = chosen by the system, null = none. */
export interface AnnouncedPorts {
  tcp: number;
  webSocket: number | null;
  webRtc: number | null;
}

/** Multiaddrs; undefined where those listened on will do. Errors: HostError bad-option. */
export function announcedAddresses(addresses: readonly string[] | undefined, ports: AnnouncedPorts): string[] | undefined {
  const { tcp, webSocket, webRtc } = ports;
  return addresses?.flatMap((address) => {
    const version = isIP(address);
    if (version !== 0) {
      if (tcp === 0) {
        throw new HostError(
          "bad-option",
          `--announce-address ${address} needs --bind-p2p-port: the port that your router forwards to this machine`,
        );
      }
      const at = `/ip${version}/${address}`;
      // a port that the system chose is none that a router forwards
      return [
        `${at}/tcp/${tcp}`,
        ...(webRtc === null || webRtc === 0 ? [] : [`${at}/udp/${webRtc}/webrtc-direct`]),
        ...(webSocket === null || webSocket === 0 ? [] : [`${at}/tcp/${webSocket}/ws`]),
      ];
    }
    if (!address.startsWith("/") || parseAddress(address) === null) {
      throw new HostError(
        "bad-option",
        `--announce-address ${address}: must be an IP address, or a multiaddr such as /dns4/rig.example.org/tcp/4001`,
      );
    }
    return [address];
  });
}
