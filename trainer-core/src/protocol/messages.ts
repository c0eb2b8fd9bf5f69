/** Every message that peers exchange, declared once. Golden bytes in messages.test.ts hold the formats still. */
import { equalBytes } from "@starling/network/hash";
import { bool, bytes, checked, list, message, optional, string, struct, u16, u32, u64, u8, union, type ValueOf } from "./codec.ts";

/** The machine's limits (existing-system.md 1.1): batches, which are at most one a client, and bytes of a run id. */
export const maxBatches = 256;
export const maxRunIdBytes = 32;
export const maxWitnesses = 32;
/** Tensors of a model: 126 layers of nine are the most of any Llama. */
export const maxTensors = 2048;
export const maxTensorNameBytes = 128;

const key = bytes(32);
const hash = bytes(32);
const runId = string(maxRunIdBytes);

/** What a commitment says of a result besides its payload. */
export const commitmentFields = struct({
  runId,
  epoch: u16,
  step: u32,
  /** place in the round's assignment */
  batch: u16,
  /** first and last data index of the batch, both included */
  start: u64,
  end: u64,
  /** peer id key of the trainer */
  sender: key,
  /** parameter hash with which the epoch began */
  epochStartHash: hash,
  /** Merkle root over the tiles of the sender's residual after this round */
  residualRoot: hash,
  payloadBytes: u32,
});
export type CommitmentFields = ValueOf<typeof commitmentFields>;

export const blobAddress = struct({ root: hash, sizeBytes: u32 });

const announceCodec = checked(
  struct({
    fields: commitmentFields,
    /** `commitmentHash` of the fields and the payload */
    commitment: hash,
    blob: blobAddress,
    /** ed25519 by `fields.sender` over `announceDigest` */
    signature: bytes(64),
  }),
  ({ fields, blob }) =>
    fields.payloadBytes !== blob.sizeBytes
      ? `the payload has ${fields.payloadBytes} bytes but the blob that holds it ${blob.sizeBytes}`
      : fields.start > fields.end
        ? `the batch starts at ${fields.start}, after its end ${fields.end}`
        : null,
);
/** A trainer says: this is my result, there it is. */
export type Announce = ValueOf<typeof announceCodec>;

/** What one witness verified in a round, by rising batch. */
export const listEntries = checked(list(struct({ batch: u16, commitment: hash }), maxBatches), (entries) =>
  entries.every(({ batch }, i) => batch < maxBatches && (i === 0 || batch > entries[i - 1].batch))
    ? null
    : `batches must rise and stay below ${maxBatches}`,
);
export type ListEntries = ValueOf<typeof listEntries>;

const witnessListCodec = struct({ runId, epoch: u16, step: u32, witness: key, entries: listEntries });
export type WitnessList = ValueOf<typeof witnessListCodec>;

const evidenceCodec = checked(struct({ first: announceCodec, second: announceCodec }), ({ first, second }) => {
  const [a, b] = [first.fields, second.fields];
  const same = a.runId === b.runId && a.epoch === b.epoch && a.step === b.step && a.batch === b.batch;
  if (!same || !equalBytes(a.sender, b.sender)) return "both announcements must be of one sender, step and batch";
  return equalBytes(first.commitment, second.commitment) ? "the two commitments are equal" : null;
});
/** Two results of one trainer for one batch: it told different peers different things. */
export type Evidence = ValueOf<typeof evidenceCodec>;

/** Everything that is gossiped, on the one topic of the run. */
export const gossipMessage = message(
  "gossip message",
  1,
  union({ announce: [1, announceCodec], list: [2, witnessListCodec], evidence: [3, evidenceCodec] }),
);
export type Gossip = ReturnType<typeof gossipMessage.decode>;

export const announceProtocol = "/starling/announce/1";
/** `commitment` null: whatever the peer has announced or heard first for that batch. */
export const announceRequest = message("announce request", 1, struct({ runId, step: u32, batch: u16, commitment: optional(hash) }));
export const announceResponse = message("announce response", 1, optional(announceCodec));

export const listProtocol = "/starling/list/1";
export const listRequest = message("list request", 1, struct({ runId, step: u32, root: hash }));
export const listResponse = message("list response", 1, optional(witnessListCodec));

/** A round as the coordinator held it when it moved on: the same at every honest member, byte for byte. */
const recordCodec = checked(
  struct({
    epoch: u16,
    step: u32,
    height: u32,
    drain: bool,
    /** by batch: its trainer's slot, and its first and last data index */
    assignments: list(struct({ clientIndex: u16, start: u64, end: u64 }), maxBatches),
    elected: list(struct({ clientIndex: u16, position: u8 }), maxWitnesses),
    quorum: u8,
    /** in the order in which the coordinator took their reports */
    witnesses: list(
      struct({
        clientIndex: u16,
        position: u8,
        bitmap: hash,
        listRoot: hash,
        parameterHash: hash,
        /** bit p: it holds the list of the witness at position p; null: it did not say */
        listsHeld: optional(u32),
      }),
      maxWitnesses,
    ),
  }),
  ({ assignments, elected, quorum, witnesses }) => {
    const slots = [...assignments, ...elected].map(({ clientIndex }) => clientIndex);
    if (slots.some((slot) => slot >= maxBatches)) return `a slot is below ${maxBatches}`;
    if (elected.some(({ position }) => position >= maxWitnesses)) return `a position is below ${maxWitnesses}`;
    if (quorum > elected.length) return `a quorum of ${quorum} cannot come from ${elected.length} elected`;
    const isElected = (witness: { clientIndex: number; position: number }): boolean =>
      elected.some(({ clientIndex, position }) => clientIndex === witness.clientIndex && position === witness.position);
    return witnesses.every(isElected) ? null : "a witness was not elected";
  },
);
export type RecordOfRound = ValueOf<typeof recordCodec>;

export const recordProtocol = "/starling/record/1";
export const recordRequest = message("record request", 1, struct({ runId, epoch: u16, step: u32 }));
/** Null: the peer does not keep that round, or it is not over. */
export const recordResponse = message("record response", 1, optional(recordCodec));

const modelManifest = struct({
  /** (tiles, 32): the leaves whose root is the parameter hash, by tensor and tile */
  leaves: blobAddress,
  /** by ascending name: each tensor's f32 little-endian values, row-major */
  tensors: list(struct({ name: string(maxTensorNameBytes), blob: blobAddress }), maxTensors),
});
/** Where the blobs of a model are. Only its leaves can be checked at once; they then judge each tensor. */
export type ModelManifest = ValueOf<typeof modelManifest>;

export const modelProtocol = "/starling/model/2";
export const modelRequest = message("model request", 1, struct({ runId, parameterHash: hash }));
/** Null: the peer does not hold the parameters with that hash. */
export const modelResponse = message("model response", 1, optional(modelManifest));

export function gossipTopic(run: string): string {
  return `starling/round/1/${run}`;
}
