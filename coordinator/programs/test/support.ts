/** Two runs side by side, so that every account of one can be tried in the other, and what each test says about an instruction. */
import type { Address } from "@solana/kit";
import { Chain } from "@starling/programs/harness";
import { attack, type AttackOptions } from "@starling/programs/attack";
import type { CoordinatorInstruction } from "@starling/programs/coordinatorCalls";
import type { Check, Coverage } from "@starling/programs/coverage";
import type { Scenario, ScenarioOptions } from "@starling/programs/scenario";
import { type Call, toInstruction } from "@starling/programs/wire";
import { expect } from "vitest";

export const COVERED: Readonly<Record<"admin" | "members" | "rounds", readonly CoordinatorInstruction[]>> = {
  admin: [
    "create_run",
    "allocate",
    "write_config",
    "update_config",
    "update_metadata",
    "set_paused",
    "set_future_epoch_rates",
    "record_claim",
    "fund",
    "close_run",
  ],
  members: [
    "open_session",
    "close_session",
    "refuel",
    "join_run",
    "leave_run",
    "enforce_grant",
    "deposit_bond",
    "withdraw_bond",
    "close_member",
  ],
  rounds: ["tick", "warmup_witness", "witness", "downloaded", "health_check", "report_equivocation", "checkpoint", "settle"],
};

export class Trial {
  readonly chain: Chain;
  readonly run: Scenario;
  readonly other: Scenario;
  readonly #coverage: Coverage;

  constructor(coverage: Coverage, make: (chain: Chain, options: ScenarioOptions) => Scenario, chain = new Chain()) {
    this.#coverage = coverage;
    this.chain = chain;
    this.other = make(chain, { runId: "the other run" });
    this.run = make(chain, { runId: "the run" });
  }

  /** Every generic variant of a good call is refused; its account in the other run is taken from `otherCall`. */
  attack(call: Call, otherCall: Call | null, options: AttackOptions = {}): void {
    const otherRun: Record<string, Address> = {};
    for (const [index, account] of (otherCall?.accounts ?? []).entries()) {
      if (account.address !== call.accounts[index].address && !account.signer) otherRun[account.name] = account.address;
    }
    for (const name of ["owner", "spill", "closer"]) delete otherRun[name];
    attack(this.chain, this.#coverage, call, { otherRun, ...options });
  }

  /** Accepted; the run's nonce moves by one, or not at all where nothing of the run changes. */
  accept(call: Call, { changesRun = true }: { changesRun?: boolean } = {}): void {
    const before = this.#nonce();
    this.run.send(call);
    const after = this.#nonce();
    if (before !== null && after !== null) expect(after - before, `${call.name}: nonce`).toBe(changesRun ? 1n : 0n);
    this.#coverage.count(call.name, "good path");
  }

  /** Refused with one of `names`, and nothing changed. */
  refuse(check: Check, call: Call, ...names: readonly string[]): void {
    expect(names, `${call.name}, ${check}`).toContain(this.chain.mustRefuse(toInstruction(call)));
    this.#coverage.count(call.name, check);
  }

  /** Accepted without any change. */
  noChange(check: Check, call: Call): void {
    const before = this.chain.fingerprint();
    this.run.send(call);
    expect(this.chain.fingerprint(), `${call.name}, ${check}`).toBe(before);
    this.#coverage.count(call.name, check);
  }

  cannot(instruction: CoordinatorInstruction, check: Check, reason: string): void {
    this.#coverage.cannot(instruction, check, reason);
  }

  #nonce(): bigint | null {
    const account = this.chain.account(this.run.at.run);
    return account === null || account.data.length === 0 ? null : this.run.nonce();
  }
}
