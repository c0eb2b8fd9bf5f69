import { LIMITS } from "./generated/machineLayout.ts";
import { describe, expect, it } from "vitest";
import { Identity } from "./identity.ts";
import { Scene } from "./testScene.ts";
import type { Membership, WitnessMessage } from "./types.ts";

const PHASE_MS = 20_000; // COMPLIANCE_CONFIG's

/** Nobody reports anything any more, which ends the epoch; the next one begins. */
async function nextEpoch(scene: Scene): Promise<void> {
  const { epoch } = scene.core.state();
  const isThere = (): boolean => scene.core.state().epoch === epoch + 1 && scene.phase === "Warmup";
  for (let waitedMs = 0; waitedMs < 6 * PHASE_MS && !isThere(); waitedMs += 500) await scene.wait(500);
  expect(isThere()).toBe(true);
}

function report(scene: Scene, identity: Identity): WitnessMessage {
  const { step, clients } = scene.core.state();
  const slot = clients.find(({ session }) => session.every((byte, i) => byte === identity.session.publicKey[i]))!;
  const zero = new Uint8Array(32);
  return { step, bitmap: zero, listRoot: zero, reveal: identity.preimageOf(slot.chainHead)!, parameterHash: zero };
}

function sessions(members: readonly Pick<Membership, "session">[]): number[] {
  return members.map(({ session }) => session[0] * 256 + session[1]);
}

function sessionsOf(identities: readonly Identity[]): number[] {
  return sessions(identities.map((identity) => identity.membership()));
}

describe("who is here has a place in the machine", () => {
  it("members of an epoch are in the next without another join, behind those who joined meanwhile", async () => {
    const scene = new Scene();
    const members = await scene.train(3);
    const late = scene.join(2);
    expect(sessions(scene.core.state().pending)).toEqual(sessionsOf(late));
    await nextEpoch(scene);
    expect(sessions(scene.core.state().clients)).toEqual(sessionsOf([...late, ...members]));
    expect(scene.core.state().pending).toEqual([]);
  });

  it("a full run keeps its members whatever comes; who waits gets the place of one that leaves, in turn", async () => {
    const scene = new Scene();
    const members = scene.join(LIMITS.MAX_CLIENTS, 4);
    const [first, second] = scene.join(2, 4);
    expect(sessions(scene.core.state().pending)).toEqual(sessionsOf(members));
    expect(scene.core.snapshot().members).toHaveLength(LIMITS.MAX_CLIENTS + 2);
    scene.core.leave(members[7].session.publicKey);
    expect(sessions(scene.core.state().pending)).toEqual(sessionsOf([...members.slice(0, 7), ...members.slice(8), first]));
    scene.core.leave(first.session.publicKey);
    expect(sessions(scene.core.state().pending).at(-1)).toBe(sessionsOf([second])[0]);
  });

  it("a member whose grant ends keeps its slot to the end of the epoch, and is not in the next", async () => {
    const scene = new Scene();
    const members = scene.join(2);
    const [short] = [Identity.generate({ chainLength: 8 })];
    scene.core.attach(short.session.publicKey);
    scene.core.join(short.membership(), [], BigInt(scene.clock.nowMs() + 5_000));
    await scene.wait(1_100);
    for (const { session } of [...members, short]) scene.core.warmupWitness(session.publicKey);
    await scene.wait(6_000);
    expect(scene.core.state().clients[2]).toMatchObject({ state: "Healthy", carried: false });
    scene.core.witness(short.session.publicKey, report(scene, short));
    await nextEpoch(scene);
    expect(sessions(scene.core.state().clients)).toEqual(sessionsOf(members));
  });

  it("other sessions of an owner stay when one of them goes", async () => {
    const scene = new Scene({ withdrawOnDisconnect: false });
    const members = scene.join(2);
    const [kept, lost] = [0, 1].map(() => Identity.generate({ chainLength: 8 }));
    const { owner } = kept.membership();
    scene.core.attach(kept.session.publicKey);
    const detach = scene.core.attach(lost.session.publicKey);
    for (const identity of [kept, lost]) scene.core.join({ ...identity.membership(), owner }, []);
    await scene.wait(1_100);
    for (const { session } of [...members, kept, lost]) scene.core.warmupWitness(session.publicKey);
    detach();
    await scene.wait(3_000);
    expect(scene.core.state().clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy", "Healthy", "Healthy"]);
    expect(sessions(scene.core.state().pending)).toEqual(sessionsOf([kept]));
    await nextEpoch(scene);
    expect(sessions(scene.core.state().clients)).toEqual(sessionsOf([kept, ...members]));
  });

  it("a fresh chain is taken up with the next epoch; the slot goes on with the one before", async () => {
    const scene = new Scene();
    const [renewed, ...others] = await scene.train(3);
    const before = scene.core.state().clients[0].chainHead;
    const fresh = { ...renewed.membership(), chainHead: new Uint8Array(32).fill(7) };
    scene.core.join(fresh, []);
    expect(scene.core.state().clients[0]).toMatchObject({ chainHead: before, carried: false });
    expect(scene.core.state().pending).toMatchObject([{ chainHead: fresh.chainHead }]);
    scene.core.witness(renewed.session.publicKey, report(scene, renewed));
    expect(scene.core.state().pending).toMatchObject([{ chainHead: fresh.chainHead }]);
    await nextEpoch(scene);
    expect(sessions(scene.core.state().clients)).toEqual(sessionsOf([renewed, ...others]));
    expect(scene.core.state().clients[0].chainHead).toEqual(fresh.chainHead);
  });

  it("a member that joins again with a link it has revealed changes nothing", async () => {
    const scene = new Scene();
    const [member] = await scene.train(3);
    const start = member.membership();
    const message = report(scene, member);
    scene.core.witness(member.session.publicKey, message);
    const { bytes } = scene.core.snapshot();
    scene.core.join({ ...start, chainHead: message.reveal }, []);
    scene.core.join(start, []);
    expect(scene.core.snapshot().bytes).toEqual(bytes);
  });

  it("a pause withdraws everyone from the epoch, and those who are here are in the next", async () => {
    const scene = new Scene();
    const members = await scene.train(3);
    scene.core.setPaused(true);
    await scene.wait(3 * PHASE_MS);
    expect(scene.phase).toBe("Paused");
    expect(scene.core.state().clients.map(({ state }) => state)).toEqual(["Withdrawn", "Withdrawn", "Withdrawn"]);
    expect(sessions(scene.core.state().pending)).toEqual(sessionsOf(members));
  });
});
