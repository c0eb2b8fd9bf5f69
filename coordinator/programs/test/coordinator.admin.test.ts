/** What a run's creator does, and what nobody else can. */
import { MACHINE_OFFSET, readRunHeader, TABLE_BYTES } from "@starling/programs/accounts";
import { Coverage } from "@starling/programs/coverage";
import { Chain, SYSTEM_PROGRAM } from "@starling/programs/harness";
import { Scenario } from "@starling/programs/scenario";
import { key, text, toInstruction, u16, u32, u64, u8 } from "@starling/programs/wire";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { encodeConfig } from "@starling/sdk/stateCodec";
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { COVERED, Trial } from "./support.ts";

const coverage = new Coverage("coordinator", COVERED.admin);
const created = (chain: Chain, options: object): Scenario => new Scenario(chain, options).create();
const allocated = (chain: Chain, options: object): Scenario => created(chain, options).allocate();
const configured = (chain: Chain, options: object): Scenario => allocated(chain, options).configure();
const started = (chain: Chain, options: object): Scenario => Scenario.started(chain, options);

describe("the coordinator program, for the creator of a run", () => {
  it("create_run makes all accounts of a run at their addresses", () => {
    const trial = new Trial(coverage, (chain, options) => new Scenario(chain, options));
    const { run, other, chain } = trial;
    other.create();
    const names = ["run", "config", "table0", "table1", "round0", "round1", "round2", "round3"];
    const call = run.createRun();
    trial.attack(call, other.createRun(), { creates: names, allow: { "wrong signer": "anyone may create a run; the payer only pays" } });
    const head = [text("x".repeat(33)), text("n"), text("d"), text("v")];
    const tail = [key(run.creator.address), key(run.creator.address), key(chain.programs.authorizer), u64(0n)];
    trial.refuse("overflow", run.call("create_run", [...head, ...tail]), "BadText", "InvalidRunId");
    trial.refuse("overflow", run.call("create_run", [text(""), ...head.slice(1), ...tail]), "BadText", "InvalidRunId");
    trial.refuse("overflow", run.call("create_run", [text(run.runId), text("n".repeat(65)), ...head.slice(2), ...tail]), "BadText");
    trial.refuse("overflow", run.call("create_run", [text(run.runId), text("n"), text("d".repeat(281)), head[3], ...tail]), "BadText");
    trial.refuse("overflow", run.call("create_run", [u16(65_535), new Uint8Array(40)]), "BadText", "ShortData");
    trial.cannot("create_run", "wrong state", "a run that does not exist has no state");

    for (const name of names) chain.write(run.at[name], { owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: 1n }); // nobody can block it so
    trial.accept(call);
    const header = readRunHeader(chain.data(run.at.run));
    expect(Buffer.from(header.mainAuthority).equals(run.creator.bytes)).toBe(true);
    expect(Buffer.from(header.joinAuthority).equals(run.joinAuthority.bytes)).toBe(true);
    expect(header.createdMs).toBe(chain.nowMs);
    for (const name of names) {
      const account = chain.account(run.at[name])!;
      expect(account.programAddress).toBe(chain.programs.coordinator);
      expect(account.lamports).toBe(chain.rent(account.data.length));
    }
    trial.refuse("replay", call, "AlreadyInitialized");
  });

  it("allocate grows a table to its size, by anyone's money", () => {
    const trial = new Trial(coverage, created);
    const { run, other, chain } = trial;
    const call = run.call("allocate", [u8(1)], { ...run.table(1), payer: chain.funded("a passer-by").address });
    trial.attack(call, other.call("allocate", [u8(1)], other.table(1)), {
      siblings: { table: run.at.table0 },
      allow: { "wrong signer": "anyone may pay for it", "wrong kind the size of table": "a table grows step by step" },
    });
    for (const table of [2, 255])
      trial.refuse("overflow", run.call("allocate", [u8(table)], run.table(1)), "BadArgument", "UnknownTable", "WrongAddress");
    let before = chain.account(run.at.table1)!.data.length;
    while (before < TABLE_BYTES) {
      trial.accept(call, { changesRun: false });
      const account = chain.account(run.at.table1)!;
      expect(account.data.length).toBe(Math.min(before + 10_240, TABLE_BYTES));
      expect(account.lamports).toBe(chain.rent(account.data.length));
      before = account.data.length;
    }
    trial.noChange("replay", call);
    trial.cannot("allocate", "wrong state", "tables may be completed in any state");
  });

  it("write_config stages a text, update_config applies what has its hash", () => {
    const trial = new Trial(coverage, allocated);
    const { run, other, chain } = trial;
    const [first, ...rest] = run.writeConfig();
    trial.attack(first, other.writeConfig()[0], { openEnd: true, shortestData: 4 });
    coverage.cannot("write_config", "oversized data", "the text runs to the end of the data; its bound is tried as overflow");
    trial.refuse("overflow", run.call("write_config", [u16(8_192), u8(1)]), "ConfigTooLong", "BadArgument");
    trial.refuse("overflow", run.call("write_config", [u16(65_535), new Uint8Array(400)]), "ConfigTooLong", "BadArgument");
    trial.accept(first);
    for (const call of rest) trial.accept(call);

    const update = run.updateConfig();
    for (const call of other.writeConfig()) other.send(call);
    trial.attack(update, other.updateConfig(), { siblings: { table0: run.at.table1, table1: run.at.table0 } });
    const hash = createHash("sha256").update(run.toml).digest();
    trial.refuse("overflow", run.call("update_config", [u16(8_193), hash, encodeConfig(run.config)]), "ConfigTooLong", "WrongConfigHash");
    trial.refuse("overflow", run.call("update_config", [u16(65_535), hash, encodeConfig(run.config)]), "ConfigTooLong", "WrongConfigHash");
    const wrong = run.call("update_config", [u16(run.toml.length), new Uint8Array(32), encodeConfig(run.config)]);
    trial.refuse("overflow", wrong, "WrongConfigHash");
    trial.refuse("overflow", run.updateConfig({ totalSteps: 0 }), "NoTotalSteps");
    trial.refuse("overflow", run.updateConfig({ cooldownMs: 1_500n }), "FractionalTime");
    trial.refuse("overflow", run.updateConfig({ epochMs: 2n ** 64n - 1n }), "TimeTooLong", "FractionalTime");
    trial.refuse("wrong state", run.setPaused(false), "ConfigNotApplied", "NotConfigured");
    trial.accept(update);
    expect(run.state()).toBe("Uninitialized");
    const { configSha256 } = readRunHeader(chain.data(run.at.run));
    expect(Buffer.from(configSha256).equals(hash)).toBe(true);
    expect(Buffer.from(run.machine().bytes("run_id")).toString()).toBe(run.runId.padEnd(32, "\0"));
    // the same text and config again is a change of nothing but the nonce, or none: either way the run is as it was
    run.send(update);
    expect(Buffer.from(readRunHeader(chain.data(run.at.run)).configSha256).equals(hash)).toBe(true);
    coverage.count("update_config", "replay");
    run.send(first); // staging anew takes the old text out of force
    expect(readRunHeader(chain.data(run.at.run)).configSha256).toEqual(new Uint8Array(32));
    coverage.count("write_config", "replay");
    for (const call of rest) run.send(call);
    run.send(update);

    run.send(run.setPaused(false));
    trial.refuse("wrong state", first, "NotHalted");
    trial.refuse("wrong state", update, "NotHalted");
  });

  it("update_config needs complete tables", () => {
    const trial = new Trial(coverage, created);
    for (const call of trial.run.writeConfig()) trial.run.send(call);
    trial.refuse("wrong state", trial.run.updateConfig(), "TableIncomplete");
  });

  it("update_metadata changes what its flags name", () => {
    const trial = new Trial(coverage, configured);
    const { run, other, chain } = trial;
    const bond = 123_456n;
    const fields = [text("New name"), text("New words"), text("starling 9"), u64(1n), u64(2n), key(run.creator.address), u64(bond)];
    const call = run.call("update_metadata", [u8(127), ...fields]);
    trial.attack(call, other.call("update_metadata", [u8(127), ...fields]));
    trial.refuse("overflow", run.call("update_metadata", [u8(128)]), "BadArgument", "NothingToUpdate", "TrailingData");
    trial.refuse("overflow", run.call("update_metadata", [u8(1), text("n".repeat(65))]), "BadText");
    trial.refuse("overflow", run.call("update_metadata", [u8(0)]), "NothingToUpdate", "BadArgument");
    trial.accept(call);
    const header = readRunHeader(chain.data(run.at.run));
    expect(header.minBondLamports).toBe(bond);
    expect(Buffer.from(header.joinAuthority).equals(run.creator.bytes)).toBe(true);
    const config = chain.data(run.at.config);
    expect(Buffer.from(config.subarray(48, 56)).toString()).toBe("New name");
    trial.accept(call); // again: as it was
    coverage.count("update_metadata", "replay");
    trial.cannot("update_metadata", "wrong state", "texts, and who lets owners in, may change in any state");
  });

  it("set_paused starts, pauses and resumes", () => {
    const trial = new Trial(coverage, configured);
    const { run, other, chain } = trial;
    const resume = run.setPaused(false);
    const siblings = { table0: run.at.table1, table1: run.at.table0 };
    trial.attack(resume, other.setPaused(false), { siblings });
    trial.refuse("overflow", run.call("set_paused", [u8(2)]), "BadArgument");
    trial.refuse("wrong state", run.setPaused(true), "Halted", "InvalidRunState", "NotConfigured");
    trial.accept(resume);
    expect(run.state()).toBe("WaitingForMembers");
    trial.refuse("replay", resume, "AlreadyStarted", "CannotResume");
    trial.attack(run.setPaused(true), other.setPaused(true), { siblings });
    trial.accept(run.setPaused(true));
    expect(run.state()).toBe("Paused");
    trial.refuse("replay", run.setPaused(true), "Halted", "AlreadyPausing");
    chain.advance(5);
    trial.accept(run.setPaused(false));
    expect(run.state()).toBe("WaitingForMembers");
  });

  it("set_paused of a run that trains drains it first", () => {
    const run = Scenario.training(new Chain(), 3);
    run.playRound();
    run.playRound();
    run.send(run.setPaused(true));
    expect(run.machine().number("pending_pause")).toBe(1);
    expect(run.chain.mustRefuse(toInstruction(run.setPaused(true)))).toBe("AlreadyPausing");
    while (run.state() !== "Paused") {
      if (run.state() === "RoundTrain") run.playRound(run.isLastDrainRound() ? { parameterHash: new Uint8Array(32).fill(9) } : {});
      else {
        run.chain.advance(6);
        run.tick();
      }
    }
    expect(Buffer.from(run.machine().bytes("parameter_hash")).equals(Buffer.alloc(32, 9))).toBe(true);
  });

  it("set_future_epoch_rates takes effect with the next epoch", () => {
    const trial = new Trial(coverage, started);
    const { run, other } = trial;
    const call = run.call("set_future_epoch_rates", [u64(77n), u64(5n)]);
    trial.attack(call, other.call("set_future_epoch_rates", [u64(77n), u64(5n)]));
    trial.refuse("overflow", run.call("set_future_epoch_rates", [u64(2n ** 63n), u64(0n)]), "EarningRateTooHigh");
    trial.refuse("overflow", run.call("set_future_epoch_rates", [u64(0n), u64(2n ** 64n - 1n)]), "SlashingRateTooHigh");
    trial.accept(call);
    const config = run.machine().nested("config", "Config");
    expect([config.bigint("earning_rate_total_shared"), config.bigint("slashing_rate_per_client")]).toEqual([77n, 5n]);
    expect(run.machine().bigint("epoch_earning_rate")).not.toBe(77n);
    run.send(call);
    coverage.count("set_future_epoch_rates", "replay");
    const unconfigured = allocated(trial.chain, { runId: "not configured" });
    trial.refuse("wrong state", unconfigured.call("set_future_epoch_rates", [u64(77n), u64(5n)]), "NotConfigured");
  });

  it("fund limits what epochs promise, from the first call on", () => {
    const trial = new Trial(coverage, started);
    const { run, other, chain } = trial;
    const unpromised = (): bigint => readRunHeader(chain.data(run.at.run)).unpromisedPoints;
    const fund = (points: bigint) => run.call("fund", [u64(points)]);
    expect(unpromised()).toBe(2n ** 64n - 1n);
    trial.attack(fund(5n), other.call("fund", [u64(5n)]));
    trial.accept(fund(0n));
    expect(unpromised()).toBe(0n);
    trial.accept(fund(5n));
    run.send(fund(6n));
    coverage.count("fund", "replay");
    expect(unpromised()).toBe(11n);
    // a sum stops below the value that means no limit
    trial.accept(fund(2n ** 64n - 1n));
    coverage.count("fund", "overflow");
    expect(unpromised()).toBe(2n ** 64n - 2n);
    trial.cannot("fund", "wrong state", "a run may be funded whatever it does");
    const unconfigured = allocated(chain, { runId: "not configured" });
    unconfigured.send(unconfigured.call("fund", [u64(1n)]));
  });

  it("record_claim takes what a member has earned, once", () => {
    const trial = new Trial(coverage, (chain, options) => {
      const scenario = Scenario.training(chain, 3, options);
      scenario.playEpoch();
      scenario.send(scenario.settle(scenario.machine().number("table"), scenario.slots()));
      return scenario;
    });
    const { run, other, chain } = trial;
    const member = run.members[1];
    const { earned } = run.readMember(member);
    expect(earned).toBeGreaterThan(300_000n);
    const claim = (points: bigint) => run.call("record_claim", [u64(points)], run.of(member));
    trial.attack(claim(1n), other.call("record_claim", [u64(1n)], other.of(other.members[1])));
    trial.refuse("overflow", claim(earned + 1n), "NotEnoughPoints");
    trial.refuse("overflow", claim(2n ** 64n - 1n), "NotEnoughPoints");
    const before = chain.balance(member.memberAccount);
    const unclaimed = run.members.reduce((sum, each) => sum + run.readMember(each).earned, 0n);
    expect(readRunHeader(chain.data(run.at.run)).unclaimedPoints).toBe(unclaimed);
    trial.accept(claim(earned - 1n));
    expect(readRunHeader(chain.data(run.at.run)).unclaimedPoints).toBe(unclaimed - earned + 1n);
    expect(run.readMember(member)).toMatchObject({ earned, claimed: earned - 1n });
    expect(chain.balance(member.memberAccount)).toBe(before);
    trial.refuse("replay", claim(earned - 1n), "NotEnoughPoints");
    trial.cannot("record_claim", "wrong state", "what is earned is earned, whatever the run does");
  });

  it("close_run gives all rent back, once everything is settled", () => {
    const trial = new Trial(coverage, (chain, options) => {
      const scenario = Scenario.training(chain, 2, options);
      scenario.playEpoch();
      return scenario;
    });
    const { run, other, chain } = trial;
    const spill = chain.keys.key("spill").address;
    const call = run.call("close_run", [], { spill });
    trial.refuse("wrong state", call, "RunStillOpen");
    for (const scenario of [run, other]) scenario.send(scenario.setPaused(true));
    trial.refuse("wrong state", call, "Unsettled");
    for (const scenario of [run, other]) scenario.send(scenario.settle(scenario.machine().number("table"), scenario.slots()));
    const siblings = { table0: run.at.table1, table1: run.at.table0, round1: run.at.round2 };
    const allow = {
      "wrong kind the size of table0": "a table may be closed while it grows",
      "wrong kind the size of table1": "a table may be closed while it grows",
    };
    trial.attack(call, other.call("close_run", [], { spill }), { siblings, allow });
    trial.cannot("close_run", "overflow", "it has no arguments");
    const addresses = Object.values(run.at);
    const rent = addresses.reduce((sum, address) => sum + chain.balance(address), 0n);
    trial.accept(call);
    expect(chain.balance(spill)).toBe(rent);
    for (const address of addresses) expect(chain.balance(address)).toBe(0n);
    expect(chain.account(other.at.run)).not.toBeNull();
    trial.refuse("replay", call, "Uninitialized");
    // the id is free again
    const again = new Scenario(chain, { runId: run.runId }).create();
    expect(chain.data(again.at.run).length).toBe(MACHINE_OFFSET.run + LAYOUT.Run.bytes);
  });

  it("what names no instruction is refused", () => {
    const run = started(new Chain(), {});
    for (const discriminator of [27, 100, 255]) {
      const call = { ...run.tickCall(), data: u8(discriminator) };
      expect(run.chain.mustRefuse(toInstruction(call))).toBe("UnknownInstruction");
    }
    expect(run.chain.mustRefuse(toInstruction({ ...run.tickCall(), data: u32(12) }))).toBe("TrailingData");
  });

  it("leaves no check out", () => {
    expect(coverage.missing()).toEqual([]);
  });
});

afterAll(() => console.log(coverage.table()));
