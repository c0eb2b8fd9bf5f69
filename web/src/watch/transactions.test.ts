import { getBase58Decoder, type Address } from "@solana/kit";
import { getTickInstructionDataEncoder, getWitnessInstructionDataEncoder } from "@starling/sdk/generated/coordinator/index";
import type { Json } from "@starling/sdk/solana/json";
import { LOCAL_PROGRAMS } from "@starling/sdk/solana/pdas";
import { concatBytes } from "@starling/sdk/bytes";
import { encodeWitnessMetadata } from "@starling/sdk/witnessMetadata";
import { describe, expect, test } from "vitest";
import { readSignatures, readTransaction, type SignatureLine } from "./transactions.ts";

const SESSION = "SessionKey111111111111111111111111111111111";
const RUN = "Run1111111111111111111111111111111111111111" as Address;
const OTHER = "ComputeBudget111111111111111111111111111111";
const line: SignatureLine = { signature: "sig", slot: 7n, atMs: 5_000, isOk: true };
const base58 = (bytes: ArrayLike<number>): string => getBase58Decoder().decode(Uint8Array.from(bytes));

const metadata = encodeWitnessMetadata({
  ...{ loss: 2.5, tokensPerSecond: 64, bandwidthBytesPerSecond: 1, efficiency: 0.5, sampleText: "Enter HAMLET", evals: [] },
});
const witness = getWitnessInstructionDataEncoder().encode({
  ...{ slot: 1, step: 33, bitmap: Uint8Array.of(0b101, ...new Uint8Array(31)), listRoot: new Uint8Array(32), reveal: new Uint8Array(32) },
  ...{ parameterHash: new Uint8Array(32), extra: concatBytes(new Uint8Array(512), metadata) },
});

function transaction(calls: { program: string; data: string }[], inner: { program: string; data: string }[] = []): Json {
  const keys = [SESSION, LOCAL_PROGRAMS.coordinator, LOCAL_PROGRAMS.treasurer, LOCAL_PROGRAMS.authorizer, OTHER, RUN];
  const of = ({ program, data }: { program: string; data: string }) => ({
    programIdIndex: keys.indexOf(program),
    accounts: [0, keys.indexOf(RUN)],
    data,
  });
  return {
    transaction: { message: { accountKeys: keys, instructions: calls.map(of) } },
    meta: { err: null, innerInstructions: [{ index: 0, instructions: inner.map(of) }] },
  };
}

describe("a transaction", () => {
  const report = { program: LOCAL_PROGRAMS.coordinator, data: base58(witness) };
  const tick = { program: LOCAL_PROGRAMS.coordinator, data: base58(getTickInstructionDataEncoder().encode({})) };

  test("a witness's report, with what it said", () => {
    const read = readTransaction(transaction([{ program: OTHER, data: "3" }, report, tick]), line, LOCAL_PROGRAMS, RUN)!;
    expect(read).toMatchObject({ by: SESSION, text: "Witness report" });
    expect(read.reports).toEqual([
      {
        ...{ step: 33, epoch: null, atMs: 5_000, session: SESSION, loss: 2.5, tokensPerSecond: 64, batches: 2, signature: "sig" },
        sampleText: "Enter HAMLET",
      },
    ]);
  });

  test("a report to another run is none of this one, though its transaction names this one", () => {
    const read = readTransaction(transaction([report]), line, LOCAL_PROGRAMS, OTHER as Address)!;
    expect(read.reports).toEqual([]);
  });

  test("one that was refused says nothing about the run", () => {
    const read = readTransaction(transaction([report]), { ...line, isOk: false }, LOCAL_PROGRAMS, RUN)!;
    expect(read.reports).toEqual([]);
    expect(read.text).toBe("Witness report");
  });

  test("what the treasurer passes on is named, what is not ours is not", () => {
    const claim = { program: LOCAL_PROGRAMS.treasurer, data: base58([3]) };
    expect(
      readTransaction(transaction([claim], [{ program: LOCAL_PROGRAMS.coordinator, data: base58([23]) }]), line, LOCAL_PROGRAMS, RUN)!.text,
    ).toBe("Reward claimed, claim recorded");
    expect(readTransaction(transaction([{ program: OTHER, data: "3" }]), line, LOCAL_PROGRAMS, RUN)!.text).toBe("Nothing of our programs");
    expect(readTransaction(transaction([tick]), line, LOCAL_PROGRAMS, RUN)!.text).toBe("Clock tick");
    expect(readTransaction(transaction([{ ...tick, data: base58([200]) }]), line, LOCAL_PROGRAMS, RUN)!.text).toMatch(/unknown call 200/i);
  });

  test("a report that is cut short is no report", () => {
    const cut = { program: LOCAL_PROGRAMS.coordinator, data: base58(Array.from(witness).slice(0, 60)) };
    expect(readTransaction(transaction([cut]), line, LOCAL_PROGRAMS, RUN)!.reports).toEqual([]);
  });

  test("what the node does not have is null; what is no transaction is an error, never a crash", () => {
    expect(readTransaction(null, line, LOCAL_PROGRAMS, RUN)).toBeNull();
    const broken: Json[] = [
      {},
      { transaction: 3 },
      { transaction: { message: { accountKeys: [1], instructions: [] } } },
      { transaction: { message: { accountKeys: Array<string>(500).fill(SESSION), instructions: [] } } },
      transaction([{ ...report, data: "0OIl" }]),
      transaction([{ ...report, data: "1".repeat(5_000) }]),
      { transaction: { message: { accountKeys: [LOCAL_PROGRAMS.coordinator], instructions: [{ programIdIndex: 0, data: "3" }] } } },
    ];
    for (const answer of broken)
      expect(() => readTransaction(answer, line, LOCAL_PROGRAMS, RUN)).toThrow(expect.objectContaining({ name: "ChainError" }));
  });
});

test("signatures", () => {
  expect(
    readSignatures([
      { signature: "a", slot: 5, blockTime: 7, err: null },
      { signature: "b", slot: 4, blockTime: null, err: { InstructionError: [0, "x"] } },
    ]),
  ).toEqual([
    { signature: "a", slot: 5n, atMs: 7_000, isOk: true },
    { signature: "b", slot: 4n, atMs: null, isOk: false },
  ]);
  for (const answer of [null, {}, [{}], [{ signature: 3, slot: 4 }]] as Json[]) expect(() => readSignatures(answer)).toThrow(/expected/);
});
