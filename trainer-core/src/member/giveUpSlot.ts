/**
 * A member that can take no part in the rest of an epoch keeps nobody waiting: it gives up its slot, so that no batch of the coming
 * rounds is assigned to it and no quorum counts on it, and asks for a slot of the next epoch. After a crash of everybody this is what
 * ends the lost epoch at once, instead of after the time-outs of rounds in which nobody trains.
 */
import { type ChainRenewal, type CoordinatorPort, isFinalRefusal, systemClock } from "@starling/sdk";
import { equalBytes } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { pause } from "@starling/sdk/retry";
import type { PeerNetwork } from "@starling/network";

const RETRY_MS = 2_000;

export interface GiveUpSlotOptions {
  coordinator: CoordinatorPort;
  network: Pick<PeerNetwork, "multiaddrs">;
  keys: ChainRenewal;
  onWarning: (message: string) => void;
  signal: AbortSignal;
}

/** Resolves when it is a member again, or is refused for good, or `signal` aborts. Does nothing where there is no slot to give up. */
export async function giveUpSlot({ coordinator, network, keys, onWarning, signal }: GiveUpSlotOptions): Promise<void> {
  const snapshot = coordinator.snapshot();
  if (snapshot === null || !hasSlot(snapshot.bytes, keys.identity.session.publicKey)) return;
  // links of the chain before may have been revealed: they must not be committed to again
  keys.identity.beginChain();
  await keys.save();
  let left = false;
  while (!signal.aborted) {
    try {
      if (!left) await coordinator.leave(signal);
      left = true;
      await coordinator.join(keys.identity.membership(), network.multiaddrs(), signal);
      return;
    } catch (error) {
      // the epoch is over meanwhile, or the coordinator was started again: there is nothing left to leave
      left ||= (error as { code?: string }).code === "not-member";
      if (signal.aborted) return;
      if (isFinalRefusal(error)) {
        onWarning(`it gets no slot of the next epoch: ${error.message}`);
        return;
      }
      onWarning(`its slot could not be exchanged for one of the next epoch, tries again: ${(error as Error).message}`);
      await pause(systemClock(), RETRY_MS, signal).catch(() => undefined);
    }
  }
}

function hasSlot(bytes: Uint8Array, session: Uint8Array): boolean {
  const { clients, runState } = Machine.load(bytes).state();
  const isInEpoch = runState === "Warmup" || runState === "RoundTrain" || runState === "RoundWitness";
  return isInEpoch && clients.some((client) => client.state === "Healthy" && equalBytes(client.session, session));
}
