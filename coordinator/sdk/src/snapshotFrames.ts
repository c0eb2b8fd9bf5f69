/** Snapshots on their way to a subscriber: the first one whole, after it what changed. A round of 256 clients changes 60 times. */
import { equalBytes } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import { MachineError } from "./machineError.ts";
import { MAX_MULTIADDR_CHARS, MAX_MULTIADDRS } from "./members.ts";
import { differenceOf } from "./stateBytes.ts";
import type { Snapshot } from "./types.ts";
import { bytes, bytesUpTo, decodeAs, encodeAs, list, nullable, struct, text, u64 } from "./wire.ts";

/** The machine's bytes, and the members at their worst, before compression. */
export const MAX_SNAPSHOT_BYTES = 4 * 1024 * 1024;
export const MAX_FRAME_BYTES = MAX_SNAPSHOT_BYTES + 64 * 1024;
const MAX_MACHINE_BYTES = 256 * 1024;
/** pending ones and a full epoch */
const MAX_MEMBERS = 1024;

const MEMBERS = list(struct({ peerId: bytes(32), multiaddrs: list(text(MAX_MULTIADDR_CHARS), MAX_MULTIADDRS) }), MAX_MEMBERS);

const SNAPSHOT = struct({ nonce: u64, bytes: bytesUpTo(MAX_MACHINE_BYTES), coordinatorNowMs: u64, members: MEMBERS });

const CHANGE = struct({
  /** nonce of the snapshot from which it leads to this one: the last one pushed over this subscription */
  from: u64,
  nonce: u64,
  /** `differenceOf` the two states */
  difference: bytesUpTo(MAX_MACHINE_BYTES),
  coordinatorNowMs: u64,
  /** null: they did not change */
  members: nullable(MEMBERS),
});

/** First byte of a frame; behind it is deflated CBOR. */
const KIND = { snapshot: 1, change: 2 } as const;

/** `known`: what the subscriber has; null if nothing. */
export function encodeFrame(snapshot: Snapshot, known: Snapshot | null): Promise<Uint8Array> {
  if (known === null) return pack(KIND.snapshot, encodeAs(SNAPSHOT, snapshot));
  const { nonce, coordinatorNowMs, members } = snapshot;
  const change = {
    from: known.nonce,
    nonce,
    difference: differenceOf(known.bytes, snapshot.bytes),
    coordinatorNowMs,
    members: isSame(known.members, members) ? null : members,
  };
  return pack(KIND.change, encodeAs(CHANGE, change));
}

/** The frames of one subscription, in their order. */
export class FrameReader {
  #newest: Snapshot | null = null;

  /** @throws CoordinatorError `malformed`; never inflates beyond `MAX_SNAPSHOT_BYTES` */
  async read(frame: Uint8Array): Promise<Snapshot> {
    if (frame.length > MAX_FRAME_BYTES) {
      throw new CoordinatorError("malformed", `a snapshot frame has at most ${MAX_FRAME_BYTES} bytes, got ${frame.length}`);
    }
    const kind = frame[0];
    if (kind !== KIND.snapshot && kind !== KIND.change) {
      throw new CoordinatorError("malformed", `expected a snapshot frame of kind 1 or 2, got ${kind}; update the older side`);
    }
    const encoded = await pipe(frame.subarray(1), new DecompressionStream("deflate"), MAX_SNAPSHOT_BYTES);
    this.#newest = kind === KIND.snapshot ? decodeAs(SNAPSHOT, encoded, "snapshot") : this.#change(encoded);
    return this.#newest;
  }

  #change(encoded: Uint8Array): Snapshot {
    const { from, nonce, difference, coordinatorNowMs, members } = decodeAs(CHANGE, encoded, "change of a snapshot");
    const known = this.#newest;
    if (known?.nonce !== from) {
      throw new CoordinatorError("malformed", `the change leads on from snapshot ${from}, the last one here is ${known?.nonce ?? "none"}`);
    }
    try {
      return { nonce, bytes: differenceOf(known.bytes, difference), coordinatorNowMs, members: members ?? known.members };
    } catch (cause) {
      if (!(cause instanceof MachineError)) throw cause;
      throw new CoordinatorError("malformed", `the change of a snapshot cannot be applied: ${cause.message}`, { cause });
    }
  }
}

function isSame(a: Snapshot["members"], b: Snapshot["members"]): boolean {
  return (
    a.length === b.length &&
    a.every(({ peerId, multiaddrs }, i) => {
      const other = b[i];
      return (
        equalBytes(peerId, other.peerId) &&
        multiaddrs.length === other.multiaddrs.length &&
        multiaddrs.every((address, at) => address === other.multiaddrs[at])
      );
    })
  );
}

async function pack(kind: number, encoded: Uint8Array): Promise<Uint8Array> {
  const packed = await pipe(encoded, new CompressionStream("deflate"), MAX_FRAME_BYTES - 1);
  const frame = new Uint8Array(1 + packed.length);
  frame[0] = kind;
  frame.set(packed, 1);
  return frame;
}

/** All bytes of `input` through a compression stream, at most `maxBytes` of them. */
async function pipe(input: Uint8Array, transform: CompressionStream | DecompressionStream, maxBytes: number): Promise<Uint8Array> {
  const reader = new Blob([input.slice()]).stream().pipeThrough(transform).getReader();
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new CoordinatorError("malformed", "a snapshot frame does not inflate: it is damaged", { cause });
    });
    if (done) break;
    total += value.length;
    if (total > maxBytes) {
      await reader.cancel();
      throw new CoordinatorError("malformed", `a snapshot has at most ${maxBytes} bytes`);
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
