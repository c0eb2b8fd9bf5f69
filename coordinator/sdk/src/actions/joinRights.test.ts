import { generateKeyPairSigner, type Address } from "@solana/kit";
import { PUBLIC_GRANTEE } from "../solana/pdas.ts";
import { beforeAll, describe, expect, test } from "vitest";
import { granteesFor, joinRight, type JoinFacts } from "./joinRights.ts";

let owner: Address;
let other: Address;
let authority: Address;
beforeAll(async () => {
  [owner, other, authority] = (await Promise.all([1, 2, 3].map(() => generateKeyPairSigner()))).map(({ address }) => address) as [
    Address,
    Address,
    Address,
  ];
});

const open = (): JoinFacts => ({
  runId: "r",
  owner,
  joinAuthority: authority,
  isConfigWhole: true,
  runState: "WaitingForMembers",
  minBondLamports: 0n,
  member: null,
  isMember: false,
  members: 0,
  grants: [{ grantee: PUBLIC_GRANTEE, grant: { isActive: true, delegates: [] } }],
});

describe("who may join", () => {
  test("by a grant of its own, as a delegate, or as everyone", () => {
    expect(granteesFor(owner, undefined)).toEqual([owner, PUBLIC_GRANTEE]);
    expect(granteesFor(PUBLIC_GRANTEE, undefined)).toEqual([PUBLIC_GRANTEE]);
    expect(granteesFor(owner, other)).toEqual([other]);
    expect(joinRight(open())).toEqual({ mayJoin: true, grantee: PUBLIC_GRANTEE, note: null });
    const own = { ...open(), grants: [{ grantee: owner, grant: { isActive: true, delegates: [] } }] };
    expect(joinRight(own)).toMatchObject({ mayJoin: true, grantee: owner });
    const delegated = { ...open(), grants: [{ grantee: other, grant: { isActive: true, delegates: [authority, owner] } }] };
    expect(joinRight(delegated)).toMatchObject({ mayJoin: true, grantee: other });
  });

  test("a member, and who comes while the run is paused, hear of it", () => {
    expect(joinRight({ ...open(), isMember: true, members: 256 })).toMatchObject({ mayJoin: true, note: "it is a member already" });
    expect(joinRight({ ...open(), runState: "Paused" })).toMatchObject({ mayJoin: true, note: "the run is paused: it waits as a member" });
  });

  test("each reason has its sentence, and says whether it can pass", () => {
    const inactive = { isActive: false, delegates: [] };
    const foreign = { isActive: true, delegates: [] };
    const table: [Partial<JoinFacts>, mayLater: boolean, RegExp][] = [
      [{ runState: "Finished" }, false, /is finished/],
      [{ runState: null }, true, /not started yet/],
      [{ runState: "Uninitialized" }, true, /not started yet/],
      [{ runState: "Paused", isConfigWhole: false }, true, /configuration of run r is being changed/],
      [
        {
          grants: [
            { grantee: owner, grant: null },
            { grantee: PUBLIC_GRANTEE, grant: null },
          ],
        },
        true,
        /no grant "CoordinatorJoinRun" for .* for everyone/,
      ],
      [{ grants: [{ grantee: PUBLIC_GRANTEE, grant: inactive }] }, true, /is not active/],
      [{ grants: [{ grantee: other, grant: foreign }] }, true, /does not name .* as a delegate/],
      [{ member: { ejected: true, bondLamports: 0n } }, false, /was ejected/],
      [{ minBondLamports: 1_500_000_000n }, true, /a bond of 1.5 SOL, .* has deposited 0 SOL/],
      [{ minBondLamports: 2n, member: { ejected: false, bondLamports: 1n } }, true, /0.000000002 SOL, .* 0.000000001 SOL/],
      [{ members: 256 }, true, /is full/],
    ];
    for (const [change, mayLater, sentence] of table) {
      const right = joinRight({ ...open(), ...change });
      expect(right).toMatchObject({ mayJoin: false, mayLater, reason: expect.stringMatching(sentence) as string });
    }
  });
});
