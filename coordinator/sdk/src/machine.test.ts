import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Machine, MachineError, checkConfig } from "./machine.ts";
import { type MachineConfig, type Member, NEVER_EXPIRES, type WitnessMessage } from "./types.ts";

const CONFIG: MachineConfig = {
  warmupMs: 1000n,
  cooldownMs: 500n,
  maxRoundTrainMs: 2000n,
  roundWitnessMs: 300n,
  epochMs: 1_000_000n,
  waitingForMembersExtraMs: 100n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 3,
  totalSteps: 100,
  initMinClients: 3,
  minClients: 2,
  witnessNodes: 0,
  globalBatchSizeStart: 7,
  globalBatchSizeEnd: 7,
  maxSeqLen: 128,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9000,
  stragglerGraceBps: 2500,
  earningRateTotalShared: 100n,
  slashingRatePerClient: 10n,
};

const CHAIN_LINKS = 64;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** A member and its sha256 chain; `links` is popped as it reveals. */
class Participant {
  readonly member: Member;
  readonly links: Uint8Array[];

  constructor(id: number) {
    this.links = [filled(id)];
    for (let link = 0; link < CHAIN_LINKS; link += 1) this.links.push(sha256(this.links.at(-1)!));
    const keys = { owner: filled(id), session: filled(id + 64), peerId: filled(id + 128) };
    this.member = { ...keys, chainHead: this.links.pop()!, expiresMs: NEVER_EXPIRES };
  }
}

class Scene {
  machine: Machine;
  now = 1_000_000n;
  readonly participants: Participant[];

  constructor(count: number, config: Partial<MachineConfig> = {}) {
    this.machine = Machine.create("test-run", { ...CONFIG, ...config }, this.now);
    this.participants = Array.from({ length: count }, (_, id) => new Participant(id + 1));
    this.machine.start(this.now);
    for (const { member } of this.participants) this.machine.join(member, this.now);
  }

  tick(laterMs = 1n) {
    this.now += laterMs;
    // Through its bytes, as every client sees it.
    this.machine = Machine.load(this.machine.bytes());
    return this.machine.tick(this.now, filled(Number(this.now % 251n)));
  }

  beginTraining(): void {
    expect(this.tick(100n)).toBe("moved");
    for (const client of this.machine.state().clients) this.machine.warmupWitness(client.index, this.now);
    expect(this.tick()).toBe("moved");
    expect(this.machine.state().runState).toBe("RoundTrain");
  }

  message(slot: number, over: Partial<WitnessMessage> = {}): WitnessMessage {
    const { step, rounds } = this.machine.state();
    const bitmap = new Uint8Array(32);
    for (const { batch } of this.machine.assignment(rounds.at(-1)!.height)) bitmap[batch >> 3]! |= 1 << (batch & 7);
    const reveal = this.participants[slot]!.links.pop()!;
    return { step, bitmap, listRoot: filled(9), reveal, parameterHash: filled(0), ...over };
  }

  /** Everybody takes part in the round in progress. */
  round(parameterHash = filled(0)): void {
    const { step, clients } = this.machine.state();
    for (const client of clients) {
      this.machine.witness(client.index, this.message(client.index, { parameterHash }), this.now);
    }
    expect(this.machine.isTickDue(this.now)).toBe(true);
    expect(this.tick()).toBe("moved");
    expect(this.machine.state().runState).toBe("RoundWitness");
    const held = 2 ** clients.length - 1;
    for (const client of clients) this.machine.downloaded(client.index, step, held, this.now);
    expect(this.tick()).toBe("moved");
  }
}

describe("a run through wasm", () => {
  test("trains an epoch, drains it, agrees on the parameters and pays", () => {
    const scene = new Scene(3);
    scene.beginTraining();
    for (let round = 0; round < 3; round += 1) scene.round();
    let state = scene.machine.state();
    expect(state).toMatchObject({ step: 4, lastStep: 6, runState: "RoundTrain" });
    expect(state.rounds.map((round) => round.drain)).toEqual([false, false, false, true]);
    expect(scene.machine.assignment(3)).toEqual([]);
    scene.round();
    scene.round(filled(77));
    expect(scene.machine.state().runState).toBe("Cooldown");
    expect(scene.tick(500n)).toBe("epoch-succeeded");
    state = scene.machine.state();
    expect(state).toMatchObject({ runState: "WaitingForMembers", epoch: 1, step: 6, epochStartDataIndex: 21n, parameterHashEpoch: 0 });
    expect(state.parameterHash).toEqual(filled(77));
    expect(state.clients.map((client) => client.earned)).toEqual([33n, 33n, 33n]);
    expect(state.clients.map((client) => client.roundsTrained)).toEqual([3, 3, 3]);
    expect(state.rounds).toEqual([]);
    scene.machine.checkpoint("hub:starling/test", filled(77));
    expect(scene.machine.state().checkpoint).toEqual({ location: "hub:starling/test", parameterHash: filled(77), epoch: 0 });
    scene.beginTraining();
    scene.round();
  });

  test("splits every sequence of a round among the live clients, once", () => {
    const scene = new Scene(5, { globalBatchSizeStart: 13, globalBatchSizeEnd: 13 });
    scene.beginTraining();
    const batches = scene.machine.assignment(0);
    expect(batches.map((batch) => Number(batch.end - batch.start) + 1)).toEqual([3, 3, 3, 2, 2]);
    expect(batches.map((batch) => batch.batch)).toEqual([0, 1, 2, 3, 4]);
    expect(batches.map((batch) => batch.clientIndex).toSorted()).toEqual([0, 1, 2, 3, 4]);
    expect(batches.map((batch) => batch.start)).toEqual([0n, 3n, 6n, 9n, 11n]);
    const elected = scene.machine.elected(0);
    expect(elected.map((each) => each.position).toSorted()).toEqual([0, 1, 2, 3, 4]);
    expect(scene.machine.quorum(0)).toBe(4);
  });

  test("decodes what a witness sent", () => {
    const scene = new Scene(3);
    scene.beginTraining();
    const message = scene.message(1);
    scene.machine.witness(1, message, scene.now);
    const [entry] = scene.machine.state().rounds[0]!.witnesses;
    expect(entry).toEqual({
      clientIndex: 1,
      position: scene.machine.elected(0).find((each) => each.clientIndex === 1)!.position,
      bitmap: message.bitmap,
      listRoot: message.listRoot,
      reveal: message.reveal,
      parameterHash: filled(0),
      listsHeld: null,
    });
    expect(scene.machine.state().clients[1]!.chainHead).toEqual(message.reveal);
  });

  test("who joined waits in order, is carried over, leaves, and is settled once", () => {
    const scene = new Scene(3);
    expect(scene.machine.state().pending).toEqual(scene.participants.map(({ member }) => member));
    expect(scene.machine.join(scene.participants[1]!.member, scene.now)).toBe(false);
    scene.beginTraining();
    const late = new Participant(9).member;
    expect(scene.machine.join(late, scene.now)).toBe(true);
    expect(scene.machine.state()).toMatchObject({ pending: [late], clients: [{ carried: true }, { carried: true }, { carried: true }] });
    for (let round = 0; round < 4; round += 1) scene.round();
    scene.round(filled(77));
    expect(scene.tick(500n)).toBe("epoch-succeeded");
    const [first] = scene.machine.state().clients;
    scene.machine.leave(first!.session);
    expect(scene.tick(100n)).toBe("moved");
    const table = 0;
    expect(scene.machine.state().clients.map(({ session }) => session[0])).toEqual([late.session[0], 66, 67]);
    const paid = [0, 1].flatMap((which) => {
      try {
        return [scene.machine.settle(which as 0 | 1, table)];
      } catch {
        return [];
      }
    });
    expect(paid).toEqual([{ earned: 33n, slashed: 0n, ejected: false }]);
    expect(scene.machine.settleAll()).toBe(2);
    expect(scene.machine.settleAll()).toBe(0);
  });

  test("finds slots by key", () => {
    const scene = new Scene(3);
    scene.beginTraining();
    expect(scene.machine.slotOfSession(filled(66))).toBe(1);
    expect(scene.machine.slotOfPeer(filled(131))).toBe(2);
    expect(scene.machine.slotOfPeer(filled(66))).toBeNull();
  });
});

describe("refusals", () => {
  const code = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      if (error instanceof MachineError) return error.code;
      throw error;
    }
    return "accepted";
  };

  test("are typed and change nothing", () => {
    const scene = new Scene(3);
    scene.beginTraining();
    scene.machine.witness(0, scene.message(0), scene.now);
    const before = scene.machine.bytes();
    const { machine } = scene;
    expect(code(() => machine.witness(0, scene.message(0), scene.now))).toBe("DuplicateWitness");
    expect(code(() => machine.witness(1, scene.message(1, { step: 99 }), scene.now))).toBe("WrongStep");
    expect(code(() => machine.witness(1, scene.message(1, { reveal: filled(5) }), scene.now))).toBe("WrongReveal");
    expect(code(() => machine.witness(1, scene.message(1, { bitmap: filled(255) }), scene.now))).toBe("BitmapTooLong");
    expect(code(() => machine.witness(1, scene.message(1, { parameterHash: filled(1) }), scene.now))).toBe("UnexpectedParameterHash");
    expect(code(() => machine.witness(3, scene.message(1), scene.now))).toBe("UnknownSlot");
    expect(code(() => machine.witness(2 ** 32, scene.message(1), scene.now))).toBe("BadArgument");
    expect(code(() => machine.witness(1, scene.message(1, { listRoot: new Uint8Array(31) }), scene.now))).toBe("BadArgument");
    expect(code(() => machine.downloaded(0, 1, 1, scene.now))).toBe("InvalidRunState");
    expect(code(() => machine.healthCheck(0, [1], scene.now))).toBe("TooEarlyForHealthCheck");
    expect(code(() => machine.reportEquivocation(0, 0, scene.now))).toBe("SelfReport");
    expect(code(() => machine.resume(scene.now))).toBe("CannotResume");
    expect(code(() => machine.start(scene.now))).toBe("AlreadyStarted");
    expect(code(() => machine.updateConfig(CONFIG))).toBe("NotHalted");
    expect(code(() => machine.checkpoint("x", filled(1)))).toBe("WrongCheckpointHash");
    expect(code(() => machine.assignment(1))).toBe("UnknownRound");
    expect(code(() => machine.join({ ...scene.participants[0]!.member, expiresMs: scene.now }, scene.now))).toBe("SessionExpired");
    expect(code(() => machine.join({ ...scene.participants[0]!.member, session: filled(1) }, scene.now))).toBe("PeerTaken");
    expect(code(() => machine.join({ ...scene.participants[0]!.member, session: filled(1).subarray(1) }, scene.now))).toBe("BadArgument");
    expect(code(() => machine.leave(filled(1)))).toBe("NotMember");
    expect(code(() => machine.withdrawCarry(filled(99)))).toBe("NotMember");
    expect(code(() => machine.settle(0, 0))).not.toBe("accepted");
    expect(machine.bytes()).toEqual(before);
  });

  test("a config tells every broken rule at once", () => {
    expect(checkConfig(CONFIG)).toEqual([]);
    const broken = checkConfig({ ...CONFIG, warmupMs: 2_000_000n, witnessNodes: 33, verificationPercent: 10 });
    expect(broken.map((error) => error.code)).toEqual([
      "WarmupTooLong",
      "MoreWitnessesThanClients",
      "TooManyWitnesses",
      "VerificationUnsupported",
    ]);
    expect(code(() => checkConfig({ ...CONFIG, minClients: 65536 }))).toBe("BadArgument");
    expect(code(() => Machine.create("x".repeat(33), CONFIG, 0n))).toBe("InvalidRunId");
    expect(code(() => Machine.create("", CONFIG, 0n))).toBe("InvalidRunId");
    expect(code(() => Machine.create("ok", { ...CONFIG, cooldownMs: 0n }, 0n))).toBe("CooldownTooShort");
  });

  test("load takes nothing but a whole, sound state", () => {
    const scene = new Scene(3);
    scene.beginTraining();
    const bytes = scene.machine.bytes();
    expect(bytes.length).toBeLessThan(4096);
    expect(Machine.load(bytes).state()).toEqual(scene.machine.state());
    expect(code(() => Machine.load(bytes.subarray(0, bytes.length - 1)))).toBe("WrongStateSize");
    expect(code(() => Machine.load(new Uint8Array(0)))).toBe("WrongStateSize");
    expect(code(() => Machine.load(new Uint8Array([...bytes, 0, 0, 0, 0, 0])))).toBe("WrongStateSize");
    let refused = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      const damaged = bytes.slice();
      damaged[index]! ^= 0xff;
      const outcome = code(() => {
        const machine = Machine.load(damaged);
        machine.state();
        machine.elected(0);
        machine.assignment(0);
        machine.isTickDue(scene.now);
      });
      expect(outcome).not.toBe("BadArgument");
      if (outcome !== "accepted") refused += 1;
    }
    expect(refused).toBeGreaterThan(100);
  });

  test("a halted run does not tick", () => {
    const machine = Machine.create("idle", CONFIG, 0n);
    expect(machine.isTickDue(10_000n)).toBe(false);
    expect(code(() => machine.tick(10_000n, filled(0)))).toBe("Halted");
  });
});
