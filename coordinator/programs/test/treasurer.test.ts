/** The program `treasurer`: what a run pays, to whom, and who may act for the run. */
import type { Address } from "@solana/kit";
import { readRunHeader } from "@starling/programs/accounts";
import { someAddress } from "@starling/programs/attack";
import { Coverage } from "@starling/programs/coverage";
import { SYSTEM_PROGRAM } from "@starling/programs/harness";
import { addressBytes } from "@starling/programs/pda";
import { toInstruction, u16, u64, u8 } from "@starling/programs/wire";
import { describe, expect, it } from "vitest";
import {
  ataAddress,
  mintBytes,
  TOKEN_2022_PROGRAM,
  TOKEN_PROGRAM,
  tokenBytes,
  TREASURER_INSTRUCTIONS,
  TreasuryRun,
  withAccounts,
} from "./treasurer.calls.ts";
import { claimable, paidScene, Scene, settleAndPause } from "./treasurer.scene.ts";

const coverage = new Coverage("treasurer", TREASURER_INSTRUCTIONS);
const DAY_SECONDS = 24 * 60 * 60;
const TREASURY_BYTES = 168;
const PARTICIPANT_BYTES = 80;

describe("the treasurer program", () => {
  it("create_run makes a run, its treasury and its vault", () => {
    const scene = new Scene(coverage);
    const { chain, run, other } = scene;
    const call = run.createRun();
    const made = ["treasury", "run", "config", "table0", "table1", "round0", "round1", "round2", "round3"];
    scene.attack(call, other.createRun(), {
      creates: made,
      allow: {
        "wrong signer authority": "the signer only pays; the treasury's authority is named in the data",
        "wrong signer payer": "the payer only pays",
        "oversized data 300 more": "no transaction is that large",
      },
    });
    scene.refuse("wrong PDA", withAccounts(call, { vault: someAddress("not the vault") }), "InvalidSeeds");
    scene.refuse("wrong PDA", withAccounts(call, { vault: other.vault }), "InvalidSeeds");
    scene.refuse("wrong owner", withAccounts(call, { mint: run.scenario.creator.address }), "WrongTokenProgram");
    scene.refuse("wrong owner", withAccounts(call, { token_program: TOKEN_2022_PROGRAM }), "WrongTokenProgram");
    scene.refuseToken("wrong state", call, "mint", new Uint8Array(82), "UnsupportedMint");
    scene.refuseToken("wrong state", call, "mint", tokenBytes({ mint: run.mint, owner: run.authority, units: 0n }), "UnsupportedMint");

    // neither lamports nor a vault made by somebody else stand in the way
    chain.write(run.treasury, { owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: 1n });
    run.fundToken(run.treasury, 5n);
    scene.accept(call);
    scene.accept(other.createRun());
    expect(chain.account(run.treasury)!.lamports).toBe(chain.rent(TREASURY_BYTES));
    expect(run.read()).toMatchObject({ claimedPoints: 0n, claimedUnits: 0n, toppedUpUnits: 0n, closed: 0 });
    expect(Buffer.from(run.read().mainAuthority).equals(run.scenario.creator.bytes)).toBe(true);
    const header = readRunHeader(chain.data(run.scenario.at.run));
    expect(Buffer.from(header.mainAuthority).toString("hex")).toBe(Buffer.from(keyOf(run.treasury)).toString("hex"));
    expect(run.units(run.vault)).toBe(5n);
    expect(run.units(other.vault === run.vault ? run.vault : other.vault)).toBe(0n);
    scene.refuse("replay", call, "AlreadyInitialized");
    coverage.cannot("create_run", "overflow", "texts too long are refused by the coordinator, whose tests try them");
  });

  it("create_run takes no mint of which a transfer could move something else", () => {
    const scene = new Scene(coverage, { tokenProgram: TOKEN_2022_PROGRAM });
    const { chain, run } = scene;
    const extension = (kind: number, value: Uint8Array): Uint8Array => Buffer.concat([u16(kind), u16(value.length), value]);
    const setMint = (data: Uint8Array): void => chain.write(run.mint, { owner: TOKEN_2022_PROGRAM, data });
    // transfer fee, closable, frozen by default, not transferable, permanent delegate, hook, one that does not exist yet
    for (const [kind, value] of [
      [1, new Uint8Array(108)],
      [3, new Uint8Array(32)],
      [6, u8(2)],
      [9, new Uint8Array()],
      [12, new Uint8Array(32)],
      [14, new Uint8Array(64)],
      [999, new Uint8Array(8)],
    ] as const) {
      setMint(mintBytes(extension(kind, value)));
      scene.refuse("wrong state", run.createRun(), "UnsupportedMint");
    }
    setMint(mintBytes(extension(18, new Uint8Array(64)))); // a pointer to metadata harms nobody
    scene.accept(run.createRun());
    expect(run.units(run.vault)).toBe(0n);
  });

  it("create_run gives nobody another program's run", () => {
    const scene = new Scene(coverage);
    const { run, chain } = scene;
    // a "coordinator" that creates nothing: the system program takes the call's bytes for its own and refuses, the authorizer too
    for (const program of [SYSTEM_PROGRAM, chain.programs.authorizer, chain.programs.treasurer]) {
      expect(() => run.send(withAccounts(run.createRun(), { coordinator_program: program }))).toThrow(/refused/);
    }
    expect(chain.account(run.treasury)).toBeNull();
  });

  it("forward acts for the run's authority, and only with what is its own", () => {
    const scene = new Scene(coverage);
    const { run, other, chain } = scene;
    run.start();
    other.start();
    const call = run.forward(run.scenario.setPaused(true));
    scene.attack(call, other.forward(other.scenario.setPaused(true)), {
      allow: {
        "same account twice treasury for treasury_as_authority": "they are the same account",
        "same account twice treasury_as_authority for treasury": "they are the same account",
      },
    });
    scene.refuse("wrong signer", withAccounts(call, { authority: other.authority }), "WrongAuthority");
    for (const number of [0, 1, 7, 8, 10, 12, 19, 20, 22, 23, 25, 26, 255]) {
      scene.refuse("overflow", { ...call, data: Uint8Array.of(1, number) }, "NotForwarded");
    }
    // a run that somebody made with this treasury as its authority: closing it must not open the treasury
    const decoy = new TreasuryRun(chain, "decoy");
    const made = decoy.scenario.createRun();
    const data = Buffer.from(made.data);
    data.set(keyOf(run.treasury), data.length - 8 - 96);
    decoy.send({ ...made, data });
    const closeDecoy = decoy.scenario.call("close_run");
    scene.refuse("wrong run", run.forward(closeDecoy), "WrongRun");

    scene.accept(call);
    expect(run.scenario.state()).toBe("Paused");
    scene.refuse("replay", call, "AlreadyPaused", "NotRunning", "Halted", "InvalidTransition");
    scene.accept(run.forward(run.scenario.call("set_future_epoch_rates", [u64(77n), u64(7n)])));
    expect(run.scenario.machine().nested("config", "Config", 0).bigint("earning_rate_total_shared")).toBe(77n);

    const spill = someAddress("spill of the run");
    scene.accept(run.closeRun(spill));
    expect(chain.account(run.scenario.at.run)).toBeNull();
    expect(chain.balance(spill)).toBeGreaterThan(0n);
    expect(run.read().closed).toBe(1);
    scene.refuse("wrong state", call, "Closed");
    coverage.cannot("forward", "already initialised", "it creates no account");
  });

  it("create_participant makes an owner's account, by anyone's money", () => {
    const scene = new Scene(coverage);
    const { run, other, chain } = scene;
    run.start();
    other.start();
    const owner = someAddress("some owner");
    const call = run.createParticipant(owner);
    scene.attack(call, other.createParticipant(owner), {
      creates: ["participant"],
      allow: { "wrong signer": "anyone may pay for it" },
    });
    scene.refuse("wrong PDA", withAccounts(call, { owner: someAddress("another owner") }), "WrongAddress");
    scene.accept(call);
    expect(chain.account(run.participant(owner))!.lamports).toBe(chain.rent(PARTICIPANT_BYTES));
    scene.refuse("replay", call, "AlreadyInitialized");
    coverage.cannot("create_participant", "overflow", "it takes no number");
    coverage.cannot("create_participant", "wrong state", "it may be made at any time");
  });

  it.each([
    ["SPL Token", TOKEN_PROGRAM],
    ["Token-2022", TOKEN_2022_PROGRAM],
  ])("claim pays points in units of %s, exactly", (_, tokenProgram) => {
    const { scene, members, others } = paidScene(coverage, { tokenProgram });
    const { run, other, chain } = scene;
    const [first, second] = members;
    const points = claimable(run, first);
    expect(points).toBeGreaterThan(400_000n);
    const call = run.claim(first, points);
    scene.attack(call, other.claim(others[0], 1n), {
      siblings: { participant: run.participant(second.owner.address), member: second.memberAccount },
    });
    scene.refuse("wrong signer", withAccounts(call, { owner: second.owner.address }), "WrongParticipant");
    scene.refuse("wrong run", withAccounts(call, { mint: other.mint }), "WrongMint");
    scene.refuse("wrong PDA", withAccounts(call, { vault: other.vault }), "WrongVault");
    scene.refuse("wrong PDA", withAccounts(call, { vault: call.accounts[4].address }), "WrongVault");
    const { mint } = run;
    const owner = first.owner.address;
    // an account of the treasury that is not its vault
    scene.refuseToken("wrong PDA", call, "vault", tokenBytes({ mint, owner: run.treasury, units: 1_000_000n }), "WrongVault");
    const thief = someAddress("a thief");
    scene.refuseToken("wrong signer", call, "owner_token", tokenBytes({ mint, owner: thief, units: 0n }), "WrongTokenOwner");
    scene.refuseToken("wrong run", call, "owner_token", tokenBytes({ mint: other.mint, owner, units: 0n }), "WrongMint");
    scene.refuseToken("wrong state", call, "owner_token", tokenBytes({ mint, owner, units: 0n, delegate: thief }), "Delegated");
    scene.refuseToken("wrong state", call, "owner_token", tokenBytes({ mint, owner, units: 0n, frozen: true }), "Delegated");
    scene.refuseToken("uninitialised", call, "owner_token", new Uint8Array(165), "Uninitialized");
    scene.refuse("wrong owner", withAccounts(call, { owner_token: owner }), "WrongOwner");
    scene.refuse("overflow", run.claim(first, 0n), "NothingAsked");
    scene.refuse("overflow", run.claim(first, points + 1n), "NotEnoughPoints");
    scene.refuse("overflow", run.claim(first, 900_001n), "VaultShort");
    scene.refuse("overflow", run.claim(first, 0xffff_ffff_ffff_ffffn), "VaultShort");
    // nobody else's tokens can be reached through a treasury that was paid more than a u64 could count
    const treasury = chain.account(run.treasury)!;
    const full = new Uint8Array(treasury.data);
    full.set(u64(0xffff_ffff_ffff_ffffn), 144);
    chain.write(run.treasury, { owner: chain.programs.treasurer, data: full, balance: treasury.lamports });
    scene.refuse("overflow", call, "Overflow");
    chain.write(run.treasury, { owner: chain.programs.treasurer, data: new Uint8Array(treasury.data), balance: treasury.lamports });

    const token = ataAddress(owner, mint, tokenProgram);
    scene.accept(run.claim(first, 1n));
    expect([run.units(token), run.units(run.vault)]).toEqual([1n, 899_999n]);
    scene.accept(run.claim(first, points - 1n));
    expect([run.units(token), run.units(run.vault)]).toEqual([points, 900_000n - points]);
    expect(run.read()).toMatchObject({ claimedPoints: points, claimedUnits: points, toppedUpUnits: 900_000n });
    expect(claimable(run, first)).toBe(0n);
    const participant = chain.data(run.participant(owner));
    expect(new DataView(participant.buffer, participant.byteOffset).getBigUint64(72, true)).toBe(points);
    scene.refuse("replay", call, "NotEnoughPoints", "VaultShort");
    scene.refuse("replay", run.claim(first, 1n), "NotEnoughPoints");

    // what the second has earned is there; should a vault lose tokens by its mint's doing, it is all or nothing
    const left = run.units(run.vault);
    const theirs = claimable(run, second);
    expect(left - theirs).toBe(run.scenario.machine().bigint("points_carry"));
    const vault = chain.account(run.vault)!;
    const lost = new Uint8Array(vault.data);
    lost.set(u64(theirs - 1n), 64);
    chain.write(run.vault, { owner: run.tokenProgram, data: lost, balance: vault.lamports });
    scene.refuse("wrong state", run.claim(second, theirs), "VaultShort");
    chain.write(run.vault, { owner: run.tokenProgram, data: new Uint8Array(vault.data), balance: vault.lamports });
    scene.accept(run.claim(second, theirs));
    expect(run.units(run.vault)).toBe(left - theirs);
    expect(claimable(run, second)).toBe(0n);
    // the other run's tokens are untouched
    expect(other.units(other.vault)).toBe(900_000n);
    expect(other.read().claimedUnits).toBe(0n);
    coverage.cannot("claim", "already initialised", "it creates no account");
  });

  it("what members have earned is there, whatever the creator does after it", () => {
    const { scene, members } = paidScene(coverage);
    const { run, chain } = scene;
    const { scenario } = run;
    const unpromised = (): bigint => readRunHeader(chain.data(scenario.at.run)).unpromisedPoints;
    expect(unpromised()).toBe(0n);
    // the others leave, a member of the creator's own is alone, and the rate is as high as it can be
    const greedy = scenario.member(2);
    scenario.join(greedy);
    run.enroll(greedy);
    for (const member of members) scenario.send(scenario.leaveRun(member));
    run.send(run.forward(scenario.call("set_future_epoch_rates", [u64(2n ** 52n), u64(0n)])));
    const epoch = (): void => run.playEpoch();
    epoch();
    const carried = 900_000n - members.reduce((sum, member) => sum + claimable(run, member), 0n);
    expect(claimable(run, greedy)).toBe(carried);
    run.donate(100_000n);
    expect(unpromised()).toBe(100_000n);
    epoch();
    expect([claimable(run, greedy), unpromised()]).toEqual([100_000n + carried, 0n]);
    scene.accept(run.claim(greedy, 100_000n + carried));
    for (const member of members) scene.accept(run.claim(member, claimable(run, member)));
    expect(run.units(run.vault)).toBe(0n);
  });

  it("an epoch that pays nothing gives back what it promised", () => {
    const { scene, members } = paidScene(coverage);
    const { run, chain } = scene;
    const { scenario } = run;
    run.donate(50_000n);
    const promise = (): [bigint, bigint] => [
      readRunHeader(chain.data(scenario.at.run)).unpromisedPoints,
      scenario.machine().bigint("epoch_earning_rate"),
    ];
    const form = (): void => {
      chain.advance(3);
      scenario.tick();
      expect([scenario.state(), ...promise()]).toEqual(["Warmup", 0n, 50_000n]);
    };
    // nobody is ready
    form();
    chain.advance(10);
    scenario.tick();
    expect([scenario.state(), ...promise()]).toEqual(["WaitingForMembers", 50_000n, 0n]);
    // it is paused before it began
    for (const member of members) scenario.rejoin(member);
    form();
    run.send(run.forward(scenario.setPaused(true)));
    expect([scenario.state(), ...promise()]).toEqual(["Paused", 50_000n, 0n]);
    run.send(run.forward(scenario.setPaused(false)));
    // nobody reports anything
    for (const member of members) scenario.rejoin(member);
    form();
    for (const slot of scenario.slots()) scenario.send(scenario.warmupWitness(slot));
    chain.advance(1);
    scenario.tick();
    for (const seconds of [20, 10, 6]) {
      chain.advance(seconds);
      scenario.tick();
    }
    expect([scenario.state(), ...promise()]).toEqual(["WaitingForMembers", 50_000n, 0n]);
  });

  it("claim pays nothing of what was slashed", () => {
    const { scene, members } = paidScene(coverage);
    const { run, chain } = scene;
    const [member] = members;
    const earned = claimable(run, member);
    // as settle leaves it after an ejection: 1,000 points slashed, taken from the sum of the run too
    const account = chain.account(member.memberAccount)!;
    const data = new Uint8Array(account.data);
    data.set(u64(1_000n), 120);
    chain.write(member.memberAccount, { owner: chain.programs.coordinator, data, balance: account.lamports });
    expect(claimable(run, member)).toBe(earned - 1_000n);
    scene.refuse("overflow", run.claim(member, earned - 999n), "NotEnoughPoints");
    scene.accept(run.claim(member, earned - 1_000n));
    expect(run.units(ataAddress(member.owner.address, run.mint, run.tokenProgram))).toBe(earned - 1_000n);
  });

  it("top_up counts what comes in", () => {
    const scene = new Scene(coverage);
    const { run, other, chain } = scene;
    run.start();
    other.start();
    const donor = chain.funded("donor").address;
    const token = run.fundToken(donor, 1_000n);
    other.fundToken(donor, 1_000n);
    const call = run.topUp(donor, 400n);
    scene.attack(call, other.topUp(donor, 400n), {});
    scene.refuse("same account twice", withAccounts(call, { from_token: run.vault }), "SameAccount");
    scene.refuse("wrong PDA", withAccounts(call, { vault: other.vault }), "WrongVault");
    scene.refuse("wrong PDA", withAccounts(call, { vault: token }), "WrongVault");
    scene.refuse("wrong run", withAccounts(call, { mint: other.mint }), "WrongMint");
    scene.refuse("wrong run", withAccounts(call, { from_token: ataAddress(donor, other.mint, TOKEN_PROGRAM) }), "WrongMint");
    scene.refuse("overflow", run.topUp(donor, 0n), "NothingAsked");
    scene.refuse("overflow", run.topUp(donor, 1_001n), "Custom1"); // the token program: insufficient funds
    const treasury = chain.account(run.treasury)!;
    const full = new Uint8Array(treasury.data);
    full.set(u64(0xffff_ffff_ffff_ffffn), 152);
    chain.write(run.treasury, { owner: chain.programs.treasurer, data: full, balance: treasury.lamports });
    scene.refuse("overflow", call, "Overflow");
    chain.write(run.treasury, { owner: chain.programs.treasurer, data: new Uint8Array(treasury.data), balance: treasury.lamports });

    scene.accept(call);
    scene.accept(run.topUp(donor, 600n));
    expect([run.units(token), run.units(run.vault), run.read().toppedUpUnits]).toEqual([0n, 1_000n, 1_000n]);
    expect(readRunHeader(chain.data(run.scenario.at.run)).unpromisedPoints).toBe(1_000n);
    coverage.cannot("top_up", "replay", "a second top-up is another one; the runtime takes no transaction twice");
    coverage.cannot("top_up", "already initialised", "it creates no account");

    run.send(run.forward(run.scenario.setPaused(true)));
    run.send(run.closeRun());
    run.fundToken(donor, 1n);
    scene.refuse("wrong state", run.topUp(donor, 1n), "Closed");
  });

  it("a run is closed when its members have claimed, or 90 days after it halted", () => {
    const { scene, members } = paidScene(coverage);
    const { run, chain } = scene;
    scene.refuse("wrong state", run.closeRun(), "PointsUnclaimed"); // it still runs
    settleAndPause(run);
    scene.refuse("wrong state", run.closeRun(), "PointsUnclaimed");
    chain.advance(90 * DAY_SECONDS - 1);
    scene.refuse("wrong state", run.closeRun(), "PointsUnclaimed");
    // a paused run still pays
    scene.accept(run.claim(members[0], claimable(run, members[0])));
    chain.advance(1);
    scene.accept(run.closeRun());
    scene.refuse("wrong state", run.claim(members[1], 1n), "Closed");
  });

  it.each([
    ["SPL Token", TOKEN_PROGRAM],
    ["Token-2022", TOKEN_2022_PROGRAM],
  ])("withdraw_surplus returns what is left of %s, and every lamport of rent", (_, tokenProgram) => {
    const { scene, members } = paidScene(coverage, { tokenProgram });
    const { run, other, chain } = scene;
    const [first, second] = members;
    const donor = chain.funded("donor").address;
    run.fundToken(donor, 200_000n);
    run.send(run.topUp(donor, 200_000n));
    const earned = claimable(run, first) + claimable(run, second);
    const authorityToken = run.fundToken(run.authority, 3n);
    const call = run.withdrawSurplus();
    scene.refuse("wrong state", call, "NotClosed");
    for (const member of members) run.send(run.claim(member, claimable(run, member)));
    settleAndPause(run);
    run.send(run.closeRun()); // at once: nobody has anything to claim

    scene.attack(call, other.withdrawSurplus());
    scene.refuse("wrong signer", withAccounts(call, { authority: other.authority }), "WrongAuthority");
    scene.refuse("wrong PDA", withAccounts(call, { vault: other.vault }), "WrongVault");
    scene.refuse("wrong PDA", withAccounts(call, { vault: authorityToken }), "WrongVault");
    scene.refuse("wrong run", withAccounts(call, { mint: other.mint }), "WrongMint");
    scene.refuse("same account twice", withAccounts(call, { authority_token: run.vault }), "SameAccount");
    scene.refuseToken("wrong run", call, "authority_token", tokenBytes({ mint: other.mint, owner: run.authority, units: 0n }), "WrongMint");
    coverage.cannot("withdraw_surplus", "already initialised", "it creates no account");
    coverage.cannot("withdraw_surplus", "overflow", "it takes no number");

    const before = chain.balance(run.authority);
    const rent = chain.balance(run.treasury) + chain.balance(run.vault);
    scene.accept(call);
    expect(run.units(authorityToken)).toBe(3n + 1_100_000n - earned);
    expect(chain.account(run.treasury)).toBeNull();
    expect(chain.account(run.vault)).toBeNull();
    expect(chain.balance(run.authority) - before).toBe(rent);
    scene.refuse("replay", call, "Uninitialized");

    // the same id may begin anew; what was claimed of the old run stays with the old members
    scene.accept(run.createRun());
    expect(run.read()).toMatchObject({ claimedPoints: 0n, closed: 0 });
    expect(Buffer.from(run.read().run).equals(Buffer.from(keyOf(run.scenario.at.run)))).toBe(true);
  });

  it("close_participant returns its rent to the owner, once the run is closed", () => {
    const { scene, members, others } = paidScene(coverage);
    const { run, other, chain } = scene;
    const [first, second] = members;
    const call = run.closeParticipant(first.owner.address);
    scene.refuse("wrong state", call, "StillOpen");
    for (const member of members) run.send(run.claim(member, claimable(run, member) > 400_000n ? 400_000n : 1n));
    settleAndPause(run);
    chain.advance(90 * DAY_SECONDS);
    run.send(run.closeRun());
    scene.attack(call, other.closeParticipant(others[0].owner.address), {
      siblings: { participant: run.participant(second.owner.address) },
      allow: { "uninitialised treasury": "a treasury that is gone keeps nobody's rent" },
    });
    scene.refuse("wrong signer", withAccounts(call, { owner: second.owner.address }), "WrongParticipant");
    coverage.cannot("close_participant", "already initialised", "it creates no account");
    coverage.cannot("close_participant", "overflow", "it takes no number");
    const before = chain.balance(first.owner.address);
    scene.accept(call);
    expect(chain.account(run.participant(first.owner.address))).toBeNull();
    expect(chain.balance(first.owner.address) - before).toBe(chain.rent(PARTICIPANT_BYTES));
    scene.refuse("replay", call, "Uninitialized");
    // also when the treasury is gone
    run.fundToken(run.authority, 0n);
    run.send(run.withdrawSurplus());
    scene.accept(run.closeParticipant(second.owner.address));
  });

  it("refuses instructions that it does not have", () => {
    const { run, chain } = new Scene(coverage);
    for (const number of [7, 255]) {
      expect(chain.mustRefuse(toInstruction({ ...run.createRun(), data: Uint8Array.of(number) }))).toBe("UnknownInstruction");
    }
  });

  it("leaves no check out", () => {
    console.log(coverage.table());
    expect(coverage.missing()).toEqual([]);
  });
});

function keyOf(address: Address): Uint8Array {
  return Buffer.from(addressBytes(address));
}
