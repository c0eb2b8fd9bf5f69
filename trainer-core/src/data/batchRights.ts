/** Who may have which sequences now: read off the coordinator's snapshot, as every client reads its own batches. */
import { toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import type { CoordinatorPort, Snapshot } from "@starling/sdk/types";

/** The running round, and the one before it: a client may be a little late, and so may the server. */
const ROUNDS_SERVED = 2;

interface Batch {
  /** distinguishes a batch from one of the same sequences in a repeated epoch */
  name: string;
  start: bigint;
  end: bigint;
}

export type Verdict =
  | { granted: true; batch: Batch }
  | { granted: false; code: "not-a-member" | "unknown-round" | "not-your-batch"; message: string };

/** What a data server asks before it gives anything. */
export interface DataRights {
  /** Whether the peer may have the closed range [start, end]; null while nothing is known yet. */
  of(peer: Uint8Array, start: bigint, end: bigint): Verdict | null;
  close(): void;
}

/** The rights that a run's coordinator grants by its assignment of batches. */
export function snapshotRights(coordinator: Pick<CoordinatorPort, "subscribe">): DataRights {
  let newest: Snapshot | null = null;
  let batches: BatchTable | null = null;
  const unsubscribe = coordinator.subscribe((snapshot) => {
    newest = snapshot;
    batches = null; // decoded when somebody asks: most snapshots are never asked about
  });
  return {
    of(peer, start, end) {
      if (newest === null) return null;
      batches ??= new BatchTable(newest);
      return batches.of(peer, start, end);
    },
    close: unsubscribe,
  };
}

/** Batches by peer, of one snapshot. */
class BatchTable {
  readonly #batches = new Map<string, Batch[]>();
  /** the data indexes of the rounds served */
  readonly #rounds: { start: bigint; end: bigint }[] = [];

  /** Throws a `MachineError` on bytes that are no machine of this version. */
  constructor(snapshot: Snapshot) {
    const machine = Machine.load(snapshot.bytes);
    const { rounds, clients, epoch } = machine.state();
    for (const { peerId, state } of clients) if (state === "Healthy") this.#batches.set(toHex(peerId), []);
    for (const round of rounds.filter(({ drain }) => !drain).slice(-ROUNDS_SERVED)) {
      this.#rounds.push({ start: round.dataIndex, end: round.dataIndex + BigInt(round.batchSize) - 1n });
      for (const { clientIndex, start, end } of machine.assignment(round.height)) {
        const client = clients[clientIndex];
        this.#batches.get(toHex(client.peerId))?.push({ name: `${epoch}/${round.step}/${start}`, start, end });
      }
    }
  }

  /** Whether the peer may have the closed range [start, end]: a batch of its own, or a part of one. */
  of(peer: Uint8Array, start: bigint, end: bigint): Verdict {
    const batches = this.#batches.get(toHex(peer));
    if (batches === undefined) {
      return { granted: false, code: "not-a-member", message: "this peer has no slot in the running epoch" };
    }
    const batch = batches.find((one) => one.start <= start && end <= one.end);
    if (batch !== undefined) return { granted: true, batch };
    if (!this.#rounds.some((round) => round.start <= start && end <= round.end)) {
      return { granted: false, code: "unknown-round", message: `no round in progress trains the sequences [${start}, ${end}]` };
    }
    const own = batches.map((one) => `[${one.start}, ${one.end}]`).join(", ");
    return {
      granted: false,
      code: "not-your-batch",
      message: `the sequences [${start}, ${end}] are not this peer's${own === "" ? "" : `; it has ${own}`}`,
    };
  }
}
