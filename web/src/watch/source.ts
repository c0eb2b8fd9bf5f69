/** Where runs are: a cluster, or a coordinator over TCP. The watcher asks a source to follow; what it finds goes into channels. */
import type { ListChannel, RunChannel } from "./channels.ts";

/** Something that goes on until it is stopped. */
export interface Feed {
  stop(): void;
}

export interface RunFeed extends Feed {
  /** reads one page more of the past */
  older(): void;
}

export interface Source {
  list(channel: ListChannel): Feed;
  follow(runId: string, channel: RunChannel): RunFeed;
  /** Stops what still runs and hangs up. */
  close(): Promise<void>;
}
