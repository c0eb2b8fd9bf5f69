import type { PeerNetwork } from "@starling/network";
import { toHex } from "./bytes.ts";
import type { CoordinatorPort } from "./types.ts";

/**
 * Tells a network that admits everyone who the members are: strangers are held to stricter limits, and give way to them. Without
 * addresses: members dial, never the reverse. Returns the undo.
 */
export function nameMembers(coordinator: Pick<CoordinatorPort, "subscribe">, network: Pick<PeerNetwork, "setMembers">): () => void {
  let named: string | null = null;
  return coordinator.subscribe(({ members }) => {
    const now = members.map(({ peerId }) => toHex(peerId)).join();
    if (now === named) return;
    named = now;
    network.setMembers(members.map(({ peerId }) => ({ peerId, multiaddrs: [] })));
  });
}
