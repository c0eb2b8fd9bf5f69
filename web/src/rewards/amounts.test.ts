import type { Membership } from "@starling/sdk/actions/memberships";
import { expect, test } from "vitest";
import { amountOf, returnable, tokenSums } from "./amounts.ts";

const membership = (mint: string | null, payable: bigint, claimed: bigint): Membership =>
  ({
    treasury: mint === null ? null : { decimals: 6, account: { mint } },
    payable,
    member: { claimed },
    memberLamports: 5n,
    sessions: [
      { floatLamports: 20n, rentLamports: 3n },
      { floatLamports: 0n, rentLamports: 3n },
    ],
  }) as unknown as Membership;

test("tokens are summed by mint, and points are no tokens", () => {
  const all = [membership("A", 3n, 10n), membership(null, 0n, 99n), membership("B", 0n, 1n), membership("A", 4n, 0n)];
  expect(tokenSums(all)).toEqual([
    { mint: "A", decimals: 6, payable: 7n, claimed: 10n },
    { mint: "B", decimals: 6, payable: 0n, claimed: 1n },
  ]);
  expect(amountOf(all[0]!, 1_500_000n)).toBe("1.5 tokens");
  expect(amountOf(all[1]!, 1_500n)).toBe("1,500 points");
});

test("what comes back is every deposit and every float, but not yet the deposit of who was ejected", () => {
  const mine = membership(null, 0n, 0n);
  expect(returnable(mine)).toBe(31n);
  const ejected = {
    ...mine,
    state: "Paused",
    member: { ...mine.member!, isEjected: true, bondLamports: 2n, unbondingLamports: 1n },
  } as const;
  expect(returnable(ejected)).toBe(29n);
  expect(returnable({ ...ejected, state: null })).toBe(31n);
});
