/** What stands where a run's coordinator stands: its process, or the chain. */
import type { ParentMessage } from "../events.ts";

export interface Seat {
  readonly alive: boolean;
  readonly name: string;
  send(message: ParentMessage): void;
  stop(graceMs: number): Promise<void>;
}
