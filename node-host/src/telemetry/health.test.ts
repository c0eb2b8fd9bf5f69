import { describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { Health } from "./health.ts";

type Phase = Extract<HostEvent, { type: "phase" }>;
const phase = (runState: Phase["runState"], step: number, endsAtMs: number | null = null, startedAtMs = 0): HostEvent => ({
  type: "phase",
  runState,
  epoch: 0,
  step,
  round: 1,
  epochRounds: 8,
  live: 2,
  pending: 1,
  wanted: 2,
  startedAtMs,
  endsAtMs,
  roundTokens: 0,
});
const began = (step: number): HostEvent => ({
  type: "round",
  event: { type: "roundBegan", step, appliedStep: null, batches: [], learningRate: 0 },
});
const MINUTE = 60_000;
/** as every process tells each 10 s */
const alive: HostEvent = { type: "resources", rssBytes: 1, heapBytes: 1, openFiles: 1, cpuSeconds: 1, lagP99Ms: 1 };
const reportAt = (health: Health, nowMs: number) => {
  health.observe(alive, nowMs);
  return health.report(nowMs);
};

describe("Health", () => {
  it("waits patiently for members, a pause, and a start that is not too long", () => {
    const health = new Health(0);
    expect(reportAt(health, 10 * MINUTE)).toMatchObject({ ok: true, reason: "starting since 600 s" });
    expect(reportAt(health, 16 * MINUTE).ok).toBe(false);
    health.observe(phase("WaitingForMembers", 1), MINUTE);
    expect(reportAt(health, 1000 * MINUTE)).toMatchObject({ ok: true, reason: "waits for members: 1 of 2 are here" });
    health.observe(phase("Paused", 1), MINUTE);
    expect(reportAt(health, 1000 * MINUTE).ok).toBe(true);
  });

  it("calls a round stuck after three times its limit, at least two minutes", () => {
    const health = new Health(0);
    health.observe({ type: "listening", peerId: "", multiaddrs: [], runId: "r" }, 0);
    health.observe(phase("RoundTrain", 5, 10_000), 0);
    expect(reportAt(health, 119_000).ok).toBe(true);
    expect(reportAt(health, 121_000)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("RoundTrain of step 5 lasts 121 s"),
      step: 5,
    });
    // head counts change, the round does not
    health.observe({ ...(phase("RoundTrain", 5, 10_000) as Phase), live: 1 }, 120_000);
    expect(reportAt(health, 121_000).ok).toBe(false);
    health.observe(phase("RoundTrain", 6, 100 * MINUTE), 121_000);
    expect(reportAt(health, 200 * MINUTE).ok).toBe(true);
  });

  it("notices a client that the run leaves behind, unless it says why", () => {
    const health = new Health(0);
    const rounds = (from: number, to: number) => {
      for (let step = from; step <= to; step++) health.observe(phase("RoundTrain", step), step * 10_000);
    };
    rounds(1, 2);
    expect(reportAt(health, 21_000)).toMatchObject({ ok: true, reason: "waits for the next epoch" });
    health.observe(began(2), 21_000);
    expect(reportAt(health, 22_000)).toMatchObject({ ok: true, reason: "trains: round 2 began 1 s ago" });
    rounds(3, 20);
    expect(reportAt(health, 201_000)).toMatchObject({ ok: false, reason: expect.stringContaining("began no round since step 2") });
    health.observe({ type: "round", event: { type: "stranded", epoch: 0, reason: "too far behind" } }, 201_000);
    expect(reportAt(health, 202_000)).toMatchObject({ ok: true, reason: "does not train before the next epoch: too far behind" });
    health.observe(phase("Cooldown", 21), 210_000);
    health.observe(phase("RoundTrain", 21), 220_000);
    health.observe(began(21), 220_500);
    expect(reportAt(health, 221_000)).toMatchObject({ ok: true, reason: "trains: round 21 began 1 s ago" });
    health.observe({ type: "stopped", reason: "SIGTERM" }, 222_000);
    expect(reportAt(health, 222_000)).toMatchObject({ ok: false, reason: "stopped: SIGTERM" });
  });

  it("notices a process that stands still", () => {
    const health = new Health(0);
    health.observe(phase("WaitingForMembers", 1), 1_000);
    expect(health.report(40_000).ok).toBe(true);
    expect(health.report(50_000)).toMatchObject({ ok: false, reason: "has said nothing for 49 s: its process stands still" });
    expect(reportAt(health, 51_000).ok).toBe(true);
  });
});
