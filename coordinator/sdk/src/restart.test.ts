import { describe, expect, it } from "vitest";
import { DEFAULT_RESTORE_GRACE_MS } from "./coreOptions.ts";
import type { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { RunClock } from "./runClock.ts";
import { Scene } from "./testScene.ts";
import type { CoordinatorState, RunState, WitnessMessage } from "./types.ts";

const PHASE_MS = 20_000; // COMPLIANCE_CONFIG's

function message(scene: Scene, identity: Identity): WitnessMessage {
  const { step, clients } = scene.core.state();
  const slot = clients.find(({ session }) => session.every((byte, i) => byte === identity.session.publicKey[i]))!;
  const bitmap = new Uint8Array(32);
  bitmap[0] = 1;
  const reveal = identity.preimageOf(slot.chainHead)!;
  return { step, bitmap, listRoot: new Uint8Array(32).fill(1), reveal, parameterHash: new Uint8Array(32) };
}

function witnessed(scene: Scene, identities: readonly Identity[]): void {
  for (const identity of identities) scene.core.witness(identity.session.publicKey, message(scene, identity));
}

/** Takes a run of three to a phase, with something done in it where that is possible. */
async function runTo(phase: RunState): Promise<{ scene: Scene; identities: Identity[] }> {
  const scene = new Scene();
  if (phase === "WaitingForMembers") return { scene, identities: scene.join(1) };
  if (phase === "Warmup") {
    const identities = scene.join(3);
    await scene.wait(1_100);
    scene.core.warmupWitness(identities[0].session.publicKey);
    return { scene, identities };
  }
  const identities = await scene.train(3);
  if (phase === "RoundTrain") witnessed(scene, identities.slice(0, 1));
  if (phase === "RoundWitness") {
    witnessed(scene, identities.slice(0, 2));
    scene.core.downloaded(identities[0].session.publicKey, 1, 0);
  }
  // nobody reports anything, which ends the epoch
  if (phase === "Cooldown") await scene.wait(2 * PHASE_MS + 300);
  if (phase === "Paused") {
    scene.core.setPaused(true);
    await scene.wait(3 * PHASE_MS);
  }
  expect(scene.phase).toBe(phase);
  return { scene, identities };
}

describe("a coordinator that is killed", () => {
  it.each(["WaitingForMembers", "Warmup", "RoundTrain", "RoundWitness", "Cooldown", "Paused"] as const)(
    "in %s goes on there, with its members, and its clocks did not run meanwhile",
    async (phase) => {
      const { scene } = await runTo(phase);
      const before = scene.core.snapshot();
      const state: CoordinatorState = scene.core.state();
      const after = await scene.restart(scene.core.saved(), 3_600_000);
      expect(after.core.state()).toEqual(state);
      const { members, nonce, coordinatorNowMs } = after.core.snapshot();
      expect(members).toEqual(before.members);
      expect(nonce).toBeGreaterThan(before.nonce);
      if (phase !== "Paused") expect(coordinatorNowMs).toBe(before.coordinatorNowMs);
      // an hour would have ended every phase
      await after.wait(500);
      expect(after.transitions).toEqual([]);
    },
  );

  it("times a phase out after what was left of it", async () => {
    const { scene } = await runTo("RoundTrain");
    await scene.wait(15_000);
    const after = await scene.restart(scene.core.saved(), 60_000);
    await after.wait(4_800);
    expect(after.phase).toBe("RoundTrain");
    await after.wait(400);
    expect(after.phase).toBe("RoundWitness");
  });

  it("goes on by the wall clock in the epoch after", async () => {
    const { scene } = await runTo("Cooldown");
    const after = await scene.restart(scene.core.saved(), 60_000);
    await after.wait(1_200);
    expect(after.phase).toBe("WaitingForMembers");
    expect(Number(after.core.snapshot().coordinatorNowMs)).toBe(after.clock.nowMs());
    expect(Number(after.core.state().runStateStartedMs)).toBeGreaterThan(after.clock.nowMs() - 1_300);
  });

  it("keeps the slots of those who come back in time, and withdraws those who do not", async () => {
    const { scene, identities } = await runTo("RoundTrain");
    const after = await scene.restart(scene.core.saved(), 5_000);
    await after.wait(DEFAULT_RESTORE_GRACE_MS - 1_000);
    expect(after.core.state().clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy", "Healthy"]);
    const [first, second] = identities;
    for (const { session } of [first, second]) after.core.attach(session.publicKey);
    after.core.join(first.membership(), []);
    await after.wait(2_000);
    expect(after.core.state().clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy", "Withdrawn"]);
    expect(after.core.snapshot().members).toHaveLength(2);
  });

  it("takes the reports that were lost with it once more, and finishes the round", async () => {
    const { scene, identities } = await runTo("RoundTrain");
    const saved = scene.core.saved();
    witnessed(scene, identities.slice(1, 2));
    expect(scene.phase).toBe("RoundWitness");
    const after = await scene.restart(saved, 2_000);
    expect(after.phase).toBe("RoundTrain");
    expect(after.core.state().rounds.at(-1)!.witnesses).toHaveLength(1);
    witnessed(after, identities.slice(1, 2));
    expect(after.phase).toBe("RoundWitness");
  });

  it("still knows whom it ejected", async () => {
    const { scene, identities } = await runTo("RoundTrain");
    for (const { session } of identities.slice(0, 2)) scene.core.reportEquivocation(session.publicKey, 2);
    expect(scene.core.state().clients[2].state).toBe("Ejected");
    await scene.wait(4 * PHASE_MS);
    const after = await scene.restart(scene.core.saved(), 1_000);
    expect(() => after.core.join(identities[2].membership(), [])).toThrow(/ejected/);
  });

  it("tells rising nonces although the wall clock went back", async () => {
    const { scene } = await runTo("RoundTrain");
    const before = scene.core.snapshot();
    const clock = { nowMs: () => scene.clock.nowMs() - 500_000, after: scene.clock.after };
    const after = await scene.restart(scene.core.saved(), 1_000, { clock });
    expect(after.core.snapshot().nonce).toBeGreaterThan(before.nonce);
    expect(after.core.snapshot().coordinatorNowMs).toBe(before.coordinatorNowMs);
    expect(Machine.load(after.core.snapshot().bytes).state()).toEqual(Machine.load(before.bytes).state());
  });
});

describe("RunClock", () => {
  function clockAt(wall: { ms: number }, resumeAtMs: number | null = null): RunClock {
    return new RunClock({ nowMs: () => wall.ms, after: () => () => {} }, { longestGapMs: 2_000, resumeAtMs });
  }

  it("stands still while nobody looks at it for long, and when the wall clock is set", () => {
    const wall = { ms: 10_000 };
    const clock = clockAt(wall);
    wall.ms += 1_999;
    expect(clock.nowMs()).toBe(11_999);
    wall.ms += 20_000; // frozen
    expect(clock.nowMs()).toBe(11_999);
    wall.ms += 100;
    expect(clock.nowMs()).toBe(12_099);
    wall.ms -= 3_600_000; // set back
    expect(clock.nowMs()).toBe(12_099);
    wall.ms += 100;
    expect(clock.nowMs()).toBe(12_199);
  });

  it("resumes where it was, and catches up with the wall clock but never goes back", () => {
    const wall = { ms: 100_000 };
    const late = clockAt(wall, 40_000);
    expect([late.nowMs(), late.lagMs]).toEqual([40_000, 60_000]);
    late.catchUp();
    expect(late.nowMs()).toBe(100_000);
    const ahead = clockAt(wall, 140_000);
    ahead.catchUp();
    expect(ahead.nowMs()).toBe(140_000);
  });
});
