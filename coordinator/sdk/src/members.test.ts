import { describe, expect, it } from "vitest";
import { CoordinatorError } from "./errors.ts";
import { MAX_MEMBERS, MAX_MULTIADDR_CHARS, MAX_MULTIADDRS, MemberTable } from "./members.ts";
import { type ClientSlot, type Member, NEVER_EXPIRES } from "./types.ts";

function member(tag: number, change: Partial<Member> = {}): Member {
  const key = (kind: number): Uint8Array => {
    const bytes = new Uint8Array(32).fill(kind);
    new DataView(bytes.buffer).setUint32(0, tag);
    return bytes;
  };
  return { owner: key(1), session: key(2), peerId: key(3), chainHead: key(4), expiresMs: NEVER_EXPIRES, ...change };
}

function slot(of: Member, state: ClientSlot["state"]): ClientSlot {
  return {
    ...of,
    index: 0,
    state,
    carried: state === "Healthy",
    exitedHeight: 0,
    roundsTrained: 0,
    missedRounds: 0,
    earned: 0n,
    slashed: 0n,
  };
}

function tableOf(...members: Member[]): MemberTable {
  const table = new MemberTable();
  for (const one of members) table.join(one, []);
  return table;
}

function saved(table: MemberTable): Member[] {
  return table.saved().map(({ multiaddrs: _, ...of }) => of);
}

describe("MemberTable", () => {
  it("keeps the order of joining; who joins again keeps the place and brings new keys", () => {
    const table = tableOf(member(1), member(2), member(3));
    const renewed = member(2, { chainHead: new Uint8Array(32).fill(9), owner: new Uint8Array(32).fill(8) });
    expect(table.join(renewed, [])).toBe(true);
    expect(table.join(renewed, [])).toBe(false);
    expect(saved(table)).toEqual([member(1), renewed, member(3)]);
  });

  it("has a peer and a session once: a new session of a known peer takes the old one's place", () => {
    const table = tableOf(member(1), member(2), member(3));
    const merged = member(1, { session: member(9).session, peerId: member(3).peerId });
    table.join(merged, []);
    expect(saved(table)).toEqual([member(1), member(2), merged]);
    table.join(member(1, { peerId: member(3).peerId }), []);
    expect(saved(table)).toEqual([member(1, { peerId: member(3).peerId }), member(2)]);
  });

  it("follows a chain that is revealed, and leaves a fresh one alone", () => {
    const table = tableOf(member(1));
    const reveal = new Uint8Array(32).fill(7);
    table.advanceChain(member(1).session, reveal, member(1).chainHead);
    expect(saved(table)[0].chainHead).toEqual(reveal);
    table.advanceChain(member(1).session, new Uint8Array(32).fill(6), member(1).chainHead);
    expect(saved(table)[0].chainHead).toEqual(reveal);
  });

  it("drops members whose grant is over", () => {
    const table = tableOf(member(1));
    table.join(member(2, { expiresMs: 100n }), []);
    expect(table.expire(99n)).toEqual([]);
    expect(table.expire(100n)).toMatchObject([{ expiresMs: 100n }]);
    expect(saved(table)).toEqual([member(1)]);
  });

  it("drops an ejected owner, whatever its session, and refuses it from then on", () => {
    const table = tableOf(member(1), member(2, { owner: member(1).owner }), member(3));
    expect(table.eject(member(1).owner)).toHaveLength(2);
    expect(saved(table)).toEqual([member(3)]);
    expect(() => table.join(member(4, { owner: member(1).owner }), [])).toThrow(CoordinatorError);
  });

  it("allows the pending and the healthy, each peer once", () => {
    const table = new MemberTable();
    table.join(member(1), ["/ip4/1.2.3.4/tcp/5"]);
    const slots = [slot(member(1), "Healthy"), slot(member(2), "Healthy"), slot(member(3), "Withdrawn")];
    expect(table.addresses(slots)).toEqual([
      { peerId: member(1).peerId, multiaddrs: ["/ip4/1.2.3.4/tcp/5"] },
      { peerId: member(2).peerId, multiaddrs: [] },
    ]);
  });

  it("is bounded", () => {
    const table = tableOf(...Array.from({ length: MAX_MEMBERS }, (_, tag) => member(tag)));
    expect(() => table.join(member(MAX_MEMBERS), [])).toThrow(/here already/);
    expect(table.join(member(5, { chainHead: new Uint8Array(32) }), [])).toBe(true);
    expect(() =>
      table.join(
        member(5),
        Array.from({ length: MAX_MULTIADDRS + 1 }, () => "/a"),
      ),
    ).toThrow(CoordinatorError);
    expect(() => table.join(member(5), ["x".repeat(MAX_MULTIADDR_CHARS + 1)])).toThrow(CoordinatorError);
  });
});
