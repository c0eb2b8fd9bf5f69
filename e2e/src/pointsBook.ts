/** What a run's members must have earned, by the machine's own formula, from what a spectator saw at the end of each epoch. */
import { getAddressDecoder } from "@solana/kit";
import type { CoordinatorPort } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";

interface Worked {
  owner: string;
  rounds: number;
  isEjected: boolean;
}

export class PointsBook {
  /** by epoch, as seen last: in its drain rounds, which count for nobody, or after them */
  readonly #epochs = new Map<number, Worked[]>();

  constructor(port: CoordinatorPort) {
    port.subscribe(({ bytes }) => {
      const { runState, epoch, clients, rounds } = Machine.load(bytes).state();
      const isOver = runState === "WaitingForMembers" || runState === "Paused";
      const isDraining = runState === "Cooldown" || (runState.startsWith("Round") && rounds.at(-1)?.drain === true);
      if (!isDraining && !(isOver && epoch > 0)) return;
      const worked = clients.map(({ owner, roundsTrained, state }) => ({
        owner: getAddressDecoder().decode(owner),
        rounds: roundsTrained,
        isEjected: state === "Ejected",
      }));
      // until the next epoch is formed the slots are those of the one before
      this.#epochs.set(isOver ? epoch - 1 : epoch, worked);
    });
  }

  /** Rounds in which that owner's batch was attested. */
  rounds(epoch: number, owner: string): number {
    return this.#epochs.get(epoch)?.find((one) => one.owner === owner)?.rounds ?? 0;
  }

  /** Points of each owner over the epochs before `epoch`, as text; throws where one of them went by unseen. */
  earned(rate: bigint, epoch: number): Record<string, string> {
    const sums = new Map<string, bigint>();
    let carry = 0n;
    for (let number = 0; number < epoch; number++) {
      const worked = this.#epochs.get(number);
      if (worked === undefined) throw new Error(`the end of epoch ${number} was not seen`);
      const paid = worked.filter(({ isEjected }) => !isEjected);
      const total = paid.reduce((sum, { rounds }) => sum + BigInt(rounds), 0n);
      for (const { owner } of worked) sums.set(owner, sums.get(owner) ?? 0n);
      if (total === 0n) continue;
      const pool = rate + carry;
      const [whole, rest] = [pool / total, pool % total];
      carry = pool;
      for (const { owner, rounds } of paid) {
        const points = whole * BigInt(rounds) + (rest * BigInt(rounds)) / total;
        carry -= points;
        sums.set(owner, sums.get(owner)! + points);
      }
    }
    return Object.fromEntries([...sums].map(([owner, points]) => [owner, String(points)]));
  }
}
