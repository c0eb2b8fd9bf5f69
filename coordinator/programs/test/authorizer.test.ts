/** The program `authorizer`: grants, and who may change them. */
import type { Address } from "@solana/kit";
import { ANYBODY, grantAddress, scopeBytes } from "@starling/programs/accounts";
import { attack, someAddress } from "@starling/programs/attack";
import { type Check, Coverage } from "@starling/programs/coverage";
import { Chain, SYSTEM_PROGRAM } from "@starling/programs/harness";
import { addressOf } from "@starling/programs/pda";
import { type Call, key, text, toInstruction, u8 } from "@starling/programs/wire";
import { describe, expect, it } from "vitest";
import { AUTHORIZER_INSTRUCTIONS, GrantCalls } from "./authorizer.calls.ts";

const coverage = new Coverage("authorizer", AUTHORIZER_INSTRUCTIONS);
const HEAD_BYTES = 120;
const DAY_SECONDS = 24 * 60 * 60;

interface Grant {
  grantor: Address;
  grantee: Address;
  scope: Uint8Array;
  updatedMs: bigint;
  active: number;
  delegates: Address[];
}

function readGrant(data: Uint8Array): Grant {
  const view = new DataView(data.buffer, data.byteOffset);
  expect([data[0], data[1]]).toEqual([1, 1]);
  expect(data.length).toBe(HEAD_BYTES + 32 * data[113]);
  return {
    grantor: addressOf(data.subarray(8, 40)),
    grantee: addressOf(data.subarray(40, 72)),
    scope: data.slice(72, 104),
    updatedMs: view.getBigUint64(104, true),
    active: data[112],
    delegates: Array.from({ length: data[113] }, (_, index) => addressOf(data.subarray(HEAD_BYTES + 32 * index).subarray(0, 32))),
  };
}

/** A chain with a grant that is not there yet, and another that is. */
function scene(): { chain: Chain; calls: GrantCalls; other: GrantCalls } {
  const chain = new Chain();
  const grantor = chain.funded("grantor").address;
  const calls = new GrantCalls(chain, grantor, chain.funded("grantee").address);
  const other = new GrantCalls(chain, chain.funded("another grantor").address, chain.funded("another grantee").address);
  accept(chain, other.create());
  return { chain, calls, other };
}

function accept(chain: Chain, call: Call): void {
  chain.mustSend(toInstruction(call));
  coverage.count(call.name, "good path");
}

function refuse(chain: Chain, check: Check, call: Call, name: string): void {
  expect(chain.mustRefuse(toInstruction(call)), `${call.name}, ${check}`).toBe(name);
  coverage.count(call.name, check);
}

const grantOf = (calls: GrantCalls): Grant => readGrant(calls.chain.data(calls.grant));
const rentOf = (calls: GrantCalls): bigint => calls.chain.account(calls.grant)!.lamports;
const keys = (count: number, from = 0): Address[] => Array.from({ length: count }, (_, index) => someAddress(`delegate ${from + index}`));

describe("the authorizer program", () => {
  it("create makes an inactive grant at its address", () => {
    const { chain, calls, other } = scene();
    const call = calls.create();
    attack(chain, coverage, call, {
      creates: ["grant"],
      otherRun: { grant: other.grant },
      allow: { "wrong signer payer": "the payer only pays" },
    });
    for (const scope of ["", "x".repeat(33)]) {
      const at = grantAddress(chain.programs.authorizer, calls.grantor, calls.grantee, scope.slice(0, 32));
      const data = Buffer.concat([u8(0), key(calls.grantee), text(scope)]);
      const accounts = call.accounts.map((account) => (account.name === "grant" ? { ...account, address: at } : account));
      refuse(chain, "overflow", { ...call, accounts, data }, scope === "" ? "EmptyScope" : "BadText");
    }
    // the seeds of another grantee or scope give another address
    refuse(chain, "wrong PDA", { ...call, data: new GrantCalls(chain, calls.grantor, ANYBODY).create().data }, "WrongAddress");
    refuse(chain, "wrong PDA", { ...call, data: new GrantCalls(chain, calls.grantor, calls.grantee, "X").create().data }, "WrongAddress");
    coverage.cannot("create", "wrong state", "a grant that does not exist has no state");

    chain.write(calls.grant, { owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: 1n }); // nobody can block it so
    accept(chain, call);
    expect(grantOf(calls)).toEqual({
      grantor: calls.grantor,
      grantee: calls.grantee,
      scope: scopeBytes(calls.scope),
      updatedMs: chain.nowMs,
      active: 0,
      delegates: [],
    });
    expect(rentOf(calls)).toBe(chain.rent(HEAD_BYTES));
    refuse(chain, "replay", call, "AlreadyInitialized");
    // a scope of the greatest length, for everybody
    const wide = new GrantCalls(chain, calls.grantor, ANYBODY, "s".repeat(32));
    accept(chain, wide.create());
    expect(grantOf(wide).scope).toEqual(scopeBytes("s".repeat(32)));
  });

  it("set_active is the grantor's", () => {
    const { chain, calls, other } = scene();
    accept(chain, calls.create());
    const call = calls.setActive(1);
    attack(chain, coverage, call, { otherRun: { grant: other.grant } });
    refuse(chain, "wrong signer", { ...call, accounts: other.setActive(1).accounts.with(1, call.accounts[1]) }, "WrongGrantor");
    refuse(chain, "overflow", calls.setActive(2), "BadArgument");
    chain.advance(7);
    accept(chain, call);
    expect(grantOf(calls)).toMatchObject({ active: 1, updatedMs: chain.nowMs });
    // sent again it says the same, a moment later
    chain.advance(1);
    chain.mustSend(toInstruction(call));
    expect(grantOf(calls)).toMatchObject({ active: 1, updatedMs: chain.nowMs });
    coverage.count("set_active", "replay");
    accept(chain, calls.setActive(0));
    expect(grantOf(calls).active).toBe(0);
    coverage.cannot("set_active", "wrong state", "a grant may be switched at any time");
    coverage.cannot("set_active", "already initialised", "it creates no account");
  });

  it("set_delegates is the grantee's, and pays for what it takes", () => {
    const { chain, calls, other } = scene();
    accept(chain, calls.create());
    const first = keys(3);
    const call = calls.setDelegates(0, first);
    attack(chain, coverage, call, {
      otherRun: { grant: other.grant },
      openEnd: true,
      shortestData: 2,
      allow: { "wrong signer payer": "the payer only pays" },
    });
    for (const cut of [1, 31, 33]) refuse(chain, "truncated data", { ...call, data: call.data.subarray(0, -cut) }, "TrailingData");
    for (const more of [1, 31]) {
      refuse(chain, "oversized data", { ...call, data: Buffer.concat([call.data, new Uint8Array(more)]) }, "TrailingData");
    }
    refuse(
      chain,
      "wrong signer",
      { ...call, accounts: call.accounts.with(1, { ...call.accounts[1], address: calls.grantor }) },
      "WrongGrantee",
    );
    refuse(chain, "overflow", calls.setDelegates(2, first), "BadArgument");

    const before = chain.balance(calls.payer);
    accept(chain, call);
    expect(grantOf(calls).delegates).toEqual(first);
    expect(before - chain.balance(calls.payer)).toBe(chain.rent(HEAD_BYTES + 96) - chain.rent(HEAD_BYTES));
    expect(rentOf(calls)).toBe(chain.rent(HEAD_BYTES + 96));

    // again: nothing is added twice, nothing is paid twice
    const fingerprint = chain.fingerprint([calls.payer]);
    chain.mustSend(toInstruction(call));
    expect(chain.fingerprint([calls.payer])).toBe(fingerprint);
    coverage.count("set_delegates", "replay");
    accept(chain, calls.setDelegates(0, [...keys(4), ...keys(4)]));
    expect(grantOf(calls).delegates).toEqual(keys(4));
    expect(rentOf(calls)).toBe(chain.rent(HEAD_BYTES + 128));

    accept(chain, calls.setDelegates(0, keys(16, 4)));
    accept(chain, calls.setDelegates(0, keys(12, 20)));
    expect(grantOf(calls).delegates).toEqual(keys(32));
    refuse(chain, "overflow", calls.setDelegates(0, keys(1, 32)), "TooManyDelegates");
    chain.mustSend(toInstruction(calls.setDelegates(0, keys(2, 30)))); // both are there already

    accept(chain, calls.setDelegates(1, keys(1, 40)));
    expect(grantOf(calls).delegates).toEqual(keys(1, 40));
    accept(chain, calls.setDelegates(1, []));
    expect(grantOf(calls).delegates).toEqual([]);
    expect(chain.balance(calls.payer)).toBe(before); // all of it came back
    expect(rentOf(calls)).toBe(chain.rent(HEAD_BYTES));

    // a grant for everybody has a grantee that cannot sign
    const everybody = new GrantCalls(chain, calls.grantor, ANYBODY);
    accept(chain, everybody.create());
    const forged = everybody.setDelegates(0, first);
    const unsigned = { ...forged, accounts: forged.accounts.with(1, { ...forged.accounts[1], signer: false }) };
    refuse(chain, "missing signature", unsigned, "NotSigner");
    coverage.cannot("set_delegates", "wrong state", "delegates may be named at any time");
  });

  it("close gives the rent to the spill, once the grant is out of use", () => {
    const { chain, calls, other } = scene();
    const spill = someAddress("spill");
    accept(chain, calls.create());
    const call = calls.close(spill);
    attack(chain, coverage, call, { otherRun: { grant: other.grant } });
    refuse(
      chain,
      "wrong signer",
      { ...call, accounts: call.accounts.with(0, { ...call.accounts[0], address: calls.grantee }) },
      "WrongGrantor",
    );
    refuse(chain, "same account twice", calls.close(calls.grant), "SameAccount");
    refuse(chain, "not writable", { ...call, accounts: call.accounts.with(2, { ...call.accounts[2], writable: false }) }, "NotWritable");
    accept(chain, calls.setActive(1));
    refuse(chain, "wrong state", call, "StillActive");
    accept(chain, calls.setDelegates(0, keys(1)));
    accept(chain, calls.setActive(0));
    refuse(chain, "wrong state", call, "StillDelegated");
    chain.advance(30 * DAY_SECONDS - 1);
    refuse(chain, "wrong state", call, "StillDelegated");
    chain.advance(1);
    coverage.cannot("close", "overflow", "it takes no number");
    const rent = rentOf(calls);
    accept(chain, call);
    expect(chain.account(calls.grant)).toBeNull();
    expect(chain.balance(spill)).toBe(rent);
    refuse(chain, "replay", call, "Uninitialized");

    // one without delegates may go at once, and be made again
    accept(chain, calls.create());
    accept(chain, call);
    expect(chain.account(calls.grant)).toBeNull();
  });

  it("refuses instructions that it does not have", () => {
    const { chain, calls } = scene();
    for (const number of [4, 255]) {
      expect(chain.mustRefuse(toInstruction({ ...calls.create(), data: Uint8Array.of(number) }))).toBe("UnknownInstruction");
    }
  });

  it("leaves no check out", () => {
    console.log(coverage.table());
    expect(coverage.missing()).toEqual([]);
  });
});
