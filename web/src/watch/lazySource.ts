/** A source whose code is loaded when it is wanted: who watches a coordinator needs nothing of clusters, and the other way round. */
import type { ListChannel, RunChannel } from "./channels.ts";
import type { Feed, RunFeed, Source } from "./source.ts";

export class LazySource implements Source {
  readonly #source: Promise<Source>;
  #isClosed = false;

  /** A `load` that rejects is said in every channel: the source cannot be used. */
  constructor(load: () => Promise<Source>) {
    this.#source = load();
    this.#source.catch(() => undefined);
  }

  list(channel: ListChannel): Feed {
    return this.#begin(channel, (source) => {
      const feed = source.list(channel);
      return { stop: () => feed.stop(), older: () => undefined };
    });
  }

  follow(runId: string, channel: RunChannel): RunFeed {
    return this.#begin(channel, (source) => source.follow(runId, channel));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#source.then(
      (source) => source.close(),
      () => undefined,
    );
  }

  #begin(channel: ListChannel | RunChannel, start: (source: Source) => RunFeed): RunFeed {
    let feed: RunFeed | null = null;
    let isStopped = false;
    this.#source.then(
      (source) => {
        if (!isStopped && !this.#isClosed) feed = start(source);
      },
      (error: Error) => {
        if (!isStopped) channel.setConnection({ kind: "refused", text: error.message });
      },
    );
    return {
      stop: () => {
        isStopped = true;
        feed?.stop();
      },
      older: () => feed?.older(),
    };
  }
}
