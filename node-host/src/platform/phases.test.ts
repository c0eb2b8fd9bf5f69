import { describe, expect, it } from "vitest";
import type { CoordinatorState } from "@starling/sdk";
import type { HostEvent } from "../events.ts";
import { phaseTeller } from "./phases.ts";

const config = { maxRoundTrainMs: 20_000n, roundsPerEpoch: 8, initMinClients: 2, maxSeqLen: 16, waitingForMembersExtraMs: 500n };
const state = (runState: string, step: number): CoordinatorState =>
  ({
    runState,
    epoch: 1,
    step,
    epochStartStep: 1,
    lastStep: 0,
    runStateStartedMs: 900n,
    clients: [{ state: "Healthy" }, { state: "Dropped" }],
    rounds: [{ step, batchSize: 6, drain: false }],
    config,
  }) as unknown as CoordinatorState;

describe("phaseTeller", () => {
  it("tells when a phase ends: of one found running by the coordinator's clock, of one seen to begin by its own", () => {
    const told: HostEvent[] = [];
    let nowMs = 5_000;
    const tell = phaseTeller(
      (event) => told.push(event),
      () => nowMs,
    );
    tell(state("RoundTrain", 3), 2);
    expect(told.at(-1)).toMatchObject({ startedAtMs: 900, endsAtMs: 20_900, roundTokens: 96, live: 1, epochRounds: 10 });
    nowMs = 6_000;
    tell(state("RoundTrain", 3), 2); // nothing new
    expect(told.length).toBe(1);
    tell(state("RoundTrain", 3), 3); // one more member: the phase began when it did
    expect(told.at(-1)).toMatchObject({ startedAtMs: 900, pending: 3 });
    tell(state("RoundTrain", 4), 3);
    expect(told.at(-1)).toMatchObject({ startedAtMs: 6_000, endsAtMs: 26_000 });
  });

  it("has no end where only people end a phase", () => {
    const told: HostEvent[] = [];
    const tell = phaseTeller((event) => told.push(event));
    tell(state("Paused", 3), 2);
    tell(state("WaitingForMembers", 3), 1);
    expect(told).toMatchObject([
      { endsAtMs: null, roundTokens: 0 },
      { endsAtMs: null, roundTokens: 0 },
    ]);
  });
});
