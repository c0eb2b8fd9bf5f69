/**
 * After an epoch the chain holds the hash that its witnesses agreed on; where the parameters with that hash are kept, one member says.
 * The one in the lowest slot first; the others only where it has not after a while.
 */
import { systemClock, type CoordinatorState, type Snapshot } from "@starling/sdk";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { pause } from "@starling/sdk/retry";

/** between one member's turn and the next one's */
const TURN_MS = 4_000;
const TRIES = 3;

export interface CheckpointPosterOptions {
  coordinator: {
    subscribe(listener: (snapshot: Snapshot) => void): () => void;
    snapshot(): Snapshot | null;
    checkpoint(location: string, parameterHash: Uint8Array, signal?: AbortSignal): Promise<void>;
  };
  session: Uint8Array; // (32)
  location: string;
  /** whether this machine keeps the parameters with this hash yet; null = nobody needs to, since members share them */
  holds: ((parameterHash: string) => Promise<boolean>) | null;
  onWarning: (message: string) => void;
}

/** Returns how to stop. */
export function postCheckpoints({ coordinator, session, location, holds, onWarning }: CheckpointPosterOptions): () => void {
  const ending = new AbortController();
  let lookedAt = "";
  const isMissing = (state: CoordinatorState): boolean =>
    state.parameterHash.some((byte) => byte !== 0) &&
    (state.checkpoint === null ||
      !equalBytes(state.checkpoint.parameterHash, state.parameterHash) ||
      state.checkpoint.epoch !== state.parameterHashEpoch);
  const post = async (state: CoordinatorState, turn: number): Promise<void> => {
    await pause(systemClock(), turn * TURN_MS, ending.signal);
    for (;;) {
      const now = stateOf(coordinator.snapshot());
      if (now === null || !isMissing(now) || !equalBytes(now.parameterHash, state.parameterHash)) return;
      if (holds === null || (await holds(toHex(state.parameterHash)))) break;
      await pause(systemClock(), TURN_MS, ending.signal);
    }
    for (let left = TRIES; ;) {
      try {
        return await coordinator.checkpoint(location, state.parameterHash, ending.signal);
      } catch (error) {
        if (ending.signal.aborted || --left === 0) throw error;
        await pause(systemClock(), TURN_MS, ending.signal);
      }
    }
  };
  const undo = coordinator.subscribe((snapshot) => {
    const state = stateOf(snapshot)!;
    const key = `${state.parameterHashEpoch} ${toHex(state.parameterHash)}`;
    if (key === lookedAt || !isMissing(state)) return;
    const slot = state.clients.findIndex((client) => equalBytes(client.session, session));
    if (slot < 0) return;
    lookedAt = key;
    post(state, slot).catch((error: Error) => {
      if (!ending.signal.aborted) onWarning(`the checkpoint was not told to the chain: ${error.message}`);
    });
  });
  return () => {
    undo();
    ending.abort();
  };
}

function stateOf(snapshot: Snapshot | null): CoordinatorState | null {
  return snapshot && Machine.load(snapshot.bytes).state();
}
