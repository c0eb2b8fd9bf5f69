/** The runs of one cluster. */
import { ChainList } from "./chainList.ts";
import { ChainRun } from "./chainRun.ts";
import type { ListChannel, RunChannel } from "./channels.ts";
import { ClusterLink } from "./clusterLink.ts";
import type { WatchedCluster } from "./protocol.ts";
import type { Feed, RunFeed, Source } from "./source.ts";

export class ClusterSource implements Source {
  readonly #link: ClusterLink;

  /** @throws ChainError `bad-argument` */
  constructor(cluster: WatchedCluster) {
    this.#link = new ClusterLink(cluster);
  }

  list(channel: ListChannel): Feed {
    return new ChainList(this.#link, channel);
  }

  follow(runId: string, channel: RunChannel): RunFeed {
    return new ChainRun(this.#link, runId, channel);
  }

  async close(): Promise<void> {
    await this.#link.close();
  }
}
