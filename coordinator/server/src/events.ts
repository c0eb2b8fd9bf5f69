import type { ClientState, CoordinatorState, PeerAddress, RunState, Snapshot, TickOutcome } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { LIMITS } from "@starling/sdk/generated/machineLayout";

/** What happened in a run, as its server saw it. Peers are named by their id in hexadecimal. */
export type ServerEvent =
  /** a saved run goes on where it was; `downMs`: how long it had no coordinator, which does not count */
  | { type: "restored"; epoch: number; step: number; runState: RunState; downMs: number; members: number }
  | { type: "phase"; from: RunState; to: RunState; epoch: number; step: number }
  /** asks for a slot, from now on */
  | { type: "member-joined"; peerId: string; members: number }
  | { type: "member-left"; peerId: string; members: number }
  /** lost its slot of the running epoch */
  | { type: "client-out"; peerId: string; clientIndex: number; state: Exclude<ClientState, "Healthy"> }
  | { type: "epoch-ended"; epoch: number; trained: boolean; parameterHash: string | null }
  /** nobody holds the parameters agreed in `lostEpoch`; the run goes back to those of `toEpoch`, null: to its own start */
  | { type: "went-back"; lostEpoch: number; toEpoch: number | null }
  /** a transition is safe on disk, up to that step */
  | { type: "saved"; epoch: number; step: number }
  | { type: "error"; error: unknown };

/** Turns successive snapshots into the joins and losses between them. */
export class MembershipWatch {
  #members = new Map<string, PeerAddress>();
  #epoch = -1;
  #slots: ClientState[] = [];

  next({ members }: Pick<Snapshot, "members">, { epoch, runState, clients }: CoordinatorState): ServerEvent[] {
    const events: ServerEvent[] = [];
    const now = new Map(members.map((member) => [toHex(member.peerId), member]));
    for (const peerId of now.keys()) {
      if (!this.#members.has(peerId)) events.push({ type: "member-joined", peerId, members: now.size });
    }
    for (const peerId of this.#members.keys()) {
      if (!now.has(peerId)) events.push({ type: "member-left", peerId, members: now.size });
    }
    this.#members = now;
    // until its warm-up an epoch still shows the slots of the one before
    if (epoch !== this.#epoch && (runState === "WaitingForMembers" || runState === "Paused")) return events;
    for (const { index, state, peerId } of clients) {
      const before = epoch === this.#epoch ? (this.#slots[index] ?? "Healthy") : "Healthy";
      if (state !== "Healthy" && state !== before) {
        events.push({ type: "client-out", peerId: toHex(peerId), clientIndex: index, state });
      }
    }
    this.#epoch = epoch;
    this.#slots = clients.map(({ state }) => state);
    return events;
  }
}

export function wentBack(before: CoordinatorState, after: CoordinatorState): ServerEvent | null {
  if (before.runState !== "Warmup" || before.parameterHashEpoch === after.parameterHashEpoch) return null;
  const toEpoch = after.parameterHashEpoch === LIMITS.NO_EPOCH ? null : after.parameterHashEpoch;
  return { type: "went-back", lostEpoch: before.parameterHashEpoch, toEpoch };
}

export function epochEnded(outcome: TickOutcome, before: CoordinatorState, after: CoordinatorState): ServerEvent | null {
  if (outcome !== "epoch-succeeded" && outcome !== "epoch-failed") return null;
  const agreed = after.parameterHashEpoch === before.epoch;
  return {
    type: "epoch-ended",
    epoch: before.epoch,
    trained: outcome === "epoch-succeeded",
    parameterHash: agreed ? toHex(after.parameterHash) : null,
  };
}
