import type { LoadedCheckpoint } from "./readCheckpoint.ts";
import type { Checkpoint } from "./writeCheckpoint.ts";

/** A checkpoint a store holds. */
export interface StoredCheckpoint {
  runId: string;
  step: number;
  epoch: number;
  parameterHash: string;
  created: string;
  /** a path or an address, for people and for `load` */
  location: string;
}

export interface SavedCheckpoint {
  location: string;
  /** older checkpoints that should have been deleted and could not be: the disk will fill */
  notDeleted: string[];
}

/** Where a host keeps checkpoints. All methods reject with a `CheckpointError`. */
export interface CheckpointStore {
  /** Writes all of it or nothing, then deletes the oldest checkpoints of the run beyond those to keep. */
  save(checkpoint: Checkpoint, signal?: AbortSignal): Promise<SavedCheckpoint>;
  /** The run's checkpoints, newest first; what is damaged or was not written by Starling is not among them. */
  list(runId: string): Promise<StoredCheckpoint[]>;
  /** The run's newest checkpoint, or null when there is none. */
  loadLatest(runId: string, signal?: AbortSignal): Promise<LoadedCheckpoint | null>;
  load(location: string, signal?: AbortSignal): Promise<LoadedCheckpoint>;
}
