/**
 * The client generated from the IDL makes the very instructions that the tests of `authorizer` and `treasurer` write by hand and the
 * programs accept: same accounts in the same order, same flags, same bytes.
 */
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import { Chain } from "@starling/programs/harness";
import { type Call, toInstruction } from "@starling/programs/wire";
import { closeGrant, createGrant, setDelegates, setGrantActive } from "@starling/sdk/solana/grants";
import { setPaused } from "@starling/sdk/solana/instructions";
import { runAddresses } from "@starling/sdk/solana/pdas";
import {
  asAuthority,
  claim,
  closeParticipant,
  createParticipant,
  createRunWithTreasury,
  topUp,
  withdrawSurplus,
} from "@starling/sdk/solana/treasury";
import { expect, it } from "vitest";
import { GrantCalls } from "./authorizer.calls.ts";
import { TreasuryRun, withAccounts } from "./treasurer.calls.ts";

interface Plain {
  program: Address;
  accounts: { address: Address; role: number }[];
  data: string;
}

function plain({ programAddress, accounts = [], data = new Uint8Array() }: Instruction): Plain {
  return {
    program: programAddress,
    accounts: accounts.map(({ address, role }) => ({ address, role })),
    data: Buffer.from(data as Uint8Array).toString("hex"),
  };
}

function expectSame(built: Instruction, call: Call): void {
  expect(plain(built), call.name).toEqual(plain(toInstruction(call)));
}

it("grants", async () => {
  const chain = new Chain();
  const { programs } = chain;
  const calls = new GrantCalls(chain, chain.funded("grantor").address, chain.funded("grantee").address);
  const [payer, grantor, grantee] = [calls.payer, calls.grantor, calls.grantee].map((address) => createNoopSigner(address));
  const keys = [chain.funded("a").address, chain.funded("b").address];
  expectSame(await createGrant(programs, payer, grantor, calls.grantee), calls.create());
  expectSame(await setGrantActive(programs, grantor, calls.grantee, true), calls.setActive(1));
  expectSame(await setDelegates(programs, payer, grantee, calls.grantor, keys, { clear: false }), calls.setDelegates(0, keys));
  expectSame(await setDelegates(programs, payer, grantee, calls.grantor, [], { clear: true }), calls.setDelegates(1, []));
  expectSame(await closeGrant(programs, grantor, calls.grantee, calls.payer), calls.close(calls.payer));
});

it("treasuries", async () => {
  const chain = new Chain();
  const { programs } = chain;
  const run = new TreasuryRun(chain, "the run");
  const { scenario } = run;
  const at = await runAddresses(programs, "the run");
  const collateral = { mint: run.mint, tokenProgram: run.tokenProgram };
  const authority = createNoopSigner(run.authority);
  const member = scenario.member(0);
  const owner = createNoopSigner(member.owner.address);

  const texts = { runId: "the run", name: "A run", description: "made by a test", clientVersion: "starling 0.1.0" };
  const newRun = { ...texts, mainAuthority: run.authority, joinAuthority: scenario.joinAuthority.address };
  // the client lets the authority pay for the run too
  expectSame(await createRunWithTreasury(programs, authority, newRun, collateral), withAccounts(run.createRun(), { payer: run.authority }));
  const paused = await asAuthority(programs, authority, run.treasury, (by) => setPaused(at, by, true));
  expectSame(paused, run.forward(scenario.setPaused(true)));
  const payer = chain.funded("payer of participants").address;
  expectSame(await createParticipant(at, createNoopSigner(payer), owner.address), run.createParticipant(owner.address));
  expectSame(await claim(at, owner, collateral, 77n), run.claim(member, 77n));
  expectSame(await topUp(at, createNoopSigner(payer), collateral, 5n), run.topUp(payer, 5n));
  expectSame(await withdrawSurplus(at, authority, collateral), run.withdrawSurplus());
  expectSame(await closeParticipant(at, owner), run.closeParticipant(owner.address));
});
