import { generateKeyPairSigner } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { encodeWitnessMetadata } from "../witnessMetadata.ts";
import { tick, witness } from "./instructions.ts";
import { LOCAL_PROGRAMS, runAddresses } from "./pdas.ts";
import { decodeWitnessInstruction } from "./witnessInstruction.ts";

const said = { loss: 2.5, tokensPerSecond: 10, bandwidthBytesPerSecond: 5, efficiency: 0.5, sampleText: "text", evals: [] };
const key = (from: number): Uint8Array => new Uint8Array(32).fill(from);
const message = { step: 70_000, bitmap: key(1), listRoot: key(2), reveal: key(3), parameterHash: key(4) };

async function dataOf(extras: { bloom?: Uint8Array; metadata?: Uint8Array }): Promise<Uint8Array> {
  const at = await runAddresses(LOCAL_PROGRAMS, "run");
  const where = { table: 0, height: 2, slot: 300 };
  return new Uint8Array(witness(at, await generateKeyPairSigner(), where, { ...message, ...extras }).data!);
}

describe("a witness instruction", () => {
  it("tells what its witness said", async () => {
    const bloom = new Uint8Array(512).fill(9);
    const base = { step: 70_000, slot: 300, bitmap: key(1) };
    expect(decodeWitnessInstruction(await dataOf({ bloom, metadata: encodeWitnessMetadata(said) }))).toEqual({
      ...base,
      bloom,
      metadata: said,
    });
    expect(decodeWitnessInstruction(await dataOf({ bloom }))).toEqual({ ...base, bloom, metadata: null });
    expect(decodeWitnessInstruction(await dataOf({}))).toEqual({ ...base, bloom: null, metadata: null });
    // anybody may send anything behind its filter
    expect(decodeWitnessInstruction(await dataOf({ bloom, metadata: new Uint8Array(200).fill(7) }))).toMatchObject({ metadata: null });
  });

  it("is told from others", async () => {
    const data = await dataOf({});
    expect(decodeWitnessInstruction(data.subarray(0, -1))).toBeNull();
    expect(decodeWitnessInstruction(Uint8Array.of(...data, 0))).toBeNull();
    expect(decodeWitnessInstruction(new Uint8Array(0))).toBeNull();
    expect(decodeWitnessInstruction(new Uint8Array(tick(await runAddresses(LOCAL_PROGRAMS, "run"), 1).data!))).toBeNull();
  });
});
