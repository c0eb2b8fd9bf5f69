/** What the tests of the treasurer stand on: two runs with treasuries, and what is said of each attempt. */
import type { Address } from "@solana/kit";
import { attack, type AttackOptions, someAddress } from "@starling/programs/attack";
import type { Check, Coverage } from "@starling/programs/coverage";
import { Chain } from "@starling/programs/harness";
import type { Member } from "@starling/programs/scenario";
import { type Call, toInstruction } from "@starling/programs/wire";
import { expect } from "vitest";
import { TreasuryRun, withAccounts } from "./treasurer.calls.ts";

/** Two runs side by side, so that every account of one can be tried in the other. */
export class Scene {
  readonly chain = new Chain();
  readonly other: TreasuryRun;
  readonly run: TreasuryRun;

  readonly #coverage: Coverage;

  constructor(coverage: Coverage, options: { tokenProgram?: Address } = {}) {
    this.#coverage = coverage;
    this.other = new TreasuryRun(this.chain, "the other run", options);
    this.run = new TreasuryRun(this.chain, "the run", options);
  }

  accept(call: Call): void {
    this.run.send(call);
    this.#coverage.count(call.name, "good path");
  }

  refuse(check: Check, call: Call, ...names: string[]): void {
    expect(names, `${call.name}, ${check}`).toContain(this.chain.mustRefuse(toInstruction(call)));
    this.#coverage.count(call.name, check);
  }

  /** Accounts of `otherCall` that differ are those of another run. */
  attack(call: Call, otherCall: Call | null, options: AttackOptions = {}): void {
    const otherRun: Record<string, Address> = {};
    for (const [index, account] of (otherCall?.accounts ?? []).entries()) {
      const fresh = this.chain.account(account.address) !== null || options.creates?.includes(account.name);
      if (account.address !== call.accounts[index].address && !account.signer && fresh) otherRun[account.name] = account.address;
    }
    for (const name of ["spill", "owner"]) delete otherRun[name];
    attack(this.chain, this.#coverage, call, { otherRun, ...options });
  }

  /** Refused with an account of this content in that place. */
  refuseToken(check: Check, call: Call, name: string, data: Uint8Array, ...names: string[]): void {
    const address = someAddress(`another ${name}`);
    this.chain.write(address, { owner: this.run.tokenProgram, data });
    this.refuse(check, withAccounts(call, { [name]: address }), ...names);
  }
}

/** Both runs trained an epoch of 900,000 points; both members of each are enrolled; the vaults hold as many units. */
export function paidScene(
  coverage: Coverage,
  options: { tokenProgram?: Address } = {},
): { scene: Scene; members: Member[]; others: Member[] } {
  const scene = new Scene(coverage, options);
  const [others, members] = [scene.other, scene.run].map((run) => {
    run.start().donate(900_000n);
    const trained = run.trainEpoch(2);
    for (const member of trained) run.enroll(member);
    return trained;
  });
  return { scene, members, others };
}

export const claimable = (run: TreasuryRun, member: Member): bigint => {
  const { earned, slashed, claimed } = run.scenario.readMember(member);
  return earned - slashed - claimed;
};

/** Paused, with nothing unsettled. */
export function settleAndPause(run: TreasuryRun): void {
  run.send(run.forward(run.scenario.setPaused(true)));
  run.scenario.settleAll();
}
