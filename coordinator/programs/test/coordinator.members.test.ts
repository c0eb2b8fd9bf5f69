/** Sessions, joining, grants and bonds: what an owner and its session key do, and what nobody else can do in their place. */
import type { Address } from "@solana/kit";
import { ANYBODY, grantAddress, MEMBER_BYTES, readSession, SESSION_BYTES } from "@starling/programs/accounts";
import { someAddress } from "@starling/programs/attack";
import { Coverage } from "@starling/programs/coverage";
import { Chain } from "@starling/programs/harness";
import { addressBytes } from "@starling/programs/pda";
import type { Key } from "@starling/programs/keyring";
import { type Member, NEVER_MS, Scenario, type ScenarioOptions } from "@starling/programs/scenario";
import { type Call, text, toInstruction, u64, u8 } from "@starling/programs/wire";
import { afterAll, describe, expect, it } from "vitest";
import { COVERED, Trial } from "./support.ts";

const coverage = new Coverage("coordinator", COVERED.members);
const FLOAT = 20_000_000n;
const FLOODERS = 100;

/** Three members of the first epoch, in RoundTrain, and a fourth that has opened a session. */
function training(chain: Chain, options: ScenarioOptions): Scenario {
  const scenario = Scenario.training(chain, 3, options);
  scenario.send(scenario.openSession(scenario.member(3), { floatLamports: FLOAT }));
  return scenario;
}

/** Where all of `call`'s accounts are swapped for others of the same kind. */
function siblingsOf(run: Scenario, member: Member): Record<string, Address> {
  return { table0: run.at.table1, table1: run.at.table0, session: member.sessionAccount, member: member.memberAccount };
}

describe("the coordinator program, for owners and their session keys", () => {
  it("open_session makes a session and a member; again it refreshes them", () => {
    const trial = new Trial(coverage, (chain, options) => Scenario.started(chain, options));
    const { run, other, chain } = trial;
    const [member, second] = [run.member(0), run.member(1)];
    const call = run.openSession(member, { floatLamports: FLOAT });
    const otherCall = other.openSession(other.member(0));
    // the stranger's signature is good, but then the accounts are not those of its keys
    const allow = { "wrong signer peer": "who holds a key may have it as its peer id" };
    trial.attack(call, otherCall, { creates: ["session", "member"], allow });
    const open = (peer: Key, expiresMs: bigint, lamports: bigint): Call =>
      run.call("open_session", [u64(expiresMs), u64(lamports)], { ...run.of(member), peer: peer.address });
    trial.refuse("overflow", open(member.peer, NEVER_MS, 100_000_001n), "FloatTooLarge");
    trial.refuse("overflow", open(member.peer, NEVER_MS, 2n ** 64n - 1n), "FloatTooLarge");
    trial.refuse("overflow", open(member.peer, chain.nowMs, 0n), "SessionExpired");
    trial.refuse("overflow", open(member.owner, NEVER_MS, 0n), "KeysNotDistinct");
    trial.refuse("overflow", open(member.session, NEVER_MS, 0n), "KeysNotDistinct");
    // a peer id is on the wire for all to see: naming it is not holding it
    const named = call.accounts.map((account) => (account.name === "peer" ? { ...account, signer: false } : account));
    trial.refuse("missing signature", { ...call, accounts: named }, "NotSigner");

    // lamports on the addresses do not block them
    chain.write(member.sessionAccount, { owner: ANYBODY, data: new Uint8Array(), balance: 5n });
    chain.write(member.memberAccount, { owner: ANYBODY, data: new Uint8Array(), balance: 5n });
    trial.accept(call, { changesRun: false });
    const session = readSession(chain.data(member.sessionAccount));
    expect(Buffer.from(session.owner).equals(member.owner.bytes)).toBe(true);
    expect(session.expiresMs).toBe(NEVER_MS);
    expect(Buffer.from(session.peerId).equals(member.peer.bytes)).toBe(true);
    expect(chain.balance(member.sessionAccount)).toBe(chain.rent(SESSION_BYTES) + FLOAT);
    expect(run.readMember(member)).toMatchObject({ earned: 0n, claimed: 0n, bondLamports: 0n, ejected: false });

    trial.accept(run.openSession(member, { expiresMs: chain.nowMs + 5_000n, floatLamports: 1n }), { changesRun: false });
    coverage.count("open_session", "replay");
    expect(readSession(chain.data(member.sessionAccount)).expiresMs).toBe(chain.nowMs + 5_000n);
    expect(chain.balance(member.sessionAccount)).toBe(chain.rent(SESSION_BYTES) + FLOAT + 1n);
    trial.refuse("overflow", run.openSession(member, { floatLamports: 90_000_000n }), "FloatTooLarge");

    // one session key, two owners
    const taken = run.call("open_session", [u64(NEVER_MS), u64(0n)], {
      ...run.of(second),
      session_key: member.session.address,
      session: member.sessionAccount,
    });
    trial.refuse("already initialised", taken, "SessionTaken");
    trial.attack(run.openSession(member), other.openSession(other.member(0)), {
      siblings: siblingsOf(run, second),
      allow: {
        ...allow,
        "not writable owner": "to refresh a session without more float costs its owner nothing",
        "uninitialised session": "it is made where there is none",
        "uninitialised member": "it is made where there is none",
      },
    });
    trial.cannot("open_session", "wrong state", "a session may be opened whatever the run does");
  });

  it("join_run takes the place of a member for the next epoch", () => {
    const trial = new Trial(coverage, training);
    const { run, other } = trial;
    const member = run.members[3];
    const call = run.joinRun(member);
    run.send(run.openSession(run.member(4)));
    trial.attack(call, other.joinRun(other.members[3]), { siblings: siblingsOf(run, run.member(4)) });
    trial.refuse("overflow", run.call("join_run", [member.links[0], text("a".repeat(401))], run.of(member)), "BadText", "BadAddresses");
    trial.refuse("overflow", run.joinRun(member, { addresses: "/ip4/\0" }), "BadText", "BadAddresses");
    trial.accept(call);
    expect(run.machine().number("pending_len")).toBe(1);
    expect(readSession(run.chain.data(member.sessionAccount)).addresses).toBe("/ip4/127.0.0.1/tcp/4001");
    trial.noChange("replay", call); // nothing is new, so nothing changes, the nonce included

    const halted = new Scenario(trial.chain, { runId: "not started" }).create().allocate().configure();
    halted.openToEverybody();
    halted.send(halted.openSession(halted.member(0)));
    trial.refuse("wrong state", halted.joinRun(halted.member(0)), "Halted");
  });

  it("join_run believes only the run's own kind of grant", () => {
    const trial = new Trial(coverage, training);
    const { run, chain } = trial;
    const { authorizer, coordinator } = chain.programs;
    const member = run.members[3];
    const good = chain.data(run.grant);
    const forged = someAddress("a forged grant");
    const tryForged = (what: string, owner: Address, change: (data: Uint8Array) => Uint8Array): void => {
      chain.write(forged, { owner, data: change(good.slice()) });
      const name = chain.mustRefuse(
        toInstruction({ ...run.joinRun(member), accounts: swapped(run.joinRun(member), "authorization", forged) }),
      );
      expect(name, what).toBe("NotAuthorized");
      coverage.count("join_run", "wrong owner");
    };
    const at = (offset: number, bytes: Uint8Array) => (data: Uint8Array) => {
      data.set(bytes, offset);
      return data;
    };
    tryForged("of another program", coordinator, (data) => data);
    tryForged("of the system program", ANYBODY, (data) => data);
    tryForged("inactive", authorizer, at(112, Uint8Array.of(0)));
    tryForged("of another grantor", authorizer, at(8, member.owner.bytes));
    tryForged("for another scope", authorizer, at(72, new TextEncoder().encode("Something")));
    tryForged("for a longer scope", authorizer, at(72 + 18, new TextEncoder().encode("s")));
    tryForged("for somebody else", authorizer, at(40, run.members[0].owner.bytes));
    tryForged("of another kind", authorizer, at(0, Uint8Array.of(2)));
    tryForged("too short", authorizer, (data) => data.subarray(0, 100));
    tryForged("promising delegates it has not", authorizer, (data) => at(113, Uint8Array.of(32))(at(40, run.members[0].owner.bytes)(data)));
    tryForged("absent", ANYBODY, () => new Uint8Array());
    // a delegate's owner gets in
    const delegated = new Uint8Array(120 + 64);
    delegated.set(good);
    delegated.set(run.members[0].owner.bytes, 40);
    delegated[113] = 2;
    delegated.set(run.members[1].owner.bytes, 120);
    delegated.set(member.owner.bytes, 152);
    chain.write(forged, { owner: authorizer, data: delegated });
    trial.accept({ ...run.joinRun(member), accounts: swapped(run.joinRun(member), "authorization", forged) });
    expect(run.readMember(member).grant).toEqual(addressBytes(forged));
  });

  it("an expired, foreign or closed session can do nothing", () => {
    const chain = new Chain();
    const run = Scenario.warmup(chain, 3, {});
    const [member, stranger] = [run.member(0), run.member(1)];
    const late = run.member(3);
    run.send(run.openSession(late, { expiresMs: chain.nowMs + 4_000n, floatLamports: FLOAT }));
    run.send(run.joinRun(late));
    for (const slot of run.slots()) run.send(run.warmupWitness(slot));
    chain.advance(1);
    run.tick();
    while (run.state() === "RoundTrain") run.playRound();
    chain.advance(6);
    const refused = (call: Call): string => chain.mustRefuse(toInstruction(call));
    // it expired before the epoch that it waited for: it is not taken into it
    expect(refused(run.joinRun(late))).toBe("SessionExpired");
    expect(refused(run.call("refuel", [u64(1n)], run.of(late)))).toBe("SessionExpired");
    run.tick();
    chain.advance(3);
    run.send(run.settle(run.machine().number("table"), run.slots()));
    run.tick();
    expect(run.slots().length).toBe(3);

    for (const slot of run.slots()) run.send(run.warmupWitness(slot));
    chain.advance(1);
    run.tick();
    const slot = run.slots().find((each) => run.memberInSlot(each) === member)!;
    const foreign = (call: Call): Call => ({ ...call, accounts: swapped(call, "session_key", stranger.session.address) });
    const asMember: Call[] = [
      run.witness(slot),
      run.downloaded(slot, 0),
      run.healthCheck(slot, [1]),
      run.reportEquivocation(slot, 2),
      run.checkpoint(slot, new Uint8Array(32), "https://a"),
      run.joinRun(member),
    ];
    for (const call of asMember) expect(["NotTheSlotsSession", "WrongKey"], call.name).toContain(refused(foreign(call)));
    expect(refused(run.closeSession(member, stranger.owner))).toBe("SessionNotExpired");
    expect(
      refused({
        ...run.closeSession(member, stranger.owner),
        accounts: swapped(run.closeSession(member, stranger.owner), "owner", stranger.owner.address),
      }),
    ).toBe("WrongKey");
    run.send(run.closeSession(member));
    for (const call of asMember) expect(CLOSED, call.name).toContain(refused(call));
  });

  it("a session that expires in the epoch ends with it, and its float goes back by anyone's hand", () => {
    const chain = new Chain();
    const run = Scenario.started(chain, {});
    const member = run.member(0);
    run.send(run.openSession(member, { expiresMs: chain.nowMs + 60_000n, floatLamports: FLOAT }));
    run.send(run.joinRun(member));
    chain.advance(3);
    run.tick();
    chain.advance(1);
    run.send(run.warmupWitness(0));
    run.tick();
    chain.advance(60);
    for (const call of [run.witness(0), run.reportEquivocation(0, 0), run.healthCheck(0, [0]), run.downloaded(0, 0)]) {
      expect(["SessionExpired", "SelfReport", "InvalidHealthCheck", "TooEarlyForHealthCheck", "InvalidRunState"]).toContain(
        chain.mustRefuse(toInstruction(call)),
      );
    }
    expect(chain.mustRefuse(toInstruction(run.witness(0)))).toBe("SessionExpired");
    const before = chain.balance(member.owner.address);
    run.send(run.closeSession(member, chain.funded("a passer-by")));
    expect(chain.balance(member.owner.address) - before).toBe(chain.rent(SESSION_BYTES) + FLOAT);
  });

  it("close_session leaves the run and gives everything back", () => {
    const trial = new Trial(coverage, training);
    const { run, other, chain } = trial;
    const member = run.members[0];
    const call = run.closeSession(member);
    const siblings = siblingsOf(run, run.members[1]);
    const allow = { "uninitialised run": "a run that is gone keeps no lamports of its members" };
    trial.attack(call, other.closeSession(other.members[0]), { siblings, allow });
    trial.cannot("close_session", "overflow", "it has no arguments");
    const before = chain.balance(member.owner.address);
    trial.accept(call);
    expect(chain.balance(member.owner.address) - before).toBe(chain.rent(SESSION_BYTES));
    expect(chain.balance(member.sessionAccount)).toBe(0n);
    expect(run.machine().bytes("live")[0]).toBe(0b110);
    trial.refuse("replay", call, "Uninitialized");
    trial.refuse("wrong state", run.closeSession(run.members[1], run.members[2].owner), "SessionNotExpired");
    // of a run that is no more
    run.send(run.setPaused(true));
    while (run.state() !== "Paused") {
      if (run.state() === "RoundTrain") run.playRound();
      else {
        chain.advance(6);
        run.tick();
      }
    }
    for (const table of [0, 1]) if (run.machine().number("table") === table) run.send(run.settle(table, run.slots()));
    run.send(run.call("close_run"));
    run.send(run.closeSession(run.members[1]));
    expect(chain.balance(run.members[1].sessionAccount)).toBe(0n);
  });

  it("refuel moves what the key needs, and never more", () => {
    const trial = new Trial(coverage, training);
    const { run, other, chain } = trial;
    const member = run.members[3];
    const key = member.session.address;
    chain.write(key, { owner: ANYBODY, data: new Uint8Array(), balance: 1_000_000n });
    const refuel = (lamports: bigint): Call => run.call("refuel", [u64(lamports)], run.of(member));
    chain.write(other.members[3].session.address, { owner: ANYBODY, data: new Uint8Array(), balance: 1_000_000n });
    trial.attack(refuel(100n), other.call("refuel", [u64(1n)], other.of(other.members[3])), {
      siblings: { session: run.members[0].sessionAccount },
    });
    trial.accept(refuel(100n), { changesRun: false });
    expect(chain.balance(key)).toBe(1_000_100n);
    trial.accept(refuel(2n ** 64n - 1n), { changesRun: false });
    expect(chain.balance(key)).toBe(3_000_000n);
    coverage.count("refuel", "overflow");
    trial.noChange("replay", refuel(2n ** 64n - 1n));
    for (let n = 0; n < 12; n++) {
      chain.write(key, { owner: ANYBODY, data: new Uint8Array(), balance: 890_880n });
      run.send(refuel(3_000_000n));
    }
    expect(chain.balance(member.sessionAccount)).toBe(chain.rent(SESSION_BYTES)); // the float is spent, the rent stays
    trial.cannot("refuel", "wrong state", "fees must be paid whatever the run does");
  });

  it("leave_run ends a membership, of the epoch or of those who wait", () => {
    const trial = new Trial(coverage, training);
    const { run, other } = trial;
    run.send(run.joinRun(run.members[3]));
    other.send(other.joinRun(other.members[3]));
    const waiting = run.leaveRun(run.members[3]);
    const siblings = { table0: run.at.table1, table1: run.at.table0 };
    trial.attack(waiting, other.leaveRun(other.members[3]), { siblings });
    trial.cannot("leave_run", "overflow", "it has no arguments");
    trial.accept(waiting);
    expect(run.machine().number("pending_len")).toBe(0);
    trial.refuse("replay", waiting, "NotMember");
    trial.accept(run.leaveRun(run.members[1]));
    expect(run.machine().bytes("live")[0]).toBe(0b101);
    const unconfigured = new Scenario(trial.chain, { runId: "not configured" }).create().allocate();
    trial.refuse("wrong state", { ...waiting, accounts: unconfigured.leaveRun(run.members[3]).accounts }, "NotConfigured");
  });

  it("enforce_grant takes out who may no longer join, and nobody else", () => {
    const trial = new Trial(coverage, training);
    const { run, other, chain } = trial;
    const [member, second] = run.members;
    const call = run.call("enforce_grant", [], run.of(member));
    trial.refuse("wrong state", call, "GrantStillValid");
    for (const scenario of [run, other])
      chain.write(scenario.grant, { owner: chain.programs.authorizer, data: inactive(chain.data(scenario.grant)) });
    trial.attack(call, other.call("enforce_grant", [], other.of(other.members[0])), {
      siblings: { ...siblingsOf(run, second), authorization: grantAddress(chain.programs.authorizer, run.creator.address, ANYBODY) },
      allow: {
        "wrong owner authorization": "a grant that is no grant lets nobody in, which is what is enforced",
        "wrong kind authorization": "a grant that is no grant lets nobody in, which is what is enforced",
        "wrong kind the version of authorization": "a grant that is no grant lets nobody in, which is what is enforced",
        "wrong kind the size of authorization": "a grant that is no grant lets nobody in, which is what is enforced",
        "uninitialised authorization": "a grant that is gone lets nobody in, which is what is enforced",
        "wrong PDA a sibling of member": "another member whose grant is gone as well",
      },
    });
    trial.cannot("enforce_grant", "overflow", "it has no arguments");
    trial.accept(call);
    expect(run.machine().number("carried_len")).toBe(2);
    expect(run.machine().bytes("live")[0]).toBe(0b111); // to the epoch's end
    trial.refuse("replay", call, "NotMember");
  });

  it("deposit_bond and withdraw_bond: what is bonded comes back after a whole epoch", () => {
    const trial = new Trial(coverage, (chain, options) => Scenario.training(chain, 3, { ...options, minBondLamports: 0n }));
    const { run, other, chain } = trial;
    const member = run.members[0];
    const bond = 5_000_000n;
    const deposit = (lamports: bigint): Call => run.call("deposit_bond", [u64(lamports)], run.of(member));
    const withdraw = (lamports: bigint): Call => run.call("withdraw_bond", [u64(lamports)], run.of(member));
    const siblings = { member: run.members[1].memberAccount, table0: run.at.table1, table1: run.at.table0 };
    trial.attack(deposit(bond), other.call("deposit_bond", [u64(bond)], other.of(other.members[0])), { siblings });
    trial.refuse("overflow", deposit(0n), "BadArgument");
    trial.refuse("overflow", deposit(2n ** 64n - 1n), "Custom1", "InsufficientFunds");
    trial.accept(deposit(bond), { changesRun: false });
    trial.accept(deposit(1n), { changesRun: false });
    coverage.count("deposit_bond", "replay");
    expect(run.readMember(member).bondLamports).toBe(bond + 1n);
    expect(chain.balance(member.memberAccount)).toBe(chain.rent(MEMBER_BYTES) + bond + 1n);
    trial.cannot("deposit_bond", "wrong state", "a bond may grow whatever the run does");

    other.send(other.call("deposit_bond", [u64(bond)], other.of(other.members[0])));
    trial.attack(withdraw(bond), other.call("withdraw_bond", [u64(bond)], other.of(other.members[0])), {
      siblings,
      allow: { "not writable owner": "the first call pays nothing yet" },
    });
    trial.refuse("overflow", withdraw(bond + 2n), "NotEnoughBond");
    trial.refuse("overflow", withdraw(2n ** 64n - 1n), "NotEnoughBond");
    trial.refuse("overflow", withdraw(0n), "BadArgument");
    trial.accept(withdraw(bond), { changesRun: false });
    expect(run.readMember(member)).toMatchObject({ bondLamports: 1n, unbondingLamports: bond });
    trial.refuse("replay", withdraw(bond), "StillUnbonding");
    const before = chain.balance(member.owner.address);
    for (const _ of [1, 2]) {
      trial.refuse("wrong state", withdraw(bond), "StillUnbonding");
      nextEpoch(run);
    }
    trial.accept(withdraw(bond), { changesRun: false });
    expect(chain.balance(member.owner.address) - before).toBe(bond);
    expect(chain.balance(member.memberAccount)).toBe(chain.rent(MEMBER_BYTES) + 1n);
  });

  it("a bond is asked for where the run says so", () => {
    const chain = new Chain();
    const run = Scenario.started(chain, { minBondLamports: 1_000n });
    const member = run.member(0);
    run.send(run.openSession(member));
    expect(chain.mustRefuse(toInstruction(run.joinRun(member)))).toBe("BondTooSmall");
    run.send(run.call("deposit_bond", [u64(1_000n)], run.of(member)));
    run.send(run.joinRun(member));
    run.send(run.call("update_metadata", [u8(64), u64(1_001n)]));
    run.send(run.call("enforce_grant", [], run.of(member)));
    expect(run.machine().number("pending_len")).toBe(0);
  });

  it("who takes its bond out is not in the next epoch, and keeps its slot in this one", () => {
    const chain = new Chain();
    const run = Scenario.training(chain, 3);
    const [first, second] = run.members;
    for (const member of [first, second]) run.send(run.call("deposit_bond", [u64(1_000n)], run.of(member)));
    run.send(run.call("update_metadata", [u8(64), u64(500n)]));
    const withdraw = (member: Member, lamports: bigint): bigint => {
      const before = run.nonce();
      run.send(run.call("withdraw_bond", [u64(lamports)], run.of(member)));
      return run.nonce() - before;
    };
    expect(withdraw(first, 500n)).toBe(0n); // what is left suffices
    expect(run.machine().number("carried_len")).toBe(3);
    expect(withdraw(second, 501n)).toBe(1n);
    expect(run.machine().number("carried_len")).toBe(2);
    expect(run.machine().bytes("live")[0]).toBe(0b111);
    expect(chain.mustRefuse(toInstruction(run.joinRun(second)))).toBe("BondTooSmall");
    run.playEpoch();
    run.settleAll();
    expect(run.machine().number("carried_len")).toBe(2);
    expect(run.readMember(second).earned).toBeGreaterThan(0n);
  });

  it("close_member gives the rent back when nothing is left in it", () => {
    const trial = new Trial(coverage, training);
    const { run, other, chain } = trial;
    const member = run.members[3];
    const call = run.call("close_member", [], run.of(member));
    const inUse = run.call("close_member", [], run.of(run.members[0]));
    trial.refuse("wrong state", inUse, "MemberInUse");
    const siblings = { member: run.members[0].memberAccount, table0: run.at.table1, table1: run.at.table0 };
    trial.attack(call, other.call("close_member", [], other.of(other.members[3])), {
      siblings,
      allow: { "uninitialised run": "a run that is gone gives its members everything back" },
    });
    trial.cannot("close_member", "overflow", "it has no arguments");
    const before = chain.balance(member.owner.address);
    trial.accept(call, { changesRun: false });
    expect(chain.balance(member.owner.address) - before).toBe(chain.rent(MEMBER_BYTES));
    trial.refuse("replay", call, "Uninitialized");
  });

  it("a flood of 1,000 joins to a run of 256 changes nothing for its members", { timeout: 600_000 }, () => {
    const chain = new Chain({ checkSignatures: false });
    const run = Scenario.warmup(chain, 256);
    const before = run.stateBytes();
    const tally = new Map<string, number>();
    let units = 0;
    for (let index = 0; index < 1_000; index++) {
      const attacker = run.member(256 + (index % FLOODERS));
      if (index < FLOODERS) run.send(run.openSession(attacker));
      const outcome = chain.send(toInstruction(run.joinRun(attacker, { addresses: `/ip4/127.0.0.1/tcp/${index}` })));
      const name = outcome.ok ? "accepted" : outcome.name;
      tally.set(name, (tally.get(name) ?? 0) + 1);
      units = Math.max(units, outcome.computeUnits);
    }
    console.log(
      `flood: 1,000 joins by ${FLOODERS} owners to a run of 256: ${JSON.stringify([...tally])}, at most ${units} compute units each`,
    );
    expect([...tally]).toEqual([["RunFull", 1_000]]);
    expect(Buffer.from(run.stateBytes()).equals(before)).toBe(true);
    // and a member of the run still joins again at will
    run.send(run.joinRun(run.members[7], { chainHead: run.members[7].links[1] }));
  });

  it("leaves no check out", () => {
    expect(coverage.missing()).toEqual([]);
  });
});

afterAll(() => console.log(coverage.table()));

const CLOSED = ["NotLive", "Uninitialized", "InvalidRunState", "NotTheSlotsSession", "UnknownSlot"];

function swapped(call: Call, name: string, address: Address): Call["accounts"] {
  return call.accounts.map((account) => (account.name === name ? { ...account, address } : account));
}

function inactive(grant: Uint8Array): Uint8Array {
  const data = grant.slice();
  data[112] = 0;
  return data;
}

/** To RoundTrain of the next epoch. */
function nextEpoch(run: Scenario): void {
  run.playEpoch();
  run.settleAll();
  run.chain.advance(3);
  run.tick();
  for (const slot of run.slots()) run.send(run.warmupWitness(slot));
  run.chain.advance(1);
  run.tick();
}
