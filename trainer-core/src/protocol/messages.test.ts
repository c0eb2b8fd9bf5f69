import { generateKeypair } from "@starling/network/keys";
import { seededRandom } from "@starling/network/random";
import { bytesToHex as hex } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { announceDigest, announceIsSigned, commitmentHash, listRoot, signAnnounce } from "./commitment.ts";
import { ProtocolError } from "./errors.ts";
import {
  type Announce,
  announceRequest,
  announceResponse,
  type CommitmentFields,
  gossipMessage,
  listRequest,
  listResponse,
  modelRequest,
  modelResponse,
  recordRequest,
  recordResponse,
} from "./messages.ts";
import type { Message } from "./codec.ts";

const signer = generateKeypair(new Uint8Array(32).fill(7));
const fill = (value: number, length = 32): Uint8Array => new Uint8Array(length).fill(value);
const payload = Uint8Array.of(1, 2, 3, 4, 5);
const fields: CommitmentFields = {
  runId: "run-1",
  epoch: 2,
  step: 40,
  batch: 3,
  start: 100n,
  end: 103n,
  sender: signer.publicKey,
  epochStartHash: fill(0xaa),
  residualRoot: fill(0xbb),
  payloadBytes: payload.byteLength,
};
const commitment = commitmentHash(fields, payload);
const blob = { root: fill(0xcc), sizeBytes: payload.byteLength };
const announce = await signAnnounce(signer, fields, commitment, blob);
const otherCommitment = commitmentHash(fields, Uint8Array.of(1, 2, 3, 4, 6));
const otherAnnounce = await signAnnounce(signer, fields, otherCommitment, blob);
const entries = [
  { batch: 0, commitment: fill(1) },
  { batch: 3, commitment },
];
const witnessList = { runId: "run-1", epoch: 2, step: 40, witness: fill(9), entries };

const record = {
  epoch: 2,
  step: 40,
  height: 3,
  drain: false,
  assignments: [{ clientIndex: 1, start: 100n, end: 103n }],
  elected: [{ clientIndex: 1, position: 0 }],
  quorum: 1,
  witnesses: [{ clientIndex: 1, position: 0, bitmap: fill(1), listRoot: fill(2), parameterHash: fill(0), listsHeld: 1 }],
};

const samples: [string, Message<unknown>, unknown][] = [
  ["announce", gossipMessage, { type: "announce", value: announce }],
  ["list", gossipMessage, { type: "list", value: witnessList }],
  ["evidence", gossipMessage, { type: "evidence", value: { first: announce, second: otherAnnounce } }],
  ["announce request", announceRequest, { runId: "run-1", step: 40, batch: 3, commitment }],
  ["any announce request", announceRequest, { runId: "run-1", step: 40, batch: 3, commitment: null }],
  ["announce response", announceResponse, announce],
  ["list request", listRequest, { runId: "run-1", step: 40, root: fill(2) }],
  ["list response", listResponse, null],
  ["model request", modelRequest, { runId: "run-1", parameterHash: fill(4) }],
  ["model response", modelResponse, { leaves: blob, tensors: [{ name: "lm_head.weight", blob: { root: fill(4), sizeBytes: 4096 } }] }],
  ["record request", recordRequest, { runId: "run-1", epoch: 2, step: 40 }],
  ["record response", recordResponse, record],
];

describe("messages", () => {
  test.each(samples)("%s survives a round trip, within its stated size", (_name, codec, value) => {
    const encoded = codec.encode(value);
    expect(codec.decode(encoded)).toEqual(value);
    expect(encoded.byteLength).toBeLessThanOrEqual(codec.maxBytes);
  });

  test("the bytes are these and no others", () => {
    const fieldsHex =
      `0572756e2d31${"0200"}${"28000000"}${"0300"}${"6400000000000000"}${"6700000000000000"}` +
      `${hex(signer.publicKey)}${"aa".repeat(32)}${"bb".repeat(32)}05000000`;
    const announceHex = `${fieldsHex}${hex(commitment)}${"cc".repeat(32)}05000000${hex(announce.signature)}`;
    expect(hex(gossipMessage.encode({ type: "announce", value: announce }))).toBe(`0101${announceHex}`);
    expect(hex(gossipMessage.encode({ type: "list", value: witnessList }))).toBe(
      `01020572756e2d31020028000000${"09".repeat(32)}02000000${"01".repeat(32)}0300${hex(commitment)}`,
    );
    expect(hex(listRequest.encode({ runId: "run-1", step: 40, root: fill(2) }))).toBe(`010572756e2d3128000000${"02".repeat(32)}`);
    const manifest = { leaves: blob, tensors: [{ name: "t", blob: { root: fill(4), sizeBytes: 4096 } }] };
    expect(hex(modelResponse.encode(manifest))).toBe(`0101${"cc".repeat(32)}0500000001000174${"04".repeat(32)}00100000`);
    expect(hex(recordRequest.encode({ runId: "run-1", epoch: 2, step: 40 }))).toBe("010572756e2d31020028000000");
    expect(hex(recordResponse.encode(record))).toBe(
      `0101${"0200"}${"28000000"}${"03000000"}00` +
        `0100${"0100"}${"6400000000000000"}${"6700000000000000"}` +
        `01${"0100"}0001` +
        `01${"0100"}00${"01".repeat(32)}${"02".repeat(32)}${"00".repeat(32)}0101000000`,
    );
  });

  test("a full list fits a gossip message many times over", () => {
    const full = Array.from({ length: 256 }, (_, batch) => ({ batch, commitment: fill(batch & 255) }));
    const encoded = gossipMessage.encode({ type: "list", value: { ...witnessList, runId: "r".repeat(32), entries: full } });
    expect(encoded.byteLength).toBeLessThan(9_000);
  });

  test("every shorter and every longer form is refused", () => {
    for (const [, codec, value] of samples) {
      const encoded = codec.encode(value);
      for (let length = 0; length < encoded.byteLength; length++) {
        expect(() => codec.decode(encoded.subarray(0, length))).toThrow(ProtocolError);
      }
      expect(codeOf(() => codec.decode(Uint8Array.of(...encoded, 0)))).toBe("trailing-bytes");
    }
  });

  test("lists out of order, equal evidence and sizes that contradict each other are refused", () => {
    const reversed = { ...witnessList, entries: [...entries].reverse() };
    expect(codeOf(() => gossipMessage.encode({ type: "list", value: reversed }))).toBe("bad-value");
    const twice = { first: announce, second: announce };
    expect(codeOf(() => gossipMessage.encode({ type: "evidence", value: twice }))).toBe("bad-value");
    const short: Announce = { ...announce, blob: { ...blob, sizeBytes: 4 } };
    expect(codeOf(() => announceResponse.encode(short))).toBe("bad-value");
    const stranger = { ...record, witnesses: [{ ...record.witnesses[0], clientIndex: 2 }] };
    expect(codeOf(() => recordResponse.encode(stranger))).toBe("bad-value");
    expect(codeOf(() => recordResponse.encode({ ...record, quorum: 2 }))).toBe("bad-value");
    expect(codeOf(() => recordResponse.encode({ ...record, elected: [{ clientIndex: 300, position: 0 }], witnesses: [] }))).toBe(
      "bad-value",
    );
    const encoded = gossipMessage.encode({ type: "list", value: witnessList });
    encoded[encoded.byteLength - 34] = 0; // the second entry's batch: 3 -> 0
    expect(codeOf(() => gossipMessage.decode(encoded))).toBe("bad-value");
    expect(codeOf(() => gossipMessage.decode(Uint8Array.of(2, 1)))).toBe("unknown-version");
    expect(codeOf(() => gossipMessage.decode(Uint8Array.of(1, 9)))).toBe("unknown-tag");
  });

  test("mutated bytes either fail with a ProtocolError or are the canonical form of another value", () => {
    const seed = 20_250_101;
    const random = seededRandom(seed);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const [name, codec, value] = samples[Math.floor(random() * samples.length)];
      const encoded = codec.encode(value).slice();
      for (let i = 0; i <= Math.floor(random() * 3); i++) encoded[Math.floor(random() * encoded.byteLength)] = Math.floor(random() * 256);
      const cut = random() < 0.3 ? encoded.subarray(0, Math.floor(random() * encoded.byteLength)) : encoded;
      try {
        expect(codec.encode(codec.decode(cut)), `seed ${seed}, round ${round}, ${name}`).toEqual(cut);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5_000);
  });
});

describe("commitments", () => {
  test("golden hashes", () => {
    expect(hex(commitment)).toMatchInlineSnapshot(`"9f08f4580ce6122a47cd8f3b129dc23c1373d3735ab18dd7c6b4435d966839eb"`);
    expect(hex(announceDigest(announce))).toMatchInlineSnapshot(`"1270e287950bc735235356870b15e281b6df3032653de90a15f10b6a780e0ac5"`);
    expect(hex(listRoot("run-1", 2, 40, entries))).toMatchInlineSnapshot(
      `"4a9c7f7910668b6ccdd8db5c98c44e4c117991217f8fd950ab1c5db981f71379"`,
    );
    expect(hex(listRoot("run-1", 2, 40, []))).toMatchInlineSnapshot(`"81503bd5248507912a3dc2a41794cde7decd2047c9c420888e1eca9c7ad0de17"`);
  });

  test("every field and every payload byte counts", () => {
    const changed: Partial<CommitmentFields>[] = [
      { runId: "run-2" },
      { epoch: 3 },
      { step: 41 },
      { batch: 4 },
      { start: 99n },
      { end: 104n },
      { sender: fill(1) },
      { epochStartHash: fill(1) },
      { residualRoot: fill(1) },
      { payloadBytes: 6 },
    ];
    const hashes = changed.map((change) => hex(commitmentHash({ ...fields, ...change }, payload)));
    for (let i = 0; i < payload.byteLength; i++) {
      const flipped = payload.slice();
      flipped[i] ^= 1;
      hashes.push(hex(commitmentHash(fields, flipped)));
    }
    expect(new Set([hex(commitment), ...hashes]).size).toBe(hashes.length + 1);
  });

  test("a signature covers every field, the commitment and the address, and is the sender's", () => {
    expect(announceIsSigned(announce)).toBe(true);
    expect(announceIsSigned({ ...announce, commitment: otherCommitment })).toBe(false);
    expect(announceIsSigned({ ...announce, blob: { ...blob, root: fill(1) } })).toBe(false);
    const moved: Partial<CommitmentFields>[] = [{ epoch: 3 }, { step: 41 }, { batch: 4 }, { start: 99n }, { residualRoot: fill(1) }];
    for (const change of moved) expect(announceIsSigned({ ...announce, fields: { ...fields, ...change } })).toBe(false);
    const other = generateKeypair(fill(8)).publicKey;
    expect(announceIsSigned({ ...announce, fields: { ...fields, sender: other } })).toBe(false);
  });
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}
