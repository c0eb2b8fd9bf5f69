/** This machine's end of the network, and what the system says when it cannot be had, as a sentence. */
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
  webSocket: { port: number; option: string };
  allowAll?: boolean;
  /** multiaddrs told to others in the place of those listened on */
  announce?: string[];
  log: HostLog;
}

/** Errors: HostError bad-option, port-in-use. */
export async function listen({ seed, host, tcp, webSocket, allowAll, announce, log }: ListenOptions): Promise<PeerNetwork> {
  const version = isIP(host);
  if (version === 0)
    throw new HostError("bad-option", `--bind-host ${host}: must be an IP address of this machine, or 0.0.0.0 for every interface`);
  for (const { port, option } of [tcp, webSocket]) await requireFree(host, port, option);
  return createNodeNetwork({
    seed,
    listen: [`/ip${version}/${host}/tcp/${tcp.port}`, `/ip${version}/${host}/tcp/${webSocket.port}/ws`],
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

/** Null, or the system's code of why nothing can listen there. */
export function whyNot(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host }, () => probe.close(() => resolve(null)));
  });
}
