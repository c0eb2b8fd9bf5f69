import { toHex } from "@starling/sdk/bytes";
import type { Identity } from "@starling/sdk/identity";
import { Machine } from "@starling/sdk/machine";
import { SCENE_CONFIG, Scene } from "@starling/sdk/testScene";
import type { WitnessMessage } from "@starling/sdk/types";
import { describe, expect, test } from "vitest";
import { Activity } from "./activity.ts";
import type { RunView } from "./protocol.ts";
import { summaryOfRun, summaryOfState } from "./runSummary.ts";
import { runView } from "./runView.ts";
import { unpackState } from "@starling/sdk/stateBytes";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";

const key = { source: "tcp-0", runId: "core" };

function viewOf(scene: Scene, offsetMs = 0, lastSeenMs: ReadonlyMap<string, number | null> = new Map()): Omit<RunView, "phases"> {
  return runView({
    ...{
      key,
      name: "core",
      description: "",
      machine: Machine.load(scene.core.snapshot().bytes),
      nonce: scene.core.nonce,
      offsetMs,
      lastSeenMs,
    },
    ...{ lifetimeEarned: null, reachable: null, learningRate: () => 0.1, config: null, chain: null },
  });
}

function messageOf(scene: Scene, reveal: Uint8Array): WitnessMessage {
  const { step, rounds } = scene.core.state();
  const bitmap = new Uint8Array(32);
  const machine = Machine.load(scene.core.snapshot().bytes);
  for (const { batch } of machine.assignment(rounds.at(-1)!.height)) bitmap[batch >> 3]! |= 1 << (batch & 7);
  return { step, bitmap, listRoot: new Uint8Array(32).fill(9), reveal, parameterHash: new Uint8Array(32) };
}

function reveal(identity: Identity): Uint8Array {
  return identity.preimageOf(identity.membership().chainHead)!;
}

describe("a run's view", () => {
  test("who waits, and that no clock ends a wait for clients", async () => {
    const scene = new Scene();
    expect(viewOf(scene)).toMatchObject({ runState: "WaitingForMembers", phaseEndsMs: null, clients: [], roundOfEpoch: 0, round: null });
    scene.join(1);
    await scene.wait(200);
    const one = viewOf(scene);
    expect(one.clients).toMatchObject([{ health: "waiting", slot: null, roles: [], state: "Waiting" }]);
    expect(one.phaseEndsMs).toBeNull();
    scene.join(1);
    await scene.wait(200);
    // enough are here: now the clock counts
    const { phaseStartedMs, phaseEndsMs } = viewOf(scene);
    expect(phaseEndsMs! - phaseStartedMs!).toBe(Number(SCENE_CONFIG.waitingForMembersExtraMs));
  });

  test("a round: roles, progress, and the phase's end on this machine's clock", async () => {
    const scene = new Scene();
    const identities = await scene.train(2);
    const view = viewOf(scene, 5_000);
    const state = scene.core.state();
    expect(view).toMatchObject({ runState: "RoundTrain", roundOfEpoch: 1, step: state.step, learningRate: 0.1, isConfigured: true });
    expect(view.phaseEndsMs).toBe(Number(state.runStateStartedMs) - 5_000 + Number(SCENE_CONFIG.maxRoundTrainMs));
    expect(view.tokensPerRound).toBe(state.rounds.at(-1)!.batchSize * SCENE_CONFIG.maxSeqLen);
    expect(view.clients.map(({ peerId }) => peerId).sort()).toEqual(identities.map(({ peer }) => toHex(peer.publicKey)).sort());
    for (const client of view.clients) expect(client).toMatchObject({ health: "healthy", roles: ["trainer", "witness"], missedRounds: 0 });
    expect(view.round).toMatchObject({ witnessesElected: 2, quorum: 2, witnessesReported: 0, trainers: 2, isDrain: false });
  });

  test("every state that a run goes through can be shown, and so can a line of the list; both tell the same", async () => {
    const scene = new Scene();
    const seen = new Set<string>();
    const look = (): void => {
      const view = viewOf(scene);
      const state = scene.core.state();
      const names = { key, name: "core", description: "", createdMs: null, loss: null, tokensPerSecond: null };
      const ofState = summaryOfState(names, state, 0);
      const run = unpackState(scene.core.snapshot().bytes).slice(0, LAYOUT.Run.bytes);
      expect(summaryOfRun(names, run, 0), state.runState).toEqual(ofState);
      expect(ofState).toMatchObject({ runState: view.runState, step: view.step, phaseEndsMs: view.phaseEndsMs });
      // what a Worker tells must survive the way to the page
      expect(structuredClone(view)).toEqual(view);
      seen.add(view.runState);
    };
    look();
    await scene.train(2);
    for (let i = 0; i < 200 && seen.size < 5; i++) {
      look();
      await scene.wait(250);
    }
    scene.core.setPaused(true);
    await scene.wait(60_000);
    look();
    expect([...seen]).toEqual(expect.arrayContaining(["WaitingForMembers", "RoundTrain", "RoundWitness", "Paused"]));
    expect(scene.errors).toEqual([]);
  });

  test("a run without a configuration is a line of the list too", () => {
    const names = { key, name: "core", description: "", createdMs: 7, loss: null, tokensPerSecond: null };
    expect(summaryOfRun(names, null, 0)).toMatchObject({ runState: "Uninitialized", totalSteps: 0, createdMs: 7 });
  });
});

describe("last seen", () => {
  test("what the state shows of each client, then the moment at which it showed something new", async () => {
    const scene = new Scene();
    const [first, second] = await scene.train(2);
    const activity = new Activity();
    const sessions = [first!, second!].map(({ session }) => toHex(session.publicKey));
    const state = () => scene.core.state();
    // nothing yet in this round, and no round before it
    expect([...activity.note(state(), 50_000, 0).values()]).toEqual([null, null]);
    scene.core.witness(first!.session.publicKey, messageOf(scene, reveal(first!)));
    expect(activity.note(state(), 51_000, 0).get(sessions[0]!)).toBe(51_000);
    expect(activity.note(state(), 60_000, 0)).toEqual(
      new Map([
        [sessions[0]!, 51_000],
        [sessions[1]!, null],
      ]),
    );
  });

  test("one who looks later sees the reports that are in the state, by this machine's clock", async () => {
    const scene = new Scene();
    const [first] = await scene.train(2);
    scene.core.witness(first!.session.publicKey, messageOf(scene, reveal(first!)));
    const startedMs = Number(scene.core.state().rounds.at(-1)!.startedMs);
    const seen = new Activity().note(scene.core.state(), startedMs + 90_000, 1_000);
    expect(seen.get(toHex(first!.session.publicKey))).toBe(startedMs - 1_000);
  });
});
