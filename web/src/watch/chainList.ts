/** All runs of a cluster: searched for now and then, and those that are under way watched. */
import type { Address } from "@solana/kit";
import { ChainError } from "@starling/sdk/solana/chainError";
import { decodeRunConfig, decodeRunHeader, listRuns, type RunHeader } from "@starling/sdk/solana/accounts";
import { CLOCK_SYSVAR } from "@starling/sdk/solana/clusterClock";
import { addressesOfRun } from "@starling/sdk/solana/pdas";
import { wait } from "@starling/sdk/solana/wait";
import type { AccountUpdate } from "@starling/sdk/solana/wsConnection";
import type { ListChannel } from "./channels.ts";
import type { ClusterLink } from "./clusterLink.ts";
import { isActive } from "./filters.ts";
import { type NewestReport, newestReport } from "./newestReport.ts";
import type { Connection, RunSummary } from "./protocol.ts";
import { summaryOfRun } from "./runSummary.ts";
import type { Feed } from "./source.ts";

/** A search of all accounts of a program is what public nodes allow least. */
const SEARCH_EVERY_MS = 30_000;
const SEARCH_TEST_MS = 5_000;
const RETRY_MS = 5_000;
/** subscriptions; of the others the search tells */
const MOST_WATCHED = 24;
const AT_ONCE = 100;
/** one run's newest report at a time */
const REPORT_EVERY_MS = 10_000;
const REPORT_TEST_MS = 1_500;
const CONFIG_TEXTS_BYTES = 8 + 32 + 8 + 64 + 280 + 96;
const CONFIG_BYTES = CONFIG_TEXTS_BYTES + 16 + 8192;

interface Listed {
  runId: string;
  header: RunHeader;
  name: string;
  description: string;
}

export class ChainList implements Feed {
  readonly #link: ClusterLink;
  readonly #channel: ListChannel;
  readonly #closing = new AbortController();
  readonly #runs = new Map<Address, Listed>();
  readonly #watched = new Map<Address, () => void>();
  readonly #newest = new Map<Address, NewestReport>();
  #error: ChainError | null = null;

  constructor(link: ClusterLink, channel: ListChannel) {
    this.#link = link;
    this.#channel = channel;
    this.#closing.signal.addEventListener(
      "abort",
      link.onStatus(() => this.#tellConnection()),
      { once: true },
    );
    this.#tellConnection();
    void this.#search();
    void this.#readNewest();
  }

  stop(): void {
    this.#closing.abort(new ChainError("closed", "nobody looks at the list any more"));
    for (const unwatch of this.#watched.values()) unwatch();
    this.#watched.clear();
  }

  async #search(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let restMs = this.#link.cluster.isTest ? SEARCH_TEST_MS : SEARCH_EVERY_MS;
      try {
        await this.#searchOnce();
        this.#error = null;
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        if (signal.aborted) return;
        this.#error = error;
        restMs = RETRY_MS;
      }
      this.#tellConnection();
      await wait(restMs, signal).catch(() => {});
    }
  }

  async #searchOnce(): Promise<void> {
    const { client, programs, clock } = this.#link;
    const { signal } = this.#closing;
    const sysvar = await client.account(CLOCK_SYSVAR as Address, { signal });
    if (sysvar !== null) clock.observe(sysvar.data);
    const found = await listRuns(client, programs, signal);
    const configs = await Promise.all(found.map(async ({ address }) => (await addressesOfRun(programs, address)).config));
    const names = await this.#names(configs);
    if (signal.aborted) return;
    this.#link.heard();
    this.#runs.clear();
    found.forEach(({ address, runId, header }, index) => {
      if (runId !== "") this.#runs.set(address, { runId, header, ...names[index]! });
    });
    this.#watchActive();
    this.#tell();
  }

  async #names(configs: readonly Address[]): Promise<{ name: string; description: string }[]> {
    const { client, programs } = this.#link;
    const names: { name: string; description: string }[] = [];
    for (let from = 0; from < configs.length; from += AT_ONCE) {
      const slice = { offset: 0, length: CONFIG_TEXTS_BYTES };
      const { accounts } = await client.accounts(configs.slice(from, from + AT_ONCE), { slice, signal: this.#closing.signal });
      for (const account of accounts) {
        if (account === null || account.data.length < CONFIG_TEXTS_BYTES) {
          names.push({ name: "", description: "" });
          continue;
        }
        // its texts alone were asked for: what is behind them reads as zeros
        const data = new Uint8Array(CONFIG_BYTES);
        data.set(account.data.subarray(0, CONFIG_TEXTS_BYTES));
        const { name, description } = decodeRunConfig(programs, { ...account, data });
        names.push({ name, description });
      }
    }
    return names;
  }

  /** In turn, those whose step is another than that of the report that is known. */
  async #readNewest(): Promise<void> {
    const { client, programs, cluster } = this.#link;
    const { signal } = this.#closing;
    for (let turn = 0; !signal.aborted; turn++) {
      await wait(cluster.isTest ? REPORT_TEST_MS : REPORT_EVERY_MS, signal).catch(() => {});
      const due = this.#summaries().filter(({ address, summary }) => isActive(summary) && this.#newest.get(address)?.step !== summary.step);
      const next = due[turn % Math.max(1, due.length)];
      if (next === undefined || signal.aborted) continue;
      try {
        const report = await newestReport(client, programs, next.address, signal);
        if (report === null) continue;
        this.#newest.set(next.address, report);
        this.#tell();
      } catch (error) {
        // the search says what is wrong with the nodes
        if (!(error instanceof ChainError)) throw error;
      }
    }
  }

  #watchActive(): void {
    const active = this.#summaries()
      .filter(({ summary }) => isActive(summary))
      .slice(0, MOST_WATCHED)
      .map(({ address }) => address);
    for (const [address, unwatch] of this.#watched) {
      if (active.includes(address)) continue;
      unwatch();
      this.#watched.delete(address);
    }
    for (const address of active) {
      if (!this.#watched.has(address))
        this.#watched.set(
          address,
          this.#link.client.watch(address, (update) => this.#hear(address, update)),
        );
    }
  }

  #hear(address: Address, { account }: AccountUpdate): void {
    this.#link.heard();
    const listed = this.#runs.get(address);
    if (listed === undefined) return;
    if (account === null) {
      this.#runs.delete(address);
    } else {
      try {
        const header = decodeRunHeader(this.#link.programs, account);
        if (header.nonce <= listed.header.nonce && header.createdMs === listed.header.createdMs) return this.#tellConnection();
        this.#runs.set(address, { ...listed, header });
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        return;
      }
    }
    this.#tellConnection();
    this.#tell();
  }

  #summaries(): { address: Address; summary: RunSummary }[] {
    const offsetMs = this.#link.offsetMs();
    return [...this.#runs].map(([address, { runId, header, name, description }]) => ({
      address,
      summary: summaryOfRun(
        {
          key: { source: this.#channel.source, runId },
          name: name === "" ? runId : name,
          description,
          createdMs: Number(header.createdMs),
          loss: this.#newest.get(address)?.loss ?? null,
          tokensPerSecond: this.#newest.get(address)?.tokensPerSecond ?? null,
        },
        header.isConfigured ? header.machine : null,
        offsetMs,
      ),
    }));
  }

  #tell(): void {
    this.#channel.setRuns(this.#summaries().map(({ summary }) => summary));
  }

  #tellConnection(): void {
    if (this.#closing.signal.aborted) return;
    const link = this.#link.connection();
    if (this.#error !== null && link.kind !== "stale") {
      const text = `The list of runs cannot be read: ${this.#error.message}. It is read again.`;
      const failing: Connection = { kind: "connecting", isFailing: true, text };
      this.#channel.setConnection(this.#runs.size === 0 ? failing : { kind: "stale", sinceMs: Date.now(), text });
      return;
    }
    this.#channel.setConnection(link);
  }
}
