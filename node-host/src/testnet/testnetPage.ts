/** The page of a local testnet: its coordinator or its cluster, and the run's text for tabs that train. Without it the run goes on. */
import type { ClusterConfig, RuntimeConfig } from "@starling/config/page/runtimeConfig";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { clusterConfig } from "../site/clusterConfig.ts";
import { dataUrlsOf, type Site } from "../site/site.ts";
import { openSite, pageSentence } from "../site/openSite.ts";
import type { Say } from "./testnet.ts";

export interface TestnetPageOptions {
  runId: string;
  /** undefined = 8080, or any free one */
  port: number | undefined;
  /** folder or file of the run's token files; null where they are not on this machine */
  dataPath: string | null;
  /** default true */
  mayBuild?: boolean;
  say: Say;
}

export class TestnetPage {
  readonly #options: TestnetPageOptions;
  readonly #site: Promise<Site | null>;
  readonly #files: Promise<string[]>;
  #clusters: ClusterConfig[] = [];
  #coordinators: RuntimeConfig["coordinators"] = [];
  #isStopping = false;

  constructor(options: TestnetPageOptions) {
    const { dataPath, say } = (this.#options = options);
    // what is wrong with the data the clients say, who need them more
    this.#files =
      dataPath === null
        ? Promise.resolve([])
        : localFiles(dataPath)
            .list()
            .catch(() => []);
    this.#site = this.#open().catch((error: Error) => {
      say(`there is no page to watch the run: ${error.message}`, "warn");
      return null;
    });
  }

  /** The page's address; null when it cannot be served. */
  async url(): Promise<string | null> {
    return (await this.#site)?.url ?? null;
  }

  /** `address`: of the coordinator's WebSocket listener */
  showCoordinator(address: string): void {
    const { runId } = this.#options;
    this.#coordinators = [{ label: "This machine", address, runId }];
  }

  async showCluster(rpc: string, ws: string): Promise<void> {
    this.#clusters = [await clusterConfig([rpc], [ws], { label: "This machine" })];
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    await (await this.#site)?.close();
  }

  async #open(): Promise<Site> {
    const { runId, port, mayBuild = true, say } = this.#options;
    const files = await this.#files;
    const dataUrls = files.length === 0 ? undefined : { [runId]: dataUrlsOf(runId, files) };
    const data = new Map([[runId, files]]);
    return openSite({
      host: "127.0.0.1",
      port,
      mayBuild,
      config: () => ({ clusters: this.#clusters, coordinators: this.#coordinators, ...(dataUrls && { dataUrls }) }),
      data: () => data,
      onPage: (state) => {
        const sentence = pageSentence(state);
        if (sentence !== null && !this.#isStopping) say(sentence, state.type === "failed" ? "warn" : "info");
      },
    });
  }
}
