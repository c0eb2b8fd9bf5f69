/** What Solana nodes send: their JSON, and in it the accounts of the three programs. */
import type { Address } from "@solana/kit";
import { getGrantEncoder } from "@starling/sdk/generated/authorizer/index";
import {
  getConfigEncoder,
  getMemberEncoder,
  getRunEncoder,
  getSessionEncoder,
  getWitnessInstructionDataEncoder,
} from "@starling/sdk/generated/coordinator/index";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { decodeGrant, decodeMember, decodeRunConfig, decodeRunHeader, decodeSession, letsIn } from "@starling/sdk/solana/accounts";
import { ChainError } from "@starling/sdk/solana/chainError";
import { account, type ChainAccount, contextSlot, field, list, parseJson } from "@starling/sdk/solana/json";
import { LOCAL_PROGRAMS, PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import { runFacts, tableBytes, tablePart, unsettledSlots } from "@starling/sdk/solana/stateAccounts";
import { logLines, transactionError } from "@starling/sdk/solana/transactionError";
import { decodeWitnessInstruction } from "@starling/sdk/solana/witnessInstruction";
import { encodeWitnessMetadata } from "@starling/sdk/witnessMetadata";
import { type FuzzTarget, filled, json, text, utf8 } from "../target.ts";

const { coordinator, authorizer } = LOCAL_PROGRAMS;
const isRefusal = (error: unknown): boolean => error instanceof ChainError;

function padded(value: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(utf8(value));
  return bytes;
}

/** Every reader, with the program whose accounts it takes. */
const READERS: readonly [Address, (account: ChainAccount) => unknown][] = [
  [coordinator, (run) => runFacts(decodeRunHeader(LOCAL_PROGRAMS, run).machine)],
  [coordinator, (config) => decodeRunConfig(LOCAL_PROGRAMS, config)],
  [coordinator, (member) => decodeMember(LOCAL_PROGRAMS, member)],
  [coordinator, (session) => decodeSession(LOCAL_PROGRAMS, session)],
  [coordinator, (table) => unsettledSlots(tablePart(LOCAL_PROGRAMS, table))],
  [authorizer, (grant) => letsIn(decodeGrant(LOCAL_PROGRAMS, PUBLIC_GRANTEE, grant), coordinator, authorizer)],
];

export const chainTargets: FuzzTarget[] = [
  {
    name: "chain-account",
    isRefusal,
    decode(data) {
      const refusals = READERS.map(([owner, read]) => {
        try {
          read({ owner, lamports: 1n, data });
          return null;
        } catch (error) {
          if (!isRefusal(error)) throw error;
          return error;
        }
      });
      if (refusals.every((refusal) => refusal !== null)) throw refusals[0];
      return true;
    },
    valid() {
      const head = { bump: 255, index: 0 };
      const [run, owner] = [coordinator, authorizer];
      const ids = { ...head, run, runCreatedMs: 7n, owner };
      const points = { earned: 9n, slashed: 2n, claimed: 1n, bondLamports: 5n, unbondingLamports: 4n, unbondingEpoch: 3, ejected: 0 };
      const addresses = "/ip4/127.0.0.1/tcp/1\n/ip6/::1/tcp/2";
      const announced = { addressesLen: addresses.length, addresses: padded(addresses, 400) };
      const texts = { name: padded("a run", 64), description: padded("of words", 280), clientVersion: padded("1", 96) };
      const toml = 'run_id = "run"\n';
      const config = { tomlLen: toml.length, stagedLen: toml.length, numParameters: 1n, vocabSize: 2n, toml: padded(toml, 8192) };
      const authorities = { mainAuthority: owner, joinAuthority: owner, authorizerProgram: authorizer };
      const numbers = {
        nonce: 9n,
        minBondLamports: 8n,
        createdMs: 7n,
        unclaimedPoints: 6n,
        unpromisedPoints: 5n,
        configSha256: filled(32),
      };
      const table = new Uint8Array(tableBytes(2)).fill(1);
      table.set([3, 1]);
      const grant = { grantor: coordinator, grantee: PUBLIC_GRANTEE, scope: padded("CoordinatorJoinRun", 32), updatedMs: 1n, active: 1 };
      return [
        getRunEncoder().encode({ ...head, ...authorities, ...numbers, machine: filled(LAYOUT.Run.bytes) }),
        getConfigEncoder().encode({ ...head, run, ...texts, ...config }),
        getMemberEncoder().encode({ ...ids, grant: authorizer, ...points }),
        getSessionEncoder().encode({ ...ids, session: owner, peerId: filled(32), expiresMs: 5n, ...announced }),
        table,
        getGrantEncoder().encode({ ...head, ...grant, delegatesLen: 2, delegates: [owner, run] }),
      ].map((bytes) => new Uint8Array(bytes));
    },
  },
  {
    name: "witness-instruction",
    isRefusal,
    // it says no by null: what is no witness message is another one
    decode: (data) => decodeWitnessInstruction(data) !== null,
    valid() {
      const report = { slot: 3, step: 7, bitmap: filled(32), listRoot: filled(32), reveal: filled(32), parameterHash: filled(32) };
      const said = { loss: 2.5, tokensPerSecond: 1e3, bandwidthBytesPerSecond: 5e2, efficiency: 0.5, sampleText: "text", evals: [] };
      const extras = [new Uint8Array(0), filled(512), new Uint8Array([...filled(512), ...encodeWitnessMetadata(said)])];
      return extras.map((extra) => new Uint8Array(getWitnessInstructionDataEncoder().encode({ ...report, extra })));
    },
  },
  {
    name: "chain-answer",
    isRefusal,
    decode(bytes) {
      const result = field(parseJson(text(bytes)), "result");
      contextSlot(result);
      const value = field(result, "value");
      const failure = field(value, "err");
      if (failure !== undefined) return transactionError(LOCAL_PROGRAMS, [], failure, logLines(field(value, "logs")), null).message !== "";
      list(value, "accounts").map(account);
      return true;
    },
    valid: () => {
      const answer = (value: unknown): Uint8Array => json({ jsonrpc: "2.0", id: 1, result: { context: { slot: 7 }, value } });
      const logs = [`Program ${coordinator} invoke [1]`, "Program log: no", `Program ${coordinator} failed: custom program error: 0x1f`];
      return [
        answer([{ owner: coordinator, lamports: 5, data: [btoa("account"), "base64"], executable: false, space: 7 }, null]),
        answer({ err: { InstructionError: [2, { Custom: 31 }] }, logs }),
        answer({ err: "AccountNotFound", logs: null }),
      ];
    },
  },
];
