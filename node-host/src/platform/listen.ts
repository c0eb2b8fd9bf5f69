/** This machine's end of the network, and what the system says when it cannot be had, as a sentence. */
import { createSocket } from "node:dgram";
import { createServer, isIP } from "node:net";
import type { PeerNetwork } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { toHex } from "@starling/sdk/bytes";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";

export interface ListenOptions {
  /** (32) seed of the peer id key */
  seed: Uint8Array;
  /** IP address */
  host: string;
  /** 0 = any free port; `option` is what a message tells to change */
  tcp: { port: number; option: string };
  /** null = none */
  webSocket: { port: number | null; option: string };
  /** UDP; null = none */
  webRtcPort?: number | null;
  /** carry the signalling of members, who are tabs, between each other */
  isRelay?: boolean;
  allowAll?: boolean;
  /** multiaddrs told to others in the place of those listened on */
  announce?: string[];
  log: HostLog;
}

/** Errors: HostError bad-option, port-in-use. */
export async function listen(options: ListenOptions): Promise<PeerNetwork> {
  const { seed, host, tcp, webSocket, webRtcPort = null, isRelay = false, allowAll, announce, log } = options;
  const version = isIP(host);
  if (version === 0)
    throw new HostError("bad-option", `--bind-host ${host}: must be an IP address of this machine, or 0.0.0.0 for every interface`);
  await requireFree(host, tcp.port, tcp.option);
  if (webSocket.port !== null) await requireFree(host, webSocket.port, webSocket.option);
  if (webRtcPort !== null) await requireFreeUdp(host, webRtcPort);
  return createNodeNetwork({
    seed,
    listen: [
      `/ip${version}/${host}/tcp/${tcp.port}`,
      ...(webSocket.port === null ? [] : [`/ip${version}/${host}/tcp/${webSocket.port}/ws`]),
      ...(webRtcPort === null ? [] : [`/ip${version}/${host}/udp/${webRtcPort}/webrtc-direct`]),
    ],
    isRelay,
    ...(allowAll === undefined ? {} : { allowAll }),
    ...(announce === undefined ? {} : { announce }),
    onError: (error) => log({ type: "warning", message: `network: ${(error as Error).message}` }),
    onLimit: ({ limit, peer, host: from, count }) =>
      log({ type: "limit", limit, who: peer === null ? (from ?? "many") : toHex(peer).slice(0, 8), count }),
  });
}

/** libp2p's own words for a taken port are a page with a stack. Errors: HostError bad-option, port-in-use. */
async function requireFree(host: string, port: number, option: string): Promise<void> {
  const reason = await whyNot(host, port);
  switch (reason) {
    case null:
      return;
    case "EADDRINUSE":
      throw new HostError("port-in-use", `${option} ${port} is in use by another program: choose another port, or 0 for any free one`);
    case "EACCES":
      throw new HostError(
        "port-in-use",
        `${option} ${port}: this user may not listen there: choose a port above 1023, or 0 for any free one`,
      );
    case "EADDRNOTAVAIL":
      throw new HostError(
        "bad-option",
        `--bind-host ${host} is no address of this machine: take one that "ip addr" lists, or 0.0.0.0 for every interface`,
      );
    default:
      throw new HostError("port-in-use", `nothing can listen on ${host} port ${port}: ${reason}`);
  }
}

/** libp2p starts a native thread at the port and never hears that it failed. Errors: HostError port-in-use. */
function requireFreeUdp(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
    probe.once("error", (error: NodeJS.ErrnoException) => {
      probe.close();
      const why = error.code === "EADDRINUSE" ? "is in use by another program" : `cannot be had (${error.code ?? error.message})`;
      reject(new HostError("port-in-use", `--bind-webrtc-port ${port} ${why}: choose another UDP port, 0 for any free one, or none`));
    });
    probe.bind({ address: host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Null, or the system's code of why nothing can listen there. */
export function whyNot(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host }, () => probe.close(() => resolve(null)));
  });
}
