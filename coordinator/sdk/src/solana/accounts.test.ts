import { generateKeyPairSigner, getAddressEncoder, type Address } from "@solana/kit";
import { beforeAll, describe, expect, it } from "vitest";
import { COMPLIANCE_CONFIG } from "../complianceClient.ts";
import { getGrantEncoder } from "../generated/authorizer/index.ts";
import { getMemberEncoder, getRunEncoder, getSessionEncoder } from "../generated/coordinator/index.ts";
import { LAYOUT } from "../generated/machineLayout.ts";
import { Machine, MachineError } from "../machine.ts";
import { unpackState } from "../stateBytes.ts";
import { claimablePoints, decodeGrant, decodeMember, decodeRunConfig, decodeRunHeader, decodeSession, letsIn } from "./accounts.ts";
import { ChainError } from "./chainError.ts";
import type { ChainAccount } from "./json.ts";
import { JOIN_SCOPE, LOCAL_PROGRAMS, PUBLIC_GRANTEE } from "./pdas.ts";
import { assembleState, RUN_HEADER_BYTES } from "./stateAccounts.ts";

let [one, two, three]: Address[] = [];

beforeAll(async () => {
  [one, two, three] = (await Promise.all([generateKeyPairSigner(), generateKeyPairSigner(), generateKeyPairSigner()])).map(
    ({ address }) => address,
  );
});

const key = (address: Address): Uint8Array => new Uint8Array(getAddressEncoder().encode(address));
const of = (owner: Address, data: Uint8Array): ChainAccount => ({ owner, lamports: 5n, data });
const mine = (data: Iterable<number>): ChainAccount => of(LOCAL_PROGRAMS.coordinator, Uint8Array.from(data));

function padded(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

function runAccount(): Uint8Array {
  const machine = Machine.create("a run", COMPLIANCE_CONFIG, 1_000n);
  const state = unpackState(machine.bytes());
  const header = { bump: 255, index: 0, mainAuthority: one, joinAuthority: two, authorizerProgram: three };
  const numbers = { nonce: 9n, minBondLamports: 8n, createdMs: 7n, unclaimedPoints: 6n, unpromisedPoints: 5n };
  const run = state.slice(LAYOUT.State.fields.run.offset, LAYOUT.State.fields.run.offset + LAYOUT.Run.bytes);
  return new Uint8Array(getRunEncoder().encode({ ...header, ...numbers, configSha256: new Uint8Array(32).fill(3), machine: run }));
}

const member = () => ({
  ...{ bump: 1, index: 0, run: one, runCreatedMs: 7n, owner: two, grant: three, earned: 100n, slashed: 30n, claimed: 20n },
  ...{ bondLamports: 1n, unbondingLamports: 2n, unbondingEpoch: 3, ejected: 0 },
});

describe("reading accounts", () => {
  it("reads a run's header, and the machine behind it", () => {
    const account = runAccount();
    expect(account.length).toBe(RUN_HEADER_BYTES + LAYOUT.Run.bytes);
    const header = decodeRunHeader(LOCAL_PROGRAMS, mine(account));
    expect(header).toMatchObject({
      mainAuthority: one,
      joinAuthority: two,
      nonce: 9n,
      unclaimedPoints: 6n,
      unpromisedPoints: 5n,
      isConfigured: true,
    });
    const state = assembleState(LOCAL_PROGRAMS, header.machine, [null, null], [null, null, null, null]).state();
    expect(state).toMatchObject({ runId: "a run", runState: "Uninitialized" });
  });

  it("reads a member, and what it may claim", () => {
    const read = decodeMember(LOCAL_PROGRAMS, mine(getMemberEncoder().encode(member())));
    expect(read).toMatchObject({ owner: two, earned: 100n });
    expect(claimablePoints(read)).toBe(50n);
    expect(claimablePoints({ earned: 1n, slashed: 2n, claimed: 0n })).toBe(0n);
  });

  it("reads a session's addresses", () => {
    const text = "/ip4/127.0.0.1/tcp/1\n/ip6/::1/tcp/2";
    const fields = { bump: 1, index: 0, run: one, runCreatedMs: 7n, owner: two, session: three, peerId: key(one), expiresMs: 5n };
    const encoded = getSessionEncoder().encode({ ...fields, addressesLen: text.length, addresses: padded(text, 400) });
    expect(decodeSession(LOCAL_PROGRAMS, mine(encoded)).multiaddrs).toEqual(["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/2"]);
    // a length that lies does not read past the field
    const lying = getSessionEncoder().encode({ ...fields, addressesLen: 65_535, addresses: padded(text, 400) });
    expect(() => decodeSession(LOCAL_PROGRAMS, mine(lying))).not.toThrow();
  });

  it("judges a grant as the program does", () => {
    const grant = (fields: object, owner = LOCAL_PROGRAMS.authorizer) => {
      const whole = {
        bump: 1,
        index: 0,
        grantor: one,
        grantee: two,
        scope: padded(JOIN_SCOPE, 32),
        updatedMs: 1n,
        active: 1,
        delegatesLen: 1,
      };
      const encoded = getGrantEncoder().encode({ ...whole, delegates: [three], ...fields });
      return decodeGrant(LOCAL_PROGRAMS, one, of(owner, new Uint8Array(encoded)));
    };
    expect(letsIn(grant({}), one, two)).toBe(true);
    expect(letsIn(grant({}), one, three)).toBe(true);
    expect(letsIn(grant({ delegatesLen: 0 }), one, three)).toBe(false);
    expect(letsIn(grant({ delegatesLen: 255 }), one, three)).toBe(true);
    expect(letsIn(grant({ grantee: PUBLIC_GRANTEE }), one, one)).toBe(true);
    expect(letsIn(grant({ active: 0 }), one, two)).toBe(false);
    expect(letsIn(grant({ scope: padded("Another", 32) }), one, two)).toBe(false);
    expect(letsIn(grant({}), three, two)).toBe(false);
    expect(() => grant({}, LOCAL_PROGRAMS.coordinator)).toThrow(/belongs to the program/);
  });

  it("refuses what belongs to another program, is of another kind or version, or too short", () => {
    const account = runAccount();
    const changed = (at: number, value: number): Uint8Array => account.with(at, value);
    for (const [bad, why] of [
      [of(LOCAL_PROGRAMS.treasurer, account), /belongs to the program/],
      [mine(changed(0, 2)), /kind 2/],
      [mine(changed(1, 9)), /version 9/],
      [mine(account.subarray(0, 100)), /100 bytes/],
      [mine([]), /0 bytes/],
    ] as const) {
      expect(() => decodeRunHeader(LOCAL_PROGRAMS, bad)).toThrow(why);
    }
  });

  it("fails on nothing but with its own errors, whatever the bytes", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const random = generator(seed);
    const decoders: ((account: ChainAccount) => unknown)[] = [
      (account) => {
        const { machine } = decodeRunHeader(LOCAL_PROGRAMS, account);
        assembleState(LOCAL_PROGRAMS, machine, [account, null], [account, null, null, null]);
      },
      (account) => decodeRunConfig(LOCAL_PROGRAMS, account),
      (account) => decodeMember(LOCAL_PROGRAMS, account),
      (account) => decodeSession(LOCAL_PROGRAMS, account),
      (account) => decodeGrant(LOCAL_PROGRAMS, one, of(LOCAL_PROGRAMS.authorizer, account.data)),
    ];
    for (let i = 0; i < 300; i++) {
      const data = Uint8Array.from({ length: Math.floor(random() * 9_000) }, () => Math.floor(random() * 256));
      if (data.length > 1) {
        data[0] = 1 + Math.floor(random() * 6);
        data[1] = 1;
      }
      for (const decode of decoders) {
        try {
          decode(mine(data));
        } catch (error) {
          if (!(error instanceof ChainError) && !(error instanceof MachineError)) throw error;
        }
      }
    }
  });
});

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
