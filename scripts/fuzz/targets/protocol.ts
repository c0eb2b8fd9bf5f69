import { type TileLayout, tileLayout, tileTopk } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeResult, encodeResult, type SentResult } from "@starling/trainer-core/compress/wire";
import { WireError } from "@starling/trainer-core/compress/wireError";
import type { Message } from "@starling/trainer-core/protocol/codec";
import { ProtocolError } from "@starling/trainer-core/protocol/errors";
import * as messages from "@starling/trainer-core/protocol/messages";
import { expectBytes, filled, type FuzzTarget } from "../target.ts";

const announce: messages.Announce = {
  fields: {
    runId: "fuzz",
    epoch: 3,
    step: 70_000,
    batch: 12,
    start: 100n,
    end: 131n,
    sender: filled(32, 2),
    epochStartHash: filled(32, 3),
    residualRoot: filled(32, 4),
    payloadBytes: 4096,
  },
  commitment: filled(32, 5),
  blob: { root: filled(32, 6), sizeBytes: 4096 },
  signature: filled(64, 7),
};
const list: messages.WitnessList = {
  runId: "fuzz",
  epoch: 3,
  step: 70_000,
  witness: filled(32, 8),
  entries: Array.from({ length: 5 }, (_, batch) => ({ batch: batch * 3, commitment: filled(32, batch) })),
};

const record: messages.RecordOfRound = {
  epoch: 3,
  step: 70_000,
  height: 9,
  drain: false,
  assignments: [0, 1, 2].map((clientIndex) => ({ clientIndex, start: BigInt(clientIndex * 4), end: BigInt(clientIndex * 4 + 3) })),
  elected: [0, 1].map((clientIndex) => ({ clientIndex, position: clientIndex })),
  quorum: 2,
  witnesses: [1, 0].map((clientIndex) => ({
    clientIndex,
    position: clientIndex,
    bitmap: filled(32),
    listRoot: filled(32, 3),
    parameterHash: filled(32, 4),
    listsHeld: clientIndex === 0 ? null : 3,
  })),
};

function messageTarget<T>(name: string, message: Message<T>, values: T[]): FuzzTarget {
  return {
    name,
    isRefusal: (error) => error instanceof ProtocolError,
    decode(bytes) {
      expectBytes(message.encode(message.decode(bytes)), bytes, name);
      return true;
    },
    valid: () => values.map((value) => message.encode(value)),
  };
}

/** A matrix of several tiles, a vector, and one whose last byte of 1-bit values is padded. */
const shapes = [[8, 12], [6], [5, 3]];

function resultTarget(name: string, oneBit: boolean): FuzzTarget {
  const layouts = shapes.map((shape) => tileLayout(shape, 4));
  const options = { oneBit, topk: 3 };
  return {
    name,
    isRefusal: (error) => error instanceof WireError,
    decode(bytes) {
      expectBytes(encodeResult(decodeResult(bytes, layouts, options), layouts, options), bytes, name);
      return true;
    },
    valid: () => [0, 1].map((from) => encodeResult(sampleResult(layouts, from, oneBit), layouts, options)),
  };
}

function sampleResult(layouts: readonly TileLayout[], from: number, oneBit: boolean): SentResult {
  const index: number[] = [];
  for (const layout of layouts) {
    const k = tileTopk(layout, 3);
    for (let tile = 0; tile < layout.tiles; tile++) for (let n = 0; n < k; n++) index.push(Math.min(layout.total - k + n, from + n));
  }
  const valueBits = Uint32Array.from(index, (_, i) => (i % 3 === 0 ? 0xbf800000 : oneBit ? 0x3f800000 : 0x40490fdb));
  return { index: Uint32Array.from(index), valueBits };
}

export const protocolTargets: FuzzTarget[] = [
  messageTarget("gossip", messages.gossipMessage, [
    { type: "announce", value: announce },
    { type: "list", value: list },
    { type: "evidence", value: { first: announce, second: { ...announce, commitment: filled(32, 9) } } },
  ]),
  messageTarget("announce-request", messages.announceRequest, [
    { runId: "fuzz", step: 5, batch: 2, commitment: null },
    { runId: "", step: 5, batch: 2, commitment: filled(32) },
  ]),
  messageTarget("announce-response", messages.announceResponse, [null, announce]),
  messageTarget("list-request", messages.listRequest, [{ runId: "fuzz", step: 5, root: filled(32) }]),
  messageTarget("list-response", messages.listResponse, [null, list]),
  messageTarget("record-request", messages.recordRequest, [{ runId: "fuzz", epoch: 3, step: 5 }]),
  messageTarget("record-response", messages.recordResponse, [null, record]),
  messageTarget("model-response", messages.modelResponse, [
    null,
    {
      leaves: { root: filled(32), sizeBytes: 64 },
      tensors: ["a", "model.embed_tokens.weight"].map((name) => ({ name, blob: announce.blob })),
    },
  ]),
  messageTarget("model-request", messages.modelRequest, [{ runId: "fuzz", parameterHash: filled(32) }]),
  resultTarget("result-one-bit", true),
  resultTarget("result-f32", false),
];
