/** What every member must have earned, counted a second time from the rounds' records (coordinator/crates/machine/src/attest.rs). */
import type { Transition } from "@starling/sdk/coreOptions";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { Machine } from "@starling/sdk/machine";
import { unpackState } from "@starling/sdk/stateBytes";
import type { CoordinatorState } from "@starling/sdk/types";

export class Ledger {
  /** points paid in all epochs so far */
  paid = 0n;
  /** what members hold, by owner (hex) */
  readonly earned = new Map<string, bigint>();
  #carry = 0n;
  /** rounds trained in this epoch, by slot */
  #trained: number[] = [];
  #epochId = "";
  #rate = 0n;
  #slashing = 0n;

  /** Follows the machine. Returns what does not add up. */
  note({ from, to, state, bytes }: Transition): string[] {
    const epochId = `${state.epoch}/${state.epochStartMs}`;
    if (to === "Warmup" && epochId !== this.#epochId) {
      this.#epochId = epochId;
      this.#trained = state.clients.map(() => 0);
      this.#rate = state.config.earningRateTotalShared;
      this.#slashing = state.config.slashingRatePerClient;
    }
    const problems: string[] = [];
    if (from === "RoundWitness") this.#countRound(state, bytes, problems);
    if (from === "Cooldown") {
      this.#settle(state, problems);
      const carry = carryOf(bytes);
      if (carry !== this.#carry) problems.push(`${carry} points are carried over, ${this.#carry} are left`);
    }
    return problems;
  }

  #countRound(state: CoordinatorState, bytes: Uint8Array, problems: string[]): void {
    const machine = Machine.load(bytes);
    const round = state.rounds.find(({ step }) => step === state.step - 1);
    if (round === undefined) problems.push(`the record of round ${state.step - 1} is gone as it ends`);
    else if (!round.drain) {
      const quorum = machine.quorum(round.height);
      for (const { batch, clientIndex } of machine.assignment(round.height)) {
        const attesting = round.witnesses.filter(({ bitmap }) => ((bitmap[batch >> 3] >> (batch & 7)) & 1) === 1).length;
        if (attesting >= quorum) this.#trained[clientIndex]++;
      }
    }
    for (const { index, roundsTrained } of state.clients) {
      if (roundsTrained === this.#trained[index]) continue;
      problems.push(`slot ${index} has ${roundsTrained} rounds, a quorum attested ${this.#trained[index]} (step ${state.step - 1})`);
    }
  }

  #settle(state: CoordinatorState, problems: string[]): void {
    const total = state.clients.reduce((sum, { index, state: is }) => sum + (is === "Ejected" ? 0 : this.#trained[index]), 0);
    const pool = this.#rate + this.#carry;
    let paid = 0n;
    for (const { index, state: is, earned, slashed, owner } of state.clients) {
      const due = is === "Ejected" || total === 0 ? 0n : (pool * BigInt(this.#trained[index])) / BigInt(total);
      const slash = is === "Ejected" ? this.#slashing : 0n;
      if (earned !== due) problems.push(`slot ${index} (${is}) earned ${earned} points in epoch ${state.epoch - 1}, ${due} are due`);
      if (slashed !== slash) problems.push(`slot ${index} (${is}) was slashed ${slashed} points, ${slash} are due`);
      paid += earned;
      const hex = Buffer.from(owner).toString("hex");
      this.earned.set(hex, (this.earned.get(hex) ?? 0n) + earned);
    }
    if (total > 0) {
      if (paid > pool) problems.push(`${paid} points were paid of ${pool}`);
      this.#carry = pool - paid;
    } else if (paid > 0n) problems.push(`an epoch that nobody trained paid ${paid} points`);
    this.paid += paid;
    const held = [...this.earned.values()].reduce((sum, points) => sum + points, 0n);
    if (held !== this.paid) problems.push(`members hold ${held} points, ${this.paid} were paid`);
  }
}

/** What the division of an epoch's points left over; for the machine alone, so not among the decoded fields. */
function carryOf(bytes: Uint8Array): bigint {
  const { buffer } = unpackState(bytes);
  return new DataView(buffer).getBigUint64(LAYOUT.State.fields.run.offset + LAYOUT.Run.fields.points_carry.offset, true);
}
