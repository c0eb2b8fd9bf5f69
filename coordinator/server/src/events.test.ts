import type { ClientState, CoordinatorState, RunState } from "@starling/sdk";
import { describe, expect, it } from "vitest";
import { MembershipWatch } from "./events.ts";

describe("MembershipWatch", () => {
  const peerId = new Uint8Array(32).fill(7);
  const state = (epoch: number, runState: RunState, ...slots: ClientState[]): CoordinatorState =>
    ({ epoch, runState, clients: slots.map((of, index) => ({ index, state: of, peerId })) }) as unknown as CoordinatorState;

  it("tells a lost slot once, although the next epoch shows it until its warm-up", () => {
    const watch = new MembershipWatch();
    const losses = [
      state(3, "RoundTrain", "Healthy", "Healthy"),
      state(3, "RoundWitness", "Healthy", "Withdrawn"),
      state(3, "Cooldown", "Healthy", "Withdrawn"),
      state(4, "WaitingForMembers", "Healthy", "Withdrawn"),
      state(4, "Warmup", "Healthy", "Healthy"),
      state(4, "RoundTrain", "Dropped", "Healthy"),
    ].map((next) =>
      watch.next({ members: [] }, next).map((event) => ("clientIndex" in event ? [event.clientIndex, event.state] : event.type)),
    );
    expect(losses).toEqual([[], [[1, "Withdrawn"]], [], [], [], [[0, "Dropped"]]]);
  });
});
