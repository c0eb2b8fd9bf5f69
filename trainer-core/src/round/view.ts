/** Decodes snapshots: the machine, as wasm, says who trains and who witnesses. */
import { toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import type { RoundRecord, Snapshot } from "@starling/sdk/types";
import type { CoordinatorView, RoundPlan } from "./states.ts";

type Selection = Pick<RoundPlan, "assignments" | "elected" | "quorum">;

/** The coordinator stores four rounds; selections of two epochs' worth of them are enough. */
const mostSelections = 8;

/** One a client: remembers the selections of the stored rounds, which do not change. */
export class SnapshotViewer {
  readonly #selections = new Map<string, Selection>();

  /** Throws a `MachineError` on bytes that are not a machine of this version. */
  view(snapshot: Snapshot): CoordinatorView {
    const machine = Machine.load(snapshot.bytes);
    const state = machine.state();
    const plans = state.rounds.map((record): RoundPlan => ({
      step: record.step,
      height: record.height,
      drain: record.drain,
      seed: record.seed,
      startedMs: Number(record.startedMs),
      witnesses: record.witnesses.map((entry) => ({ ...entry, root: toHex(entry.listRoot) })),
      ...this.#select(machine, record, `${state.epoch}/${record.height}/${record.startedMs}/${toHex(record.seed)}`),
    }));
    return {
      nonce: snapshot.nonce,
      state,
      plans,
      members: snapshot.members,
      coordinatorNowMs: Number(snapshot.coordinatorNowMs),
    };
  }

  #select(machine: Machine, { height, drain }: RoundRecord, key: string): Selection {
    const known = this.#selections.get(key);
    if (known !== undefined) return known;
    const selection: Selection = {
      assignments: drain ? [] : machine.assignment(height),
      elected: machine.elected(height),
      quorum: machine.quorum(height),
    };
    this.#selections.set(key, selection);
    for (const oldest of this.#selections.keys()) {
      if (this.#selections.size <= mostSelections) break;
      this.#selections.delete(oldest);
    }
    return selection;
  }
}
