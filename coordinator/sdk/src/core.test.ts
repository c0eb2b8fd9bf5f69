import { describe, expect, it } from "vitest";
import { CoordinatorError } from "./errors.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { Scene } from "./testScene.ts";
import type { Snapshot } from "./types.ts";

describe("CoordinatorCore", () => {
  it("ticks by its clock: members are waited for, and those who are not ready in time are dropped", async () => {
    const scene = new Scene();
    const [ready, alsoReady] = scene.join(3).map(({ session }) => session.publicKey);
    await scene.wait(900);
    expect(scene.phase).toBe("WaitingForMembers");
    await scene.wait(200);
    expect(scene.phase).toBe("Warmup");
    scene.core.warmupWitness(ready);
    scene.core.warmupWitness(alsoReady);
    await scene.wait(5_200);
    expect(scene.phase).toBe("RoundTrain");
    expect(scene.core.state().clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy", "Dropped"]);
    // its connection is alive, and it may be frozen: no member until it is heard from
    expect(scene.core.snapshot().members).toHaveLength(2);
  });

  it("acts on the call that completes a phase, without waiting for its clock", async () => {
    const scene = new Scene();
    await scene.train(2);
    expect(scene.transitions.map(({ to }) => to)).toEqual(["WaitingForMembers", "Warmup", "RoundTrain"]);
  });

  it("takes members in the order they joined", async () => {
    const scene = new Scene();
    const identities = await scene.train(5);
    expect(scene.core.state().clients.map(({ session }) => session)).toEqual(identities.map(({ session }) => session.publicKey));
  });

  it("forgets a member that joined and never held a connection", async () => {
    const scene = new Scene();
    scene.core.join(Identity.generate({ chainLength: 8 }).membership(), []);
    await scene.wait(1_900);
    expect(scene.core.snapshot().members).toHaveLength(1);
    await scene.wait(200);
    expect(scene.core.snapshot().members).toHaveLength(0);
  });

  it("does not take a member for lost while another connection of it is open, however often one is undone", async () => {
    const scene = new Scene();
    const [{ session }] = await scene.train(3);
    // `train` attached each once
    const more = [scene.core.attach(session.publicKey), scene.core.attach(session.publicKey)];
    for (const detach of more) {
      detach();
      detach();
    }
    await scene.wait(3_000);
    expect(scene.core.state().clients[0].state).toBe("Healthy");
  });

  it.each([
    [true, "Withdrawn"],
    [false, "Healthy"],
  ])("withdrawOnDisconnect %s leaves the slot of a lost member %s", async (withdrawOnDisconnect, state) => {
    const scene = new Scene({ withdrawOnDisconnect });
    const identities = Array.from({ length: 3 }, () => Identity.generate({ chainLength: 64 }));
    const detach = identities.map(({ session }) => scene.core.attach(session.publicKey));
    for (const identity of identities) scene.core.join(identity.membership(), []);
    await scene.wait(1_100);
    for (const { session } of identities) scene.core.warmupWitness(session.publicKey);
    detach[1]();
    await scene.wait(1_500);
    expect(scene.core.state().clients[1].state).toBe("Healthy");
    await scene.wait(1_000);
    expect(scene.core.state().clients[1].state).toBe(state);
    expect(scene.core.isBound(identities[1].session.publicKey, identities[1].peer.publicKey)).toBe(true);
  });

  it("drains by its deadline or says that it did not", async () => {
    const scene = new Scene();
    await scene.train(2);
    const early = scene.core.pauseAndDrain(1_000);
    await scene.wait(1_100);
    expect(await early).toBe(false);
    expect(scene.core.state().pendingPause).toBe(true);
    // nobody reports anything: the round times out without a witness, which ends the epoch
    const later = scene.core.pauseAndDrain(60_000);
    await scene.wait(60_000);
    expect(await later).toBe(true);
    expect(scene.phase).toBe("Paused");
    expect(await scene.core.pauseAndDrain(0)).toBe(true);
  });

  it("delivers no older snapshot after a newer one, also when a listener calls the core", async () => {
    const scene = new Scene();
    const [first] = scene.join(1);
    const seen: bigint[][] = [[], []];
    let nested = false;
    scene.core.subscribe(({ nonce }) => {
      seen[0].push(nonce);
      if (nested) return;
      nested = true;
      scene.core.join(first.membership(), ["/ip4/127.0.0.1/tcp/1"]);
    });
    scene.core.subscribe(({ nonce }) => void seen[1].push(nonce));
    scene.join(1);
    for (const nonces of seen) {
      expect(nonces).toEqual([...new Set(nonces)].sort((a, b) => (a < b ? -1 : 1)));
      expect(nonces.at(-1)).toBe(scene.core.snapshot().nonce);
    }
  });

  it("keeps on telling the others when a listener throws", () => {
    const scene = new Scene();
    const heard: Snapshot[] = [];
    scene.core.subscribe(() => {
      throw new Error("a listener's own fault");
    });
    scene.core.subscribe((snapshot) => heard.push(snapshot));
    scene.join(1);
    expect(heard).toHaveLength(2);
    expect(scene.errors).toHaveLength(2);
  });

  it("goes on from the bytes of its last transition", async () => {
    const scene = new Scene();
    const identities = await scene.train(3);
    const { bytes, to } = scene.transitions.at(-1)!;
    expect(to).toBe("RoundTrain");
    const restored = new Scene({ machine: Machine.load(bytes) });
    expect(restored.core.state()).toEqual(scene.core.state());
    // the slots are still theirs: their calls are taken by session key
    const { session, peer } = identities[0];
    expect(restored.core.isBound(session.publicKey, peer.publicKey)).toBe(true);
    restored.core.leave(session.publicKey);
    expect(restored.core.state().clients[0].state).toBe("Withdrawn");
  });

  it("refuses everything once stopped", async () => {
    const scene = new Scene();
    const [{ session }] = scene.join(1);
    scene.core.stop();
    for (const call of [
      () => scene.core.warmupWitness(session.publicKey),
      () => scene.core.leave(session.publicKey),
      () => scene.core.setPaused(true),
      () => void scene.core.subscribe(() => {}),
      () => scene.core.start(),
    ]) {
      expect(call).toThrow(CoordinatorError);
    }
    await scene.wait(10_000);
    expect(scene.phase).toBe("WaitingForMembers");
  });
});
