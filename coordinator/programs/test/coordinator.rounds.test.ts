/** What clients say while a run trains, what time does, and how points reach their owners. */
import type { Address } from "@solana/kit";
import { MEMBER_BYTES, tableSlot } from "@starling/programs/accounts";
import { Coverage } from "@starling/programs/coverage";
import { Chain, MAX_TRANSACTION_BYTES } from "@starling/programs/harness";
import { Scenario, type ScenarioOptions } from "@starling/programs/scenario";
import { type Call, text, toInstruction, u16, u32, u64, u8 } from "@starling/programs/wire";
import { Machine } from "@starling/sdk/machine";
import { packState } from "@starling/sdk/stateBytes";
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { COVERED, Trial } from "./support.ts";

const coverage = new Coverage("coordinator", COVERED.rounds);
const HASH = createHash("sha256").update("agreed parameters").digest() as Uint8Array;
const MAX = 65_535;
const training = (chain: Chain, options: ScenarioOptions): Scenario => Scenario.training(chain, 4, options);

describe("the coordinator program, while a run trains", () => {
  it("tick makes what is due, by anyone, and nothing else", () => {
    const trial = new Trial(coverage, (chain, options) => Scenario.started(chain, options));
    const { run, other, chain } = trial;
    for (const scenario of [run, other]) scenario.join(scenario.member(0));
    trial.noChange("replay", run.tickCall());
    chain.advance(3);
    const siblings = { table0: run.at.table1, table1: run.at.table0, round: run.at.round1 };
    trial.attack(run.tickCall(), other.tickCall(), { siblings });
    trial.cannot("tick", "overflow", "it has no arguments");
    trial.accept(run.tickCall());
    expect(run.state()).toBe("Warmup");
    expect(run.machine().number("table")).toBe(1);
    trial.noChange("replay", run.tickCall());
    const halted = new Scenario(chain, { runId: "not started" }).create().allocate().configure();
    trial.refuse("wrong state", halted.tickCall(), "Halted");
  });

  it("a slot hash nobody knew before goes into the seeds, and the ticker cannot put another in its place", () => {
    const seeds = ["one", "two"].map((hash) => {
      const run = Scenario.training(new Chain(), 2);
      for (const slot of run.slots()) run.sendWitness(slot);
      run.chain.setSlotHash(createHash("sha256").update(hash).digest());
      run.tick();
      return Buffer.from(run.machine().bytes("following_seed")).toString("hex");
    });
    expect(seeds[0]).not.toBe(seeds[1]);
  });

  it("warmup_witness says that a client is ready", () => {
    const trial = new Trial(coverage, (chain, options) => Scenario.warmup(chain, 3, options));
    const { run, other } = trial;
    const call = run.warmupWitness(1);
    trial.attack(call, other.warmupWitness(1), { siblings: { table: otherTable(run) } });
    trial.refuse("wrong signer", inSlot(call, 2), "NotTheSlotsSession");
    for (const slot of [3, 255, 256, MAX]) trial.refuse("overflow", inSlot(call, slot), "NotTheSlotsSession", "UnknownSlot");
    trial.accept(call);
    expect(run.machine().bytes("warmup_ready")[0]).toBe(0b10);
    trial.noChange("replay", call);
    for (const slot of [0, 2]) run.send(run.warmupWitness(slot));
    run.chain.advance(1);
    run.tick();
    run.witnessRound();
    trial.refuse("wrong state", run.warmupWitness(1), "InvalidRunState");
  });

  it("witness is accepted once from each elected slot, from its own key", () => {
    const trial = new Trial(coverage, training);
    const { run, other } = trial;
    const call = run.witness(2);
    trial.attack(call, other.witness(2), {
      siblings: { table: otherTable(run), round: run.at.round1 },
    });
    trial.refuse("wrong signer", inSlot(call, 1), "NotTheSlotsSession");
    for (const slot of [4, 256, MAX]) trial.refuse("overflow", inSlot(call, slot), "NotTheSlotsSession");
    const filter = new Uint8Array(512);
    trial.refuse("oversized data", run.witness(2, { tail: new Uint8Array(511) }), "WrongMetadata");
    trial.refuse("oversized data", run.witness(2, { tail: new Uint8Array(1) }), "WrongMetadata");
    const at = (offset: number, bytes: Uint8Array): Call => ({ ...call, data: overwritten(call.data, offset, bytes) });
    trial.refuse("overflow", at(3, u32(0xffff_ffff)), "WrongStep");
    trial.refuse("overflow", at(7 + 31, u8(255)), "BitmapTooLong");
    trial.refuse("overflow", at(7 + 64, new Uint8Array(32)), "WrongReveal");
    trial.refuse("overflow", at(7 + 96, HASH), "UnexpectedParameterHash");
    trial.accept(run.witness(2, { tail: Buffer.concat([filter, new Uint8Array(100)]) }));
    const entry = run.round().nested("witnesses", "WitnessHot", 0);
    expect(entry.number("client_index")).toBe(2);
    expect(run.round().number("witnesses_len")).toBe(1);
    trial.refuse("replay", call, "DuplicateWitness");
    const cold = Scenario.warmup(trial.chain, 2, { runId: "warming up" });
    trial.refuse(
      "wrong state",
      cold.call("witness", [u16(0), u32(0), new Uint8Array(128)], { ...cold.ofSlot(0), round: cold.at.round0 }),
      "InvalidRunState",
    );
  });

  it("the largest witness fits a transaction that its session key pays for", () => {
    const run = training(new Chain(), {});
    const tooLarge = run.chain.send(toInstruction(run.witness(3, { tail: new Uint8Array(713) })), run.memberInSlot(3).session);
    expect(tooLarge).toMatchObject({ ok: false, name: "WrongMetadata" });
    const call = run.witness(3, { tail: new Uint8Array(712) });
    const outcome = run.chain.send(toInstruction(call), run.memberInSlot(3).session);
    expect(outcome.ok).toBe(true);
    expect(outcome.transactionBytes).toBeLessThanOrEqual(MAX_TRANSACTION_BYTES);
  });

  it("downloaded counts for the round in progress", () => {
    const trial = new Trial(coverage, training);
    const { run, other } = trial;
    trial.refuse("wrong state", run.downloaded(0, 0), "InvalidRunState");
    for (const scenario of [run, other]) scenario.witnessRound();
    const call = run.downloaded(2, 0b1111);
    trial.attack(call, other.downloaded(2, 0b1111), { siblings: { table: otherTable(run) } });
    trial.refuse("wrong signer", inSlot(call, 1), "NotTheSlotsSession");
    trial.refuse("overflow", run.downloaded(2, 0xffff_ffff), "ListsNotEntered");
    trial.refuse("overflow", inSlot(call, MAX), "NotTheSlotsSession");
    trial.refuse("overflow", run.call("downloaded", [u16(2), u32(0xffff_ffff), u32(0)], run.ofSlot(2)), "WrongStep");
    trial.accept(call);
    const entries = [0, 1, 2, 3].map((index) => run.round().nested("witnesses", "WitnessHot", index));
    expect(entries.find((entry) => entry.number("client_index") === 2)!.number("downloaded")).toBe(1);
    trial.refuse("replay", call, "DuplicateDownloaded");
  });

  it("health_check drops who missed two rounds, and nobody who did not", () => {
    const trial = new Trial(coverage, (chain, options) => {
      const scenario = training(chain, options);
      for (const _ of [1, 2, 3]) {
        for (const slot of [0, 1, 2]) scenario.sendWitness(slot, { batches: [0, 1, 2] });
        chain.advance(1);
        scenario.tick();
        scenario.finishRound();
      }
      return scenario;
    });
    const { run, other } = trial;
    const call = run.healthCheck(0, [3]);
    trial.attack(call, other.healthCheck(0, [3]), { siblings: { table: otherTable(run) }, openEnd: true });
    trial.refuse("oversized data", run.healthCheck(0, Array(17).fill(3)), "TooManySlots");
    trial.refuse("oversized data", { ...call, data: Buffer.concat([call.data, u8(0)]) }, "ShortData");
    trial.refuse("wrong signer", inSlot(call, 1), "NotTheSlotsSession");
    for (const target of [4, 256, MAX]) trial.refuse("overflow", run.healthCheck(0, [target]), "UnknownSlot");
    trial.refuse("overflow", run.healthCheck(0, [3, 1]), "InvalidHealthCheck");
    trial.refuse("overflow", run.healthCheck(0, []), "InvalidHealthCheck");
    trial.accept(call);
    expect(run.machine().bytes("live")[0]).toBe(0b0111);
    const again = trial.chain.fingerprint();
    const outcome = trial.chain.send(toInstruction(call));
    expect(outcome.ok ? "ok" : outcome.name).toMatch(/^(ok|InvalidHealthCheck)$/);
    expect(trial.chain.fingerprint()).toBe(again);
    coverage.count("health_check", "replay");
    const fresh = training(trial.chain, { runId: "fresh" });
    trial.refuse("wrong state", fresh.healthCheck(0, [3]), "TooEarlyForHealthCheck");
  });

  it("report_equivocation ejects at a quorum of reports; the points of the ejected pay, then its bond", () => {
    const trial = new Trial(coverage, training);
    const { run, other, chain } = trial;
    const call = run.reportEquivocation(0, 3);
    const siblings = { table0: run.at.table1, table1: run.at.table0 };
    trial.attack(call, other.reportEquivocation(0, 3), { siblings });
    trial.refuse("wrong signer", inSlot(call, 1), "NotTheSlotsSession");
    for (const target of [4, 256, MAX]) trial.refuse("overflow", run.reportEquivocation(0, target), "UnknownSlot");
    trial.refuse("overflow", run.reportEquivocation(0, 0), "SelfReport");
    trial.accept(call);
    trial.refuse("replay", call, "DuplicateVote");
    trial.accept(run.reportEquivocation(1, 3));
    trial.accept(run.reportEquivocation(2, 3));
    expect(tableSlot(chain.data(run.currentTable()), 3).number("state")).toBe(3);
    expect(chain.mustRefuse(toInstruction(run.joinRun(run.memberInSlot(3))))).toBe("OwnerEjected");
    const ejected = run.memberInSlot(3);
    run.playEpoch();
    run.settleAll();
    const { slashed, ejected: barred } = run.readMember(ejected);
    expect([slashed, barred]).toEqual([700n, true]);
    expect(chain.mustRefuse(toInstruction(run.joinRun(ejected)))).toBe("MemberEjected");
    expect(chain.mustRefuse(toInstruction(run.call("close_member", [], run.of(ejected))))).toBe("MemberEjected");
    const warming = Scenario.warmup(chain, 2, { runId: "warming up" });
    trial.refuse("wrong state", warming.reportEquivocation(0, 1), "InvalidRunState");
  });

  it("a slashed bond pays a lamport a point into the run, when the points do not suffice", () => {
    const chain = new Chain();
    const run = Scenario.started(chain, { config: { initMinClients: 4, slashingRatePerClient: 500_000n, earningRateTotalShared: 0n } });
    for (let index = 0; index < 4; index++) {
      run.send(run.openSession(run.member(index)));
      run.send(run.call("deposit_bond", [u64(300_000n)], run.of(run.member(index))));
      run.send(run.joinRun(run.member(index)));
    }
    toTraining(run);
    const victim = run.memberInSlot(3);
    for (const slot of [0, 1, 2]) run.send(run.reportEquivocation(slot, 3));
    run.playEpoch();
    const before = chain.balance(run.at.run);
    run.settleAll();
    expect(chain.balance(run.at.run) - before).toBe(300_000n);
    expect(run.readMember(victim)).toMatchObject({ bondLamports: 0n, slashed: 200_000n, earned: 0n, ejected: true });
    expect(chain.balance(victim.memberAccount)).toBe(chain.rent(MEMBER_BYTES));
  });

  it("checkpoint says where the agreed parameters are", () => {
    const trial = new Trial(coverage, (chain, options) => {
      const scenario = training(chain, options);
      scenario.playEpoch(HASH);
      return scenario;
    });
    const { run, other } = trial;
    const call = run.checkpoint(1, HASH, "https://example.org/model");
    trial.attack(call, other.checkpoint(1, HASH, "https://example.org/model"), {
      siblings: { table: otherTable(run), session: run.memberInSlot(2).sessionAccount },
    });
    trial.refuse("wrong signer", inSlot(call, 2), "NotTheSlotsSession");
    trial.refuse("overflow", run.checkpoint(1, HASH, "x".repeat(193)), "BadText", "InvalidCheckpointLocation");
    trial.refuse("overflow", run.checkpoint(1, HASH, ""), "BadText", "InvalidCheckpointLocation");
    trial.refuse("overflow", inSlot(call, MAX), "NotTheSlotsSession");
    trial.refuse("overflow", run.call("checkpoint", [u16(1), HASH, u16(MAX)], run.ofSlot(1)), "BadText", "ShortData");
    trial.refuse("wrong state", run.checkpoint(1, new Uint8Array(32).fill(1), "https://example.org"), "WrongCheckpointHash");
    trial.accept(call);
    expect(Buffer.from(run.machine().bytes("checkpoint_hash")).equals(HASH)).toBe(true);
    expect(Buffer.from(run.machine().bytes("checkpoint_location")).toString().replace(/\0+$/, "")).toBe("https://example.org/model");
    run.send(call);
    expect(Buffer.from(run.machine().bytes("checkpoint_hash")).equals(HASH)).toBe(true);
    coverage.count("checkpoint", "replay");
  });

  it("settle moves every point once: what the slots had is what the members have", () => {
    const trial = new Trial(coverage, (chain, options) => {
      const scenario = training(chain, options);
      scenario.playEpoch(HASH);
      return scenario;
    });
    const { run, other, chain } = trial;
    const table = run.machine().number("table");
    const call = run.settle(table, [0, 1, 2]);
    const members = [0, 1, 2, 3].map((slot) => run.memberInSlot(slot));
    const siblings: Record<string, Address> = { table: otherTable(run) };
    for (const index of [0, 1, 2]) siblings[`member${index}`] = members[3].memberAccount;
    trial.attack(call, other.settle(table, [0, 1, 2]), { siblings });
    trial.cannot("settle", "already initialised", "it creates no account");
    for (const index of [2, 255])
      trial.refuse("overflow", { ...call, data: overwritten(call.data, 1, u8(index)) }, "WrongAddress", "UnknownTable");
    for (const slot of [4, 256, MAX]) {
      const wrong = run.call("settle", [u8(table), u16(slot)], run.table(table), [members[0].memberAccount]);
      trial.refuse("overflow", wrong, "UnknownSlot");
    }
    const many = run.call(
      "settle",
      [u8(table), ...Array.from({ length: 21 }, () => u16(0))],
      run.table(table),
      Array(21).fill(members[0].memberAccount),
    );
    trial.refuse("overflow", many, "TooManySlots");
    const earned = [0, 1, 2, 3].map((slot) => tableSlot(chain.data(run.currentTable()), slot).bigint("earned"));
    expect(earned.reduce((sum, points) => sum + points, run.machine().bigint("points_carry"))).toBe(run.config.earningRateTotalShared);
    trial.accept(call);
    trial.noChange("replay", call);
    run.send(run.settle(table, [2, 3, 3])); // one twice, one settled before
    expect(members.map((member) => run.readMember(member).earned)).toEqual(earned);
    expect(run.machine().number("table_unsettled")).toBe(0);

    const live = training(chain, { runId: "live" });
    for (const slot of [0, 1, 2]) live.send(live.reportEquivocation(slot, 3));
    const early = live.settle(live.machine().number("table"), [3]);
    trial.refuse("wrong state", early, "NotSettleable", "InvalidRunState");
  });

  it("the machine that clients run reads the accounts as its own state", () => {
    const run = Scenario.training(new Chain(), 5, { config: { minClients: 1 } });
    run.playRound();
    const machine = Machine.load(packState(run.stateBytes()));
    const state = machine.state();
    expect(state.runState).toBe("RoundTrain");
    expect(state.clients.length).toBe(5);
    expect(state.runId).toBe(run.runId);
    expect(machine.isTickDue(run.chain.nowMs)).toBe(false);
  });

  it("another person's key can do nothing for a member", () => {
    const chain = new Chain();
    const run = training(chain, {});
    const member = run.memberInSlot(1);
    const stranger = chain.funded("a stranger");
    const calls: Call[] = [
      run.witness(1),
      run.healthCheck(1, [2]),
      run.reportEquivocation(1, 2),
      run.joinRun(member),
      run.leaveRun(member),
      run.closeSession(member),
      run.call("withdraw_bond", [u64(1n)], run.of(member)),
      run.call("deposit_bond", [u64(1n)], run.of(member)),
      run.call("close_member", [], run.of(member)),
      run.call("record_claim", [u64(1n)], run.of(member)),
      run.call("refuel", [u64(1n)], run.of(member)),
      run.checkpoint(1, HASH, "https://a"),
      run.setPaused(true),
      run.updateConfig(),
      run.call("write_config", [u16(0), u8(65)]),
      run.call("update_metadata", [u8(1), text("mine")]),
      run.call("set_future_epoch_rates", [u64(0n), u64(0n)]),
      run.call("close_run"),
    ];
    const harm: string[] = [];
    for (const call of calls) {
      const accounts = call.accounts.map((account) => (account.signer ? { ...account, address: stranger.address } : account));
      harm.push(`${call.name}: ${chain.mustRefuse(toInstruction({ ...call, accounts }))}`);
    }
    // its tick is as good as anyone's: it makes what is due
    const before = chain.fingerprint();
    run.send(run.tickCall());
    expect(chain.fingerprint()).toBe(before);
    expect(
      harm.every((line) => /NotTheSlotsSession|WrongKey|NotMember|NotTheAuthority|SessionNotExpired/.test(line)),
      harm.join("\n"),
    ).toBe(true);
  });

  it("leaves no check out", () => {
    expect(coverage.missing()).toEqual([]);
  });
});

afterAll(() => console.log(coverage.table()));

/** The same call for another slot, by the same key. */
function inSlot(call: Call, slot: number): Call {
  return { ...call, data: overwritten(call.data, 1, u16(slot)) };
}

function otherTable(run: Scenario): Address {
  return run.at[`table${run.machine().number("table") ^ 1}`];
}

function overwritten(data: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const changed = data.slice();
  changed.set(bytes, offset);
  return changed;
}

/** From WaitingForMembers with enough members. */
function toTraining(run: Scenario): void {
  run.chain.advance(3);
  run.tick();
  for (const slot of run.slots()) run.send(run.warmupWitness(slot));
  run.chain.advance(1);
  run.tick();
}
