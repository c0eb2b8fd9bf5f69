/** A transaction of Solana has 1,232 bytes: the largest of ours, with all their optional parts, budget, price and signatures, fit. */
import { type Blockhash, generateKeyPairSigner, getTransactionSize, type Instruction, type KeyPairSigner } from "@solana/kit";
import { TOKEN_PROGRAM_ADDRESS } from "@solana-program/token";
import { beforeAll, describe, expect, it } from "vitest";
import { LAYOUT } from "../generated/machineLayout.ts";
import { METADATA_LIMITS } from "../witnessMetadata.ts";
import { setDelegates } from "./grants.ts";
import * as calls from "./instructions.ts";
import { CHAIN_LIMITS } from "./limits.ts";
import { LOCAL_PROGRAMS, type RunAddresses, runAddresses } from "./pdas.ts";
import { MAX_TRANSACTION_BYTES, signTransaction } from "./transactions.ts";
import { asAuthority, claim, createRunWithTreasury } from "./treasury.ts";

const RUN_ID = "r".repeat(32);
const KEY = new Uint8Array(32).fill(0xff);
const LIFETIME = { blockhash: "9".repeat(43) as Blockhash, lastValidBlockHeight: 1n };

let at: RunAddresses;
/** owner, session and fee payer are different keys: each is an account and a signature more */
let [one, two, other]: KeyPairSigner[] = [];

beforeAll(async () => {
  at = await runAddresses(LOCAL_PROGRAMS, RUN_ID);
  [one, two, other] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner(), generateKeyPairSigner()]);
});

async function size(instructions: Instruction[], feePayer: KeyPairSigner): Promise<number> {
  return getTransactionSize(await signTransaction(instructions, feePayer, LIFETIME, 1_400_000, 2n ** 64n - 1n));
}

const message = { step: 2 ** 32 - 1, bitmap: KEY, listRoot: KEY, reveal: KEY, parameterHash: KEY };
const where = { table: 1, height: 3, slot: 65_535 };
const newRun = (): calls.NewRun => ({
  runId: RUN_ID,
  name: "n".repeat(CHAIN_LIMITS.nameBytes),
  description: "d".repeat(CHAIN_LIMITS.descriptionBytes),
  clientVersion: "v".repeat(CHAIN_LIMITS.clientVersionBytes),
  mainAuthority: one.address,
  joinAuthority: two.address,
  minBondLamports: 2n ** 64n - 1n,
});
const collateral = () => ({ mint: other.address, tokenProgram: TOKEN_PROGRAM_ADDRESS });

describe("transactions fit", () => {
  const cases: Record<string, () => Promise<number>> = {
    "witness with a Bloom filter, metadata and the tick that it makes due": async () => {
      const extras = { bloom: new Uint8Array(CHAIN_LIMITS.bloomBytes), metadata: new Uint8Array(METADATA_LIMITS.bytes) };
      return size([calls.witness(at, one, where, { ...message, ...extras }), calls.tick(at, 3)], one);
    },
    "witness with as much metadata as the program takes": async () => {
      const extras = { bloom: new Uint8Array(CHAIN_LIMITS.bloomBytes), metadata: new Uint8Array(CHAIN_LIMITS.metadataBytes) };
      return size([calls.witness(at, one, where, { ...message, ...extras })], one);
    },
    "join with 400 bytes of addresses": async () => {
      const multiaddrs = ["a".repeat(199), "b".repeat(200)];
      return size([await calls.joinRun(at, one, other.address, other.address, { chainHead: KEY, multiaddrs })], one);
    },
    "session with its refuel": async () => {
      const terms = { expiresMs: 2n ** 64n - 1n, floatLamports: CHAIN_LIMITS.floatLamports };
      return size([await calls.openSession(at, one, two, other, terms), await calls.refuel(at, two, 2n ** 64n - 1n)], one);
    },
    "a session's end, by anyone": async () => size([await calls.closeSession(at, two, one.address, other.address)], two),
    "a piece of configuration through the treasury": async () => {
      const piece = new Uint8Array(CHAIN_LIMITS.configChunkBytes);
      return size([await asAuthority(LOCAL_PROGRAMS, one, other.address, (by) => calls.writeConfig(at, by, 0, piece))], one);
    },
    "update-config through the treasury": async () => {
      const config = { tomlLen: CHAIN_LIMITS.tomlBytes, tomlSha256: KEY, machineConfig: new Uint8Array(LAYOUT.Config.bytes) };
      return size([await asAuthority(LOCAL_PROGRAMS, one, other.address, (by) => calls.updateConfig(at, by, config))], one);
    },
    "all metadata through the treasury": async () => {
      const { name, description, clientVersion } = newRun();
      const metadata = { name, description, clientVersion, numParameters: 1n, vocabSize: 1n, joinAuthority: KEY, minBondLamports: 1n };
      return size([await asAuthority(LOCAL_PROGRAMS, one, other.address, (by) => calls.updateMetadata(at, by, metadata))], one);
    },
    "a run with all its texts": async () => size([await calls.createRun(LOCAL_PROGRAMS, one, newRun())], one),
    "a run with a treasury and as many texts as it may have at first": async () => {
      const { name, clientVersion, ...run } = newRun();
      const left = CHAIN_LIMITS.textsWithTreasuryBytes - name!.length - clientVersion!.length;
      const texts = { name, clientVersion, description: "d".repeat(left) };
      return size([await createRunWithTreasury(LOCAL_PROGRAMS, one, { ...run, ...texts }, collateral())], one);
    },
    "settlement of 20 members": async () => {
      const owners = await Promise.all(Array.from({ length: CHAIN_LIMITS.settleSlots }, () => generateKeyPairSigner()));
      const slots = owners.map(({ address }, slot) => ({ slot, owner: address }));
      return size([await calls.settle(at, 1, slots)], one);
    },
    "a health check of 16": () =>
      size(
        [
          calls.healthCheck(
            at,
            one,
            where,
            Array.from({ length: 16 }, (_, i) => i),
          ),
        ],
        one,
      ),
    "a checkpoint with 192 bytes of location": async () =>
      size([await calls.checkpoint(at, one, where, KEY, "l".repeat(CHAIN_LIMITS.locationBytes))], one),
    delegates: async () => {
      const delegates = await Promise.all(Array.from({ length: CHAIN_LIMITS.delegatesAtOnce }, () => generateKeyPairSigner()));
      const keys = delegates.map(({ address }) => address);
      return size([await setDelegates(LOCAL_PROGRAMS, two, one, other.address, keys, { clear: false })], two);
    },
    "a claim": async () => size([await claim(at, one, collateral(), 2n ** 64n - 1n)], one),
    "the run's end through the treasury": async () =>
      size([await asAuthority(LOCAL_PROGRAMS, one, other.address, (by) => calls.closeRun(at, by, two.address))], one),
  };

  for (const [what, measure] of Object.entries(cases)) {
    it(what, async () => {
      const bytes = await measure();
      expect(bytes).toBeLessThanOrEqual(MAX_TRANSACTION_BYTES);
    });
  }

  it("says so where one does not", async () => {
    expect(() => calls.writeConfig(at, one, 0, new Uint8Array(CHAIN_LIMITS.configChunkBytes + 1))).toThrow(/piece of the configuration/);
    expect(() =>
      calls.healthCheck(
        at,
        one,
        where,
        Array.from({ length: 17 }, () => 0),
      ),
    ).toThrow(/1 to 16/);
    await expect(calls.joinRun(at, one, other.address, other.address, { chainHead: KEY, multiaddrs: ["a".repeat(401)] })).rejects.toThrow(
      /400/,
    );
  });
});
